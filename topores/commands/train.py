"""`topores train`: two fixed texts in, a run folder with checkpoints out."""

import logging
import sys
from collections.abc import Sequence
from typing import Any

from topores.analysis.by_heart import by_heart
from topores.analysis.gain import Gain, Over, gain_of
from topores.analysis.verdict.by_folds import Found, judge_gain, numbers_of
from topores.quantities import NOT_QUANTITIES, QUANTITIES, quantity
from topores.runs import Run, held_out_mrr
from topores.training.monitors import retrieval_of
from topores.training.turn import Turn

log = logging.getLogger(__name__)


SHOWN = (
    "loss", "train_mrr_1to2", "train_mrr_2to1", "held_out_mrr_1to2", "held_out_mrr_2to1", "uniformity", "rank_me",
    "modality_gap", "memory_norm", "memory_drift", "memory_radius", "memory_recall", "feedback_contraction",
    "feedback_radius", "held_out_mrr_at_1_pass", "held_out_mrr_at_twice_the_passes",
    "extraction_16", "exposure",
)  # fmt: skip
"""Logged quantities of the summary; what an objective logs that topores has no name for follows them."""


def command_line(argv: Sequence[str] | None = None) -> list[str]:
    """What was typed, with the program's own name first."""
    return ["topores", *(sys.argv[1:] if argv is None else argv)]


def summary(run: Run, seconds: float) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "run": str(run.folder),
        "cycles": run.metrics[-1]["cycle"],
        "seconds": round(seconds, 3),
        "metrics": run.metrics[-1],
        "best": _best(run),
        "turn": _turn(run),
        "nulls": {name: str(null.folder) for name, null in run.nulls.items()},
        "folds": [str(fold.folder) for fold in run.folds[1:]],
        "gain": _gain(run),
        "by_heart": [str(sentence) for sentence in by_heart(run.metrics)],
    }


def _gain(run: Run) -> dict[str, Any] | None:
    """What unseen partners gained over the folds; None without folds."""
    found = _judged_gain(run)
    if found is None:
        return None
    gain, judged = found
    return {
        "outcome": judged.outcome,
        "pairs": gain.pairs,
        **_controls(gain.over),
        "log2_rank": None if gain.log_over is None else _controls(gain.log_over),
        "best": None if gain.best is None else {"cycle": gain.best.cycle, **_controls(gain.best.over)},
    }


def _controls(over: Over) -> dict[str, Any]:
    return {f"over_{name}": None if one is None else one._asdict() for name, one in over._asdict().items()}


def _judged_gain(run: Run) -> tuple[Gain, Found] | None:
    """The gain at the last cycle, and what it means."""
    first, last = run.metrics[0], run.metrics[-1]
    gain = gain_of(run, last["cycle"])
    return None if gain is None else (gain, judge_gain(gain, retrieval_of(first), retrieval_of(last)))


def _best(run: Run) -> dict[str, Any] | None:
    """What --keep best kept."""
    best = run.best if run.options.keep == "best" else None
    if best is None:
        return None
    path = run.checkpoints.get(best["cycle"])
    return {"cycle": best["cycle"], "held_out_mrr": held_out_mrr(best), "checkpoint": path and str(path)}


def _turn(run: Run) -> str | None:
    """Where --stop-at-turn ended the run, and by what; None where it came to its last cycle."""
    reached = Turn(run.options.encoder, run.metrics, asked=run.options.stop_at_turn).reached
    return reached.sentence if reached else None


def _least_widths(row: Sequence[str]) -> list[int]:
    return [24, 12, *(16 for _ in row[2:])]


def in_words(run: Run) -> str:
    """What a reader wants to know when the training is done: did unseen pairs get better, and what to do next."""
    first, last = run.metrics[0], run.metrics[-1]
    kinds: dict[str, list[dict[str, Any]]] = {}
    for null in run.nulls.values():
        kinds.setdefault(null.facts["null"]["kind"], []).append(null.metrics[-1])
    end = f"{'turn, ' if _turn(run) else ''}cycle {last['cycle']:,}"
    rows = [["", "untrained", end, *(f"{kind} ({len(ends)})" for kind, ends in kinds.items())]]
    rows += [
        [
            quantity(name).name.replace("→", "->"),  # not every terminal has the arrow
            *(_mean_shown([line.get(name)]) for line in (first, last)),
            *(_mean_shown([e.get(name) for e in ends]) for ends in kinds.values()),
        ]
        for name in [*(name for name in SHOWN if name in last), *_others(last)]
    ]
    wide = [max(least, *(len(row[place]) + 2 for row in rows)) for place, least in enumerate(_least_widths(rows[0]))]
    table = [
        f"{label:{wide[0]}}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, wide[1:], strict=True))
        for label, *cells in rows
    ]
    best = _best(run)
    if best:
        name = quantity("held_out_mrr").name
        table += ["", f"Best: cycle {best['cycle']:,}, {name} {best['held_out_mrr']:.3f}: {best['checkpoint']}"]
    judged = _judged_gain(run)
    if judged is not None:
        gain, found = judged
        told = f"{found.words} ({numbers_of(gain)})."
        table += ["", told[0].upper() + told[1:]]
    if said := by_heart(run.metrics):
        table += ["", *said]
    return "\n".join([*table, "", f"Run: {run.folder}", f"Next: topores topology --checkpoint {run.folder}"])


def _others(line: dict[str, Any]) -> list[str]:
    """Logged numbers that the table of quantities lacks."""
    known = {*NOT_QUANTITIES, *QUANTITIES, *(key for one in QUANTITIES.values() for key in one.logged_as)}
    return [name for name, value in line.items() if name not in known and isinstance(value, int | float)]


def _mean_shown(values: Sequence[float | None]) -> str:
    """The mean of one number over runs."""
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.3f}" if known else "-"
