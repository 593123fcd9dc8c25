"""The verdict: one sentence and the claims behind it. All rules stand in this file.

What a null measured here rules out is said with its p. What has no null yet is given as a number,
described and not judged: a training run without nulls on shuffled pairings cannot show that the
pairing, rather than training as such, changed the space.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from topores.analysis.chance import Rows, holm, prediction_p, sign_flip_p, turned_share
from topores.domain import Claim, Corpus, Loop, State, Verdict
from topores.text.retrieval import ranks

ALPHA = 0.05
FOUND = 0.9
"""Training MRR from which the pairs count as found by heart, if held-out retrieval did not rise with it."""
NO_ROOM = 0.95
"""Held-out MRR of the first state from which better cannot be told from luck."""
FEW = 20
"""Held-out questions below which the absence of a change says nothing."""
COLLAPSED_RANK = 0.5
"""Share of the first state's RankMe below which a narrower space counts as collapsed."""
RETRIEVAL = "held_out_mrr"
COMPARED = {
    RETRIEVAL: "MRR of held-out pairs",
    "total_persistence": "total H1 persistence",
    "uniformity": "uniformity",
    "rank_me": "RankMe",
    "intrinsic_dimension": "intrinsic dimension",
    "modality_gap": "modality gap",
}
"""What is compared with runs on shuffled pairings, of the union cloud at the last layer, in words."""
SPREAD = 0.1
"""Change of uniformity that is worth a word, in its own unit."""

Value = Callable[[str, int], float | None]


@dataclass(frozen=True)
class Evidence:
    """What the rules look at: the first and the last state, at the last layer, over both texts."""

    states: Sequence[State]
    value: Value
    """`value(measure, cycle)` of the union cloud at the last layer, against the first state if it is a change."""
    loops: Sequence[Loop]
    corpus: Corpus | None
    """None where nothing is aligned, so that nothing can be retrieved."""
    first: Rows
    last: Rows
    """Unit rows of all passages at the first and the last state, T1's first."""
    standard_error: Value = lambda _measure, _cycle: None
    """Of `value`, where it is an average over subsamples."""
    own: Mapping[str, float] = field(default_factory=dict)
    """Of the last state, what is compared with the nulls that were trained."""
    shuffled: Sequence[Mapping[str, float]] = ()
    """The same of each null on shuffled pairings, at the same cycle."""


def judge(evidence: Evidence, seed: int) -> Verdict:
    """The sentence and its claims."""
    if len(evidence.states) == 1:
        return _single(evidence)
    parts, claims = [], []
    for rule in (_retrieval, _pairing, _spread, _movement, _loops):
        words, found = rule(evidence, seed)
        parts += [words] if words else []
        claims += found
    if _nothing_moved(evidence):
        return Verdict(f"{_span(evidence)} nothing changed: every passage stands where it stood.", tuple(claims))
    sentence = f"{_span(evidence)} {'; '.join(parts)}."
    return Verdict(sentence, tuple(claims))


def _span(evidence: Evidence) -> str:
    first, last = evidence.states[0], evidence.states[-1]
    if evidence.corpus is None:
        return f"From {first.label} to {last.label}"
    if first.cycle:
        return f"From cycle {first.cycle:,} to cycle {last.cycle:,}"
    return f"After {last.cycle:,} cycle{'s' if last.cycle > 1 else ''}"


def _retrieval(evidence: Evidence, seed: int) -> tuple[str, list[Claim]]:
    """Learned, memorised, forgotten, or neither: passages never trained on decide."""
    if evidence.corpus is None:
        return "", []
    before, after = _reciprocal_ranks(evidence, "held_out")
    trained_before, trained_after = _reciprocal_ranks(evidence, "train")
    train = f"training pairs MRR {trained_before.mean():.2f} to {trained_after.mean():.2f}"
    trained = Claim(
        "MRR of training pairs, last state (first beside it)",
        float(trained_after.mean()), float(trained_before.mean()), None,
    )  # fmt: skip
    if not len(before):
        return f"nothing was held out to tell learning from memorising ({train})", [trained]
    p = sign_flip_p(after - before, seed)
    claims = [
        Claim("MRR of held-out pairs, last state (first beside it)", float(after.mean()), float(before.mean()), p),
        trained,
    ]
    told = f"MRR {before.mean():.2f} to {after.mean():.2f} over {len(before)} questions, p = {p:.2g}; {train}"
    return f"{_learning(before, after, trained_before, trained_after, p)} ({told})", claims


def _learning(
    before: np.ndarray, after: np.ndarray, trained_before: np.ndarray, trained_after: np.ndarray, p: float
) -> str:
    if p < ALPHA:
        return "held-out retrieval rose" if after.mean() > before.mean() else "held-out retrieval fell below its start"
    if before.mean() >= NO_ROOM:
        return "held-out retrieval had no room to rise"
    if not trained_after.mean() >= FOUND > trained_before.mean():
        return "no learning is shown: held-out retrieval did not change beyond chance"
    if len(before) < FEW:
        return (
            "the training pairs are known by heart, and too few questions are held out to tell whether that is learning"
        )
    return "the training pairs were memorised: held-out retrieval did not change beyond chance"


def _reciprocal_ranks(evidence: Evidence, split: str) -> tuple[np.ndarray, np.ndarray]:
    """1 / rank of every question in both directions, before and after."""
    corpus = evidence.corpus
    assert corpus is not None
    n_1 = len(corpus.t1)
    found = [
        np.concatenate([1 / ranks(rows[:n_1], rows[n_1:], corpus, split, d) for d in ("1to2", "2to1")])  # type: ignore[arg-type]
        for rows in (evidence.first, evidence.last)
    ]
    return found[0], found[1]


def _pairing(evidence: Evidence, _seed: int) -> tuple[str, list[Claim]]:
    """Whether the pairing did something that the same training on permuted pairs does not."""
    runs, own = evidence.shuffled, evidence.own
    names = [name for name in COMPARED if name in own and all(name in run for run in runs)]
    if len(runs) < 2 or not names:
        return "", []
    nulls = {name: [run[name] for run in runs] for name in names}
    # Whether retrieval is better is the question; that anything else differs, either way, is asked of all at once.
    others = [name for name in names if name != RETRIEVAL]
    p = dict(zip(others, holm([prediction_p(own[name], nulls[name]) for name in others]), strict=True))
    if RETRIEVAL in nulls:
        p[RETRIEVAL] = prediction_p(own[RETRIEVAL], nulls[RETRIEVAL], above=True)
    beside = f"last state (mean of {len(runs)} runs on shuffled pairings beside it)"
    means = {name: float(np.mean(nulls[name])) for name in names}
    claims = [Claim(f"{COMPARED[name]}, {beside}", own[name], means[name], p[name]) for name in names]
    differ = [COMPARED[name] for name in others if p[name] < ALPHA]
    also = f"{_listed(differ)} {'differs' if len(differ) == 1 else 'differ'} from these" if differ else ""
    if RETRIEVAL not in p:
        return also.replace(
            "these", "runs on shuffled pairings"
        ) or "nothing differs from runs on shuffled pairings beyond chance", claims
    better = "better" if p[RETRIEVAL] < ALPHA else "no better, beyond chance,"
    told = f"MRR {own[RETRIEVAL]:.2f} against {means[RETRIEVAL]:.2f} over {len(runs)} runs, p = {p[RETRIEVAL]:.2g}"
    words = f"unseen partners are found {better} than after shuffled pairings ({told})"
    return f"{words}, and {also or 'nothing else differs from these beyond chance'}", claims


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _spread(evidence: Evidence, _seed: int) -> tuple[str, list[Claim]]:
    """Collapsed, contracted, spread out or neither, by uniformity and RankMe."""
    first, last = evidence.states[0].cycle, evidence.states[-1].cycle
    was, now = evidence.value("uniformity", first), evidence.value("uniformity", last)
    rank_was, rank_now = evidence.value("rank_me", first), evidence.value("rank_me", last)
    if was is None or now is None or rank_was is None or rank_now is None:
        return "", []
    claims = [
        Claim("uniformity, last state (first beside it; lower is wider)", now, was, None),
        Claim("RankMe, last state (first beside it)", rank_now, rank_was, None),
    ]
    told = f"uniformity {was:.2f} to {now:.2f}, RankMe {rank_was:.0f} to {rank_now:.0f}"
    if now > was + SPREAD and rank_now < COLLAPSED_RANK * rank_was:
        return f"the space collapsed ({told})", claims
    word = "contracted" if now > was + SPREAD else "spread out" if now < was - SPREAD else "kept its spread"
    return f"the space {word} ({told})", claims


def _movement(evidence: Evidence, seed: int) -> tuple[str, list[Claim]]:
    """How much of the passages' movement one rotation and scale of all of them explain, beside chance."""
    first, last = evidence.states[0].cycle, evidence.states[-1].cycle
    was, now = evidence.value("total_persistence", first), evidence.value("total_persistence", last)
    loops = [Claim("total H1 persistence, last state (first beside it)", now, was, None)]
    told = "" if was is None or now is None else _loops_in_all(evidence, was, now)
    # No residual: the states differ in width, or one of them is a single point.
    if evidence.value("procrustes.residual", last) is None or _nothing_moved(evidence):
        return told, loops
    turned, by_chance, p = turned_share(evidence.first, evidence.last, seed)
    claim = Claim("share of the squared movement that one rotation and scale explain", turned, by_chance, p)
    words = f"one rotation and scale explain {turned:.0%} of the movement ({by_chance:.0%} by chance)"
    return "; ".join(part for part in (words, told) if part), [claim, *loops]


def _loops_in_all(evidence: Evidence, was: float, now: float) -> str:
    first, last = (evidence.standard_error("total_persistence", evidence.states[i].cycle) for i in (0, -1))
    if first is None or last is None:
        return f"total loop persistence went from {was:.2f} to {now:.2f}"
    return f"total loop persistence of a subsample went from {was:.2f} ± {first:.2f} to {now:.2f} ± {last:.2f}"


def _loops(evidence: Evidence, _seed: int) -> tuple[str, list[Claim]]:
    """Whether any loop of the last state beats the universal null, after Bonferroni over its bars."""
    last = evidence.states[-1].cycle
    mine = [loop for loop in evidence.loops if loop.cycle == last]
    if evidence.value("total_persistence", last) is None:
        return "", []
    best = min((loop.p for loop in mine), default=None)
    count = sum(loop.p < ALPHA for loop in mine)
    claim = Claim("loops of the last state beyond the universal null", float(count), 0.0, best)
    if count == 0:
        return "none of its loops is larger than chance makes", [claim]
    return f"{count} of its loops {'is' if count == 1 else 'are'} larger than chance makes (p = {best:.2g})", [claim]


def _nothing_moved(evidence: Evidence) -> bool:
    return evidence.value("change", evidence.states[-1].cycle) == 0


def _single(evidence: Evidence) -> Verdict:
    """One state has no change to judge: say what it is like."""
    state = evidence.states[0]
    words, claims = _loops(evidence, 0)
    rank, uniformity = evidence.value("rank_me", state.cycle), evidence.value("uniformity", state.cycle)
    claims += [Claim("RankMe", rank, None, None), Claim("uniformity", uniformity, None, None)]
    told = (
        f"RankMe {rank:.0f}, uniformity {uniformity:.2f}"
        if rank is not None and uniformity is not None
        else "one state"
    )
    tail = f"; {words}" if words else ""
    return Verdict(
        f"{state.label[:1].upper()}{state.label[1:]} alone shows no change: its last layer has {told}{tail}.",
        tuple(claims),
    )
