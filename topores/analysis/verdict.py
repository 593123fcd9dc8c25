"""The verdict: one sentence and the claims behind it. All rules stand in this file.

A change is claimed only where it leaves what dropout and the choice of passages make below it; that the pairing caused
it, only where runs on shuffled pairings do not show it too. What has no null is given as a number, and not judged.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import false_discovery_control

from topores.analysis.chance import monte_carlo_p, prediction_p, sign_flip_p, turned_share
from topores.analysis.evidence import COMPARED, LONGEST_CLUSTER, LOOPS, RETRIEVAL, Evidence, Learning
from topores.analysis.movement import movement_of_texts
from topores.domain import Claim, Verdict
from topores.topology.significance import holm

ALPHA = 0.05
FOUND = 0.9
"""Training MRR from which the pairs count as found by heart, if held-out retrieval did not rise with it."""
NO_ROOM = 0.95
"""Held-out MRR of the first state from which better cannot be told from luck."""
FEW = 20
"""Held-out questions below which the absence of a change says nothing."""
FEW_RUNS = 5
"""Runs on shuffled pairings below which only large effects are seen (benchmarks/verdict_level.py)."""
COLLAPSED_RANK = 0.5
"""Share of the first state's RankMe below which a narrower space counts as collapsed."""
SPREAD = 0.1
"""Change of uniformity that is worth a word, in its own unit, where no floor was measured."""
BEYOND_CHANCE = 0.1
"""What one rotation and scale must explain of the movement beyond what they explain by chance, to be called a turn."""
DEFORMED = 0.2
"""What rotation and scale must leave of the movement to be called a deformation."""


def judge(evidence: Evidence, seed: int) -> Verdict:
    """The sentence and its claims."""
    if len(evidence.states) == 1:
        return _single(evidence)
    if evidence.nothing_moved:
        still = f"{_span(evidence)} nothing changed: every passage stands where it stood."
        about = [*_retrieval(evidence, seed)[1], *_loops(evidence, seed)[1]]
        return Verdict(still, tuple(about), "frozen", "unchanged")
    outcome, learned, about_learning = _learning(evidence, seed)
    movement, moved, about_movement = _movement(evidence, seed)
    parts, claims = [learned, moved], [*about_learning, *about_movement]
    for rule in (_shape, _clusters, _loops):
        words, found = rule(evidence, seed)
        parts.append(words)
        claims += found
    sentence = f"{_span(evidence)} {'; '.join(part for part in parts if part)}."
    return Verdict(sentence, tuple(claims), outcome, movement)


def _span(evidence: Evidence) -> str:
    first, last = evidence.states[0], evidence.states[-1]
    if evidence.corpus is None:
        return f"From {first.label} to {last.label}"
    if first.cycle:
        return f"From cycle {first.cycle:,} to cycle {last.cycle:,}"
    return f"After {last.cycle:,} cycle{'s' if last.cycle > 1 else ''}"


# Learned or memorised.


def _learning(evidence: Evidence, seed: int) -> tuple[str, str, list[Claim]]:
    """The outcome, in a word and in words, and the claims of retrieval and of the runs on shuffled pairings."""
    compared = _compared(evidence)
    if collapsed := _collapse(evidence):
        return "collapsed", collapsed, [*_retrieval(evidence, seed)[1], *compared]
    if evidence.corpus is None:
        return "", "", compared
    held, trained = evidence.reciprocal_ranks("held_out"), evidence.reciprocal_ranks("train")
    claims = [*_retrieval(evidence, seed)[1], *compared]
    pairs = f"training pairs MRR {trained.before.mean():.2f} to {trained.after.mean():.2f}"
    if not len(held.before):
        return "undecided", f"nothing was held out to tell learning from memorising ({pairs})", claims
    p = sign_flip_p(held.after - held.before, seed)
    shuffled = _against_shuffled(evidence)
    outcome, words = _outcome(held, trained, p, shuffled)
    told = f"MRR {held.before.mean():.2f} to {held.after.mean():.2f} over {len(held.before)} questions, p = {p:.2g}"
    return outcome, f"{words} ({told}; {pairs}{_told_of_shuffled(evidence, shuffled)})", claims


def _outcome(held: Learning, trained: Learning, p: float, shuffled: float | None) -> tuple[str, str]:
    """What passages never trained on say, in a word and in words.

    Args:
        p: Of the change of held-out retrieval.
        shuffled: p of its being better than after shuffled pairings; None where that was not measured.
    """
    rose, fell = (p < ALPHA and sign * (held.after.mean() - held.before.mean()) > 0 for sign in (1, -1))
    by_heart = trained.after.mean() >= FOUND > trained.before.mean()
    if shuffled is not None and shuffled >= ALPHA:
        than_before = "better than before, but " if rose else "worse than before, and " if fell else ""
        heart = ", with the training pairs known by heart" if by_heart else ""
        return (
            "no better than shuffled",
            f"unseen partners are found {than_before}no better, beyond chance, than after shuffled pairings{heart}",
        )
    if rose:
        cause = "than before and than after shuffled pairings" if shuffled is not None else "than before"
        return "learned", f"the encoder learned: unseen partners are found better {cause}"
    if fell and by_heart:
        return "memorised", "the training pairs were memorised: unseen partners are found worse than before"
    if fell:
        return "unlearned", "the encoder unlearned: unseen partners are found worse than before"
    though = ", though better than after shuffled pairings" if shuffled is not None else ""
    if not by_heart:
        room = held.before.mean() >= NO_ROOM
        why = "held-out retrieval had no room to rise" if room else "held-out retrieval did not change beyond chance"
        return "undecided", f"no learning is shown: {why}{though}"
    if len(held.before) < FEW:
        return (
            "undecided",
            "the training pairs are known by heart, and too few questions are held out to tell whether that is "
            f"learning{though}",
        )
    return "memorised", f"the training pairs were memorised: unseen partners are found no better than before{though}"


def _told_of_shuffled(evidence: Evidence, p: float | None) -> str:
    if p is None:
        return ""
    runs = len(evidence.shuffled)
    mean = np.mean([run[RETRIEVAL] for run in evidence.shuffled])
    few = ", which see large effects only" if runs < FEW_RUNS else ""
    return f"; after shuffled pairings {mean:.2f} in {runs} runs{few}, p = {p:.2g}"


def _retrieval(evidence: Evidence, seed: int) -> tuple[str, list[Claim]]:
    """Claims of both sides of the split; the words about them are the outcome's."""
    if evidence.corpus is None:
        return "", []
    claims = []
    for split, words in (("held_out", "held-out"), ("train", "training")):
        mrr = evidence.reciprocal_ranks(split)
        if len(mrr.before):
            # Training pairs are found better by any training: no p would say anything.
            p = sign_flip_p(mrr.after - mrr.before, seed) if split == "held_out" else None
            what = f"MRR of {words} pairs, last state (first beside it)"
            claims.append(Claim(what, float(mrr.after.mean()), float(mrr.before.mean()), p))
    return "", claims


def _collapse(evidence: Evidence) -> str:
    first, last = evidence.states[0].cycle, evidence.states[-1].cycle
    was, now = evidence.value("uniformity", first), evidence.value("uniformity", last)
    rank_was, rank_now = evidence.value("rank_me", first), evidence.value("rank_me", last)
    if was is None or now is None or rank_was is None or rank_now is None:
        return ""
    if now <= was + SPREAD or rank_now >= COLLAPSED_RANK * rank_was:
        return ""
    return f"the space collapsed (uniformity {was:.2f} to {now:.2f}, RankMe {rank_was:.0f} to {rank_now:.0f})"


# What else the pairing changed.


def _against_shuffled(evidence: Evidence) -> float | None:
    """p of held-out retrieval being better than that of the runs on shuffled pairings, if there are two or more."""
    own, runs = evidence.own.get(RETRIEVAL), [run[RETRIEVAL] for run in evidence.shuffled if RETRIEVAL in run]
    return None if own is None or len(runs) < 2 else prediction_p(own, runs, above=True)


def _differing(evidence: Evidence) -> dict[str, float]:
    """p of each number's difference from the runs on shuffled pairings, either way, corrected for all of them."""
    runs, own = evidence.shuffled, evidence.own
    names = [n for n in COMPARED if n != RETRIEVAL and n in own and all(n in run for run in runs)]
    if len(runs) < 2 or not names:
        return {}
    return dict(zip(names, holm([prediction_p(own[n], [run[n] for run in runs]) for n in names]), strict=True))


def _compared(evidence: Evidence) -> list[Claim]:
    """Each number beside its mean over the runs on shuffled pairings."""
    p = {} if (of_retrieval := _against_shuffled(evidence)) is None else {RETRIEVAL: of_retrieval}
    p |= _differing(evidence)
    beside = f"last state (mean of {len(evidence.shuffled)} runs on shuffled pairings beside it)"
    return [
        Claim(
            f"{COMPARED[n]}, {beside}", evidence.own[n], float(np.mean([run[n] for run in evidence.shuffled])), own
        )
        for n, own in p.items()
    ]  # fmt: skip


def _shape(evidence: Evidence, seed: int) -> tuple[str, list[Claim]]:  # noqa: ARG001
    """Which numbers changed beyond dropout and resampling, and which of these the pairing is behind."""
    spread, claims = _spread(evidence)
    names = [n for n in COMPARED if n != RETRIEVAL and n in evidence.own and n in evidence.before]
    changes = {n: evidence.own[n] - evidence.before[n] for n in names}
    floors = {n: evidence.floor(n) for n in names}
    claims += [
        Claim(f"change of {COMPARED[n]} (what dropout or resampling alone reach beside it)", changes[n], floor, None)
        for n, floor in floors.items()
        if floor is not None
    ]
    changed = [n for n in names if (floor := floors[n]) is not None and abs(changes[n]) > floor]
    p = _differing(evidence)
    caused = [n for n in changed if p.get(n, 1.0) < ALPHA]
    if p and caused:
        shared = [n for n in changed if n not in caused]
        also = f", while {_listed(shared)} changed no more than under shuffled pairings" if shared else ""
        said = f"{_listed(caused)} changed as under no shuffled pairing{also}"
    elif p and changed:
        said = f"{_listed(changed)} changed, and no more than under shuffled pairings"
    elif p:
        said = "nothing in its shape changed beyond dropout and resampling" if any(floors.values()) else ""
    else:
        said = ""
    return "; ".join(part for part in (spread, _loops_in_all(evidence), said) if part), claims


def _spread(evidence: Evidence) -> tuple[str, list[Claim]]:
    """Contracted, spread out or neither, by uniformity."""
    first, last = evidence.states[0].cycle, evidence.states[-1].cycle
    was, now = evidence.value("uniformity", first), evidence.value("uniformity", last)
    rank_was, rank_now = evidence.value("rank_me", first), evidence.value("rank_me", last)
    if was is None or now is None or rank_was is None or rank_now is None:
        return "", []
    claims = [
        Claim("uniformity, last state (first beside it; lower is wider)", now, was, None),
        Claim("RankMe, last state (first beside it)", rank_now, rank_was, None),
    ]
    if _collapse(evidence):
        return "", claims
    least = max(SPREAD, evidence.floor("uniformity") or 0.0)
    word = "contracted" if now > was + least else "spread out" if now < was - least else "kept its spread"
    return f"the space {word} (uniformity {was:.2f} to {now:.2f}, RankMe {rank_was:.0f} to {rank_now:.0f})", claims


def _loops_in_all(evidence: Evidence) -> str:
    was, now = (evidence.value(LOOPS, evidence.states[i].cycle) for i in (0, -1))
    if was is None or now is None:
        return ""
    first, last = (evidence.standard_error(LOOPS, evidence.states[i].cycle) for i in (0, -1))
    if first is not None and last is not None:
        return f"total loop persistence of a subsample went from {was:.2f} ± {first:.2f} to {now:.2f} ± {last:.2f}"
    floor = evidence.floor(LOOPS)
    within = ", within dropout and resampling" if floor is not None and abs(now - was) <= floor else ""
    return f"total loop persistence went from {was:.2f} to {now:.2f}{within}"


# Turned or deformed.


def _movement(evidence: Evidence, seed: int) -> tuple[str, str, list[Claim]]:
    """How much of the passages' movement one rotation and scale of all of them explain, beside chance."""
    last = evidence.states[-1].cycle
    was, now = evidence.value(LOOPS, evidence.states[0].cycle), evidence.value(LOOPS, last)
    loops = [Claim("total H1 persistence, last state (first beside it)", now, was, None)]
    moved, floor = evidence.value("change", last), evidence.floors.get("dropout", {}).get("change")
    # No residual: the states differ in width, or one of them is a single point.
    if evidence.value("procrustes.residual", last) is None or moved is None:
        return "", "", loops
    if floor is not None:
        loops.insert(0, Claim("movement of the passages (what dropout alone reaches beside it)", moved, floor, None))
        if moved <= floor:
            told = f"{moved:.2f} of its spread, dropout alone {floor:.2f}"
            return "unchanged", f"the passages moved no further than under dropout ({told})", loops
    turned, by_chance, p = turned_share(evidence.first, evidence.last, seed)
    claim = Claim("share of the squared movement that one rotation and scale explain", turned, by_chance, p)
    against, of_texts = _of_two_texts(evidence, seed)
    # The share's p cannot fall below that of its few shuffles.
    words = ["turned"] if p <= ALPHA and turned - by_chance >= BEYOND_CHANCE else []
    words += ["deformed"] if 1 - turned >= DEFORMED else []
    # What no turn beyond chance explains has changed its shape, however little is left of it.
    movement = " and ".join(words) or "deformed"
    told = f"one rotation and scale explain {turned:.0%} of the movement, {by_chance:.0%} by chance{against}"
    return movement, f"the space {movement} ({told})", [claim, *of_texts, *loops]


def _of_two_texts(evidence: Evidence, seed: int) -> tuple[str, list[Claim]]:
    """Whether the texts turned against each other, beyond what they turned together; words only if they did."""
    n_1 = 0 if evidence.corpus is None else len(evidence.corpus.t1)
    if not 1 < n_1 < len(evidence.first) - 1:
        return "", []
    found = movement_of_texts(evidence.first, evidence.last, n_1, seed)
    names = {
        "relative": "the texts' own rotations explain beyond the shared one",
        "shift": "the texts' centres make against each other",
    }
    claims = [
        Claim(f"share of the squared movement that {words}", *(getattr(part, name) for part in found[:3]))
        for name, words in names.items()
    ]
    if found.between is None or found.between_p is None or found.between_by_chance is None:
        return "", claims
    what = "share of the change of inner products that lies between the texts, not within them"
    claims.append(Claim(what, found.between, found.between_by_chance, found.between_p))
    if found.between_p > ALPHA or found.between - found.between_by_chance < BEYOND_CHANCE:
        return "", claims
    told = f"{found.between:.0%} of the change lies between them, {found.between_by_chance:.0%} by chance"
    return f"; the two texts turned against each other: {told}", claims


# Loops and clusters.


def _loops(evidence: Evidence, seed: int) -> tuple[str, list[Claim]]:  # noqa: ARG001
    """Loops of the first and the last state that beat both nulls, and cells of all layers, cycles and clouds."""
    first, last = evidence.states[0].cycle, evidence.states[-1].cycle
    if evidence.value(LOOPS, last) is None:
        return "", []
    own = {cycle: [loop for loop in evidence.loops if loop.cycle == cycle] for cycle in (first, last)}
    count = {cycle: sum(loop.p < ALPHA for loop in loops) for cycle, loops in own.items()}
    best = min((loop.p for loop in own[last]), default=None)
    claims = [
        Claim("loops of the last state beyond both nulls (those of the first beside it)",
              float(count[last]), float(count[first]), best)
    ]  # fmt: skip
    if evidence.cells:
        corrected = false_discovery_control(list(evidence.cells.values()))
        what = f"of {len(corrected)} cells (layer, cycle, cloud), those with a loop beyond both nulls"
        claims.append(Claim(what, float((corrected < ALPHA).sum()), None, float(corrected.min())))
    if not count[last]:
        lost = f"; {_loops_of(count[first])} of the first state {_are(count[first])} lost" if count[first] else ""
        return f"none of its loops is larger than chance makes{lost}", claims
    are = f"{_loops_of(count[last])} {_are(count[last])} larger than chance makes (p = {best:.2g})"
    gained = count[last] - count[first]
    if last == first or not gained:
        return are, claims
    return f"{are}, {abs(gained)} {'more' if gained > 0 else 'fewer'} than before", claims


def _clusters(evidence: Evidence, seed: int) -> tuple[str, list[Claim]]:  # noqa: ARG001
    """Whether the widest gap between clusters is wider than in Gaussian clouds of the same spectrum."""
    found: dict[int, float] = {}
    claims = []
    for state, values in ((evidence.states[0], evidence.before), (evidence.states[-1], evidence.own)):
        nulls = [draw[LONGEST_CLUSTER] for draw in evidence.spectrum.get(state.cycle, ()) if LONGEST_CLUSTER in draw]
        if LONGEST_CLUSTER not in values or not nulls or state.cycle in found:
            continue
        found[state.cycle] = monte_carlo_p(values[LONGEST_CLUSTER], nulls)
        what = f"widest gap between clusters, {state.label} (mean of {len(nulls)} Gaussian clouds beside it)"
        claims.append(Claim(what, values[LONGEST_CLUSTER], float(np.mean(nulls)), found[state.cycle]))
    if len(found) < 2:
        return "", claims
    corrected = holm(list(found.values()))
    was, now = (p < ALPHA for p in corrected)
    # The null moves too: a gap that did not widen itself was not gained, however small the Gaussian ones became.
    widened = evidence.own[LONGEST_CLUSTER] - evidence.before[LONGEST_CLUSTER]
    moved = abs(widened) > (evidence.floor(LONGEST_CLUSTER) or 0.0)
    if was == now or not moved or now != (widened > 0):
        return "", claims
    return f"a cluster was {'gained' if now else 'lost'} (p = {min(corrected):.2g})", claims


def _loops_of(count: int) -> str:
    return f"{count} of its loops" if count != 1 else "1 of its loops"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _listed(names: Sequence[str]) -> str:
    words = [COMPARED[name] for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _single(evidence: Evidence) -> Verdict:
    """One state has no change to judge: say what it is like."""
    state = evidence.states[0]
    words, claims = _loops(evidence, 0)
    claims += _clusters(evidence, 0)[1]
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
