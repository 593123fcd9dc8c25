"""What a language model's run came to, in sentences: whether it overfits, knows its texts by heart, and copies.

The rules look at metrics.jsonl alone, so that the terminal and the page say the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from topores.phrases import Phrase
from topores.quantities import quantity

Line = Mapping[str, Any]
"""One line of metrics.jsonl, by key."""

BY_HEART = 0.9
"""Share of training passages that are said word for word, from which all count as known by heart."""

RISE = 0.1
"""Nats a token above its least: so much does the held-out cost move between cycles without any trend."""

WORTH = 0.1
"""Nats a token that the right source must be worth to count as used."""

COPIES = 0.05
"""How much more of a continuation must be one run of a training text than of the target that was to be said."""

PREFIX = 16
"""Tokens given, of the extractions that are logged the shortest: most passages are long enough."""


class Cost(NamedTuple):
    """The held-out cost at one logged cycle, mean over the pairings."""

    cycle: int
    nats: float


def is_language_model(metrics: Sequence[Line]) -> bool:
    """Whether the lines are those of a run that predicted tokens."""
    return any(line.get("token_loss_1to1") is not None for line in metrics)


def by_heart(metrics: Sequence[Line]) -> list[Phrase]:
    """Sentences on the lines of a language model's run, the plainest first; none for any other run."""
    if not is_language_model(metrics):
        return []
    rules = (_headline, _of_cost, _of_source, _of_extraction, _of_copies, _of_canaries)
    return [sentence for rule in rules if (sentence := rule(metrics)) is not None]


def least_cost(metrics: Sequence[Line]) -> Cost | None:
    """The logged cycle of the least held-out cost; None if nothing was held out."""
    return min(_costs(metrics), key=lambda cost: cost.nats, default=None)


def full_extraction(metrics: Sequence[Line]) -> int | None:
    """The first logged cycle at which the training passages are known by heart; None if none is."""
    return next((line["cycle"] for line in metrics if (_number(line, _extraction) or 0.0) >= BY_HEART), None)


def overfits(metrics: Sequence[Line]) -> bool:
    """Whether the held-out cost has risen from its least value."""
    least, costs = least_cost(metrics), _costs(metrics)
    return least is not None and costs[-1].nats > least.nats + RISE


_extraction = f"extraction_{PREFIX}"


def _headline(metrics: Sequence[Line]) -> Phrase | None:
    share = _number(metrics[-1], _extraction)
    heart = share is not None and share >= BY_HEART
    if heart and overfits(metrics):
        return Phrase("It chokes: it says its training texts by heart, and gets worse on unseen ones.")
    if heart:
        return Phrase("It says its training texts by heart.")
    if overfits(metrics):
        return Phrase("It overfits: it gets worse on unseen texts.")
    held_out = least_cost(metrics) is not None
    if held_out and share is not None:
        return Phrase("It neither overfits nor says its training texts by heart yet.")
    if held_out:
        return Phrase("It does not overfit yet.")
    return None if share is None else Phrase("It does not say its training texts by heart yet.")


def _of_cost(metrics: Sequence[Line]) -> Phrase | None:
    least = least_cost(metrics)
    if least is None:
        return Phrase("Nothing is held out, so nothing shows whether it overfits.")
    last = _costs(metrics)[-1]
    if last.nats <= least.nats + RISE:
        return Phrase(
            "The held-out cost is least at cycle {cycle:,}, {least:.2f} nats a token, and has not risen since.",
            cycle=least.cycle, least=least.nats,
        )  # fmt: skip
    return Phrase(
        "The held-out cost is least at cycle {cycle:,}, {least:.2f} nats a token, and rises to {last:.2f} at cycle "
        "{end:,}.",
        cycle=least.cycle, least=least.nats, last=last.nats, end=last.cycle,
    )  # fmt: skip


def _of_extraction(metrics: Sequence[Line]) -> Phrase:
    share, reached = _number(metrics[-1], _extraction), full_extraction(metrics)
    if share is None:
        return Phrase("No training passage is long enough to be asked for by its first {prefix} tokens.", prefix=PREFIX)
    told = Phrase(
        "Given {prefix} tokens, it continues {share:.0%} of the training passages word for word at cycle {end:,}",
        prefix=PREFIX, share=share, end=metrics[-1]["cycle"],
    )  # fmt: skip
    if reached is None:
        return Phrase("{told}.", told=told)
    return Phrase("{told}; {full:.0%} are reached at cycle {cycle:,}.", told=told, full=BY_HEART, cycle=reached)


def _of_source(metrics: Sequence[Line]) -> Phrase | None:
    """Across the texts, where a source does not hold its target, and at the cycle of the least cost."""
    least = least_cost(metrics)
    if least is None:
        return None
    line = next(line for line in metrics if line["cycle"] == least.cycle)
    own, other = (_mean(line, [f"held_out_nll_{way}{end}" for way in ("1to2", "2to1")]) for end in ("", "_other"))
    if own is None or other is None:
        return None
    values = {"worth": other - own, "cycle": least.cycle}
    if other - own <= 0:
        return Phrase("There, the right source makes unseen targets no cheaper than another one: it is not used.")
    if other - own < WORTH:
        return Phrase(
            "There, the right source makes unseen targets cheaper by {worth:.2f} nats a token: it is hardly used.",
            **values,
        )
    return Phrase("There, the right source makes unseen targets cheaper by {worth:.2f} nats a token.", **values)


def _of_copies(metrics: Sequence[Line]) -> Phrase | None:
    line = metrics[-1]
    source, training, usual = (
        _number(line, f"copied_{how}") for how in ("from_source", "from_training", "by_target")
    )  # fmt: skip
    if source is None or training is None or usual is None:
        return None
    values = {"training": training, "source": source, "usual": usual}
    if training > usual + COPIES:
        return Phrase(
            "It copies: on unseen sources, {training:.0%} of what it says is one run of a training text, and "
            "{source:.0%} one of its source; of what should be said, {usual:.0%} is one of a training text.",
            **values,
        )
    return Phrase(
        "On unseen sources, {training:.0%} of what it says is one run of a training text, no more than of what should "
        "be said ({usual:.0%}); {source:.0%} is one of its source.",
        **values,
    )


def _of_canaries(metrics: Sequence[Line]) -> Phrase | None:
    bits = _number(metrics[-1], "exposure")
    return None if bits is None else Phrase("Exposure of canaries: {bits:.1f} of 8 bits (1.4 by chance).", bits=bits)


def _costs(metrics: Sequence[Line]) -> list[Cost]:
    keys = quantity("held_out_nll").logged_as
    found = [(line["cycle"], _mean(line, keys)) for line in metrics]
    return [Cost(cycle, nats) for cycle, nats in found if nats is not None]


def _mean(line: Line, keys: Sequence[str]) -> float | None:
    known = [value for key in keys if (value := _number(line, key)) is not None]
    return sum(known) / len(known) if known else None


def _number(line: Line, key: str) -> float | None:
    value = line.get(key)
    return float(value) if isinstance(value, int | float) else None
