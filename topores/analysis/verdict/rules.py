"""The verdict: one sentence and the claims behind it. All rules stand in this file, their words in verdict_words.py.

A change is claimed only where it leaves what dropout and the choice of passages make below it; that the pairing caused
it, only where runs on shuffled pairings do not show it too. What has no null is given as a number, and not judged.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from topores.analysis.chance import ALPHA, monte_carlo_p, prediction_p, sign_flip_p, turned_share
from topores.analysis.movement import TextMovement, movement_of_texts
from topores.analysis.verdict import words as words
from topores.analysis.verdict.evidence import (
    COMPARED,
    LONGEST_CLUSTER,
    LONGEST_LOOP,
    LOOPS,
    MOVE,
    MOVED,
    RETRIEVAL,
    TURN,
    Evidence,
    Learning,
)
from topores.domain import Claim, Split, Verdict
from topores.phrases import Phrase
from topores.topology.significance import holm

FOUND = 0.9
"""Training MRR from which the pairs count as found by heart, if held-out retrieval did not rise with it."""
NO_ROOM = 0.95
"""Held-out MRR of the first state from which better cannot be told from luck."""
FEW = 10
"""Held-out pairs, each with what hangs together with it, below which the absence of a change says nothing."""
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


class Part(NamedTuple):
    """What one rule adds to the verdict; each text is a phrase, or empty."""

    words: str = ""
    """Of the sentence."""
    claims: Sequence[Claim] = ()
    title: str = ""
    """Of the headline: no more than the words say."""


def judge(evidence: Evidence, seed: int) -> Verdict:
    """The sentence, its claims and its headline."""
    if len(evidence.states) == 1:
        return _single(evidence)
    span = words.span(evidence.states[0], evidence.states[-1], trained=evidence.corpus is not None)
    if evidence.nothing_moved:
        still = Phrase("{span} nothing changed: every passage stands where it stood.", span=span)
        about = [*_retrieval(evidence, seed), *_loops(evidence).claims]
        return Verdict(still, tuple(about), "frozen", "unchanged", Phrase("Nothing changed"))
    outcome, learned = _learning(evidence, seed)
    movement, moved = _movement(evidence, seed)
    parts = [learned, moved, _shape(evidence), _clusters(evidence), _loops(evidence)]
    sentence = Phrase("{span} {told}.", span=span, told=words.parts([part.words for part in parts]))
    claims = tuple(claim for part in parts for claim in part.claims)
    return Verdict(sentence, claims, outcome, movement, _headline(evidence, outcome, parts))


def _headline(evidence: Evidence, outcome: str, parts: Sequence[Part]) -> Phrase:
    """What the rules claim, most important first; a collapsed space is not said to have turned as well."""
    titles = [part.title for part in parts if part.title]
    if outcome == "collapsed":
        return words.parts(titles[:1])
    if outcome:
        return words.parts(titles)
    if not titles:
        return Phrase("No change beyond chance is shown")
    return Phrase("{n} states: {told}", n=len(evidence.states), told=words.parts(titles))


# Learned or memorised.


def _learning(evidence: Evidence, seed: int) -> tuple[str, Part]:
    """The outcome in a word, and in words with the claims of retrieval and of the runs on shuffled pairings."""
    claims = [*_retrieval(evidence, seed), *_compared(evidence)]
    if collapsed := _collapse(evidence):
        return "collapsed", Part(collapsed, claims, Phrase("The space collapsed"))
    if evidence.corpus is None:
        return "", Part("", claims)
    held, trained = evidence.reciprocal_ranks("held_out"), evidence.reciprocal_ranks("train")
    pairs = Phrase(
        "training pairs MRR {before:.2f} to {after:.2f}", before=_mean(trained.before), after=_mean(trained.after)
    )
    if not len(held.before):
        none = Phrase("nothing was held out to tell learning from memorising ({pairs})", pairs=pairs)
        return "undecided", Part(none, claims, Phrase("No unseen pairs to judge by"))
    p = sign_flip_p(held.after - held.before, seed, groups=held.groups)
    shuffled = _against_shuffled(evidence)
    outcome, title, found = _outcome(held, trained, p, shuffled)
    told = Phrase(
        "{outcome} (MRR {before:.2f} to {after:.2f} over {n} questions, p = {p:.2g}; {pairs}{shuffled})",
        outcome=found, before=_mean(held.before), after=_mean(held.after), n=len(held.before), p=p, pairs=pairs,
        shuffled=_told_of_shuffled(evidence, shuffled),
    )  # fmt: skip
    return outcome, Part(told, claims, title)


def _mean(values: np.ndarray) -> float:
    return float(values.mean())


def _outcome(held: Learning, trained: Learning, p: float, shuffled: float | None) -> tuple[str, Phrase, Phrase]:
    """What passages never trained on say: in a word, in a few, and in words.

    Args:
        p: Of the change of held-out retrieval.
        shuffled: p of its being better than after shuffled pairings; None where that was not measured.
    """
    rose, fell = (p < ALPHA and sign * (_mean(held.after) - _mean(held.before)) > 0 for sign in (1, -1))
    by_heart = _mean(trained.after) >= FOUND > _mean(trained.before)
    controlled = shuffled is not None
    if shuffled is not None and shuffled >= ALPHA:
        title = Phrase("No better than shuffled pairings")
        return "no better than shuffled", title, words.no_better(rose, fell, by_heart)
    if rose:
        title = Phrase("Learned") if controlled else Phrase("Learned (no control run)")
        return "learned", title, words.learned(controlled)
    if fell and by_heart:
        worse = Phrase("the training pairs were memorised: unseen partners are found worse than before")
        return "memorised", Phrase("Memorised, not learned"), worse
    if fell:
        worse = Phrase("the encoder unlearned: unseen partners are found worse than before")
        return "unlearned", Phrase("Unlearned"), worse
    though = Phrase(", though better than after shuffled pairings") if controlled else ""
    if not by_heart:
        return "undecided", Phrase("No learning is shown"), words.no_learning(_mean(held.before) >= NO_ROOM, though)
    if held.groups.max() + 1 < FEW:
        return "undecided", Phrase("Too few unseen pairs to judge by"), words.few_questions(though)
    alike = Phrase(
        "the training pairs were memorised: unseen partners are found no better than before{though}", though=though
    )
    return "memorised", Phrase("Memorised, not learned"), alike


def _told_of_shuffled(evidence: Evidence, p: float | None) -> str:
    if p is None:
        return ""
    reached = [run[RETRIEVAL] for run in evidence.shuffled]
    return words.after_shuffled(float(np.mean(reached)), len(reached), len(reached) < FEW_RUNS, p)


def _retrieval(evidence: Evidence, seed: int) -> list[Claim]:
    """Both sides of the split; the words about them are the outcome's."""
    if evidence.corpus is None:
        return []
    claims = []
    sides: tuple[tuple[Split, Phrase], ...] = (
        ("held_out", Phrase("MRR of held-out pairs, last state (first beside it)")),
        ("train", Phrase("MRR of training pairs, last state (first beside it)")),
    )
    for split, what in sides:
        mrr = evidence.reciprocal_ranks(split)
        if len(mrr.before):
            # Training pairs are found better by any training: no p would say anything.
            p = sign_flip_p(mrr.after - mrr.before, seed, groups=mrr.groups) if split == "held_out" else None
            claims.append(Claim(what, _mean(mrr.after), _mean(mrr.before), p))
    return claims


def _collapse(evidence: Evidence) -> str:
    first, last = evidence.states[0].cycle, evidence.states[-1].cycle
    was, now = evidence.value("uniformity", first), evidence.value("uniformity", last)
    rank_was, rank_now = evidence.value("rank_me", first), evidence.value("rank_me", last)
    if was is None or now is None or rank_was is None or rank_now is None:
        return ""
    if now <= was + max(SPREAD, evidence.floor("uniformity") or 0.0) or rank_now >= COLLAPSED_RANK * rank_was:
        return ""
    return Phrase("the space collapsed ({numbers})", numbers=words.widths(was, now, rank_was, rank_now))


# What else the pairing changed.


def _against_shuffled(evidence: Evidence) -> float | None:
    """p of held-out retrieval being better than that of the runs on shuffled pairings, if there are two or more."""
    own, runs = evidence.own.get(RETRIEVAL), [run[RETRIEVAL] for run in evidence.shuffled if RETRIEVAL in run]
    return None if own is None or len(runs) < 2 else prediction_p(own, runs, above=True)


def _differing(evidence: Evidence, asked: Iterable[str] = COMPARED) -> dict[str, float]:
    """p of each number's difference from the runs on shuffled pairings, either way, corrected for all that is asked."""
    runs, own = evidence.shuffled, evidence.own
    names = [n for n in asked if n != RETRIEVAL and n in own and all(n in run for run in runs)]
    if len(runs) < 2 or not names:
        return {}
    return dict(zip(names, holm([prediction_p(own[n], [run[n] for run in runs]) for n in names]), strict=True))


def _compared(evidence: Evidence) -> list[Claim]:
    """Each number beside its mean over the runs on shuffled pairings."""
    p = {} if (of_retrieval := _against_shuffled(evidence)) is None else {RETRIEVAL: of_retrieval}
    return _beside_shuffled(evidence, p | _differing(evidence))


def _beside_shuffled(evidence: Evidence, p: Mapping[str, float]) -> list[Claim]:
    return [
        Claim(
            Phrase(
                "{measure}, last state (mean of {runs} runs on shuffled pairings beside it)",
                measure=(COMPARED | MOVED)[n], runs=len(evidence.shuffled),
            ),
            evidence.own[n], _after_shuffled(evidence, n), own,
        )
        for n, own in p.items()
    ]  # fmt: skip


def _after_shuffled(evidence: Evidence, name: str) -> float:
    return float(np.mean([run[name] for run in evidence.shuffled]))


def _shape(evidence: Evidence) -> Part:
    """Which numbers changed beyond dropout and resampling, and which of these the pairing is behind."""
    spread, claims = _spread(evidence)
    names = [n for n in COMPARED if n != RETRIEVAL and n in evidence.own and n in evidence.before]
    changes = {n: evidence.own[n] - evidence.before[n] for n in names}
    floors = {n: evidence.floor(n) for n in names}
    claims += [
        Claim(
            Phrase(
                "change of {measure} (what dropout or resampling alone reach beside it)", measure=COMPARED[n]
            ),
            changes[n], floor, None,
        )
        for n, floor in floors.items()
        if floor is not None
    ]  # fmt: skip
    changed = [n for n in names if (floor := floors[n]) is not None and abs(changes[n]) > floor]
    p = _differing(evidence)
    caused = [n for n in changed if p.get(n, 1.0) < ALPHA]
    said: str = ""
    if p and caused:
        said = words.caused(caused, [n for n in changed if n not in caused])
    elif p and changed:
        said = words.not_caused(changed)
    elif p and any(floors.values()):
        said = Phrase("nothing in its shape changed beyond dropout and resampling")
    return Part(words.parts([spread, _loops_in_all(evidence), said]), claims)


def _spread(evidence: Evidence) -> tuple[str, list[Claim]]:
    """Contracted, spread out or neither, by uniformity."""
    first, last = evidence.states[0].cycle, evidence.states[-1].cycle
    was, now = evidence.value("uniformity", first), evidence.value("uniformity", last)
    rank_was, rank_now = evidence.value("rank_me", first), evidence.value("rank_me", last)
    if was is None or now is None or rank_was is None or rank_now is None:
        return "", []
    claims = [
        Claim(Phrase("uniformity, last state (first beside it; lower is wider)"), now, was, None),
        Claim(Phrase("RankMe, last state (first beside it)"), rank_now, rank_was, None),
    ]
    if _collapse(evidence):
        return "", claims
    least = max(SPREAD, evidence.floor("uniformity") or 0.0)
    numbers = words.widths(was, now, rank_was, rank_now)
    if now > was + least:
        return Phrase("the space contracted ({numbers})", numbers=numbers), claims
    if now < was - least:
        return Phrase("the space spread out ({numbers})", numbers=numbers), claims
    return Phrase("the space kept its spread ({numbers})", numbers=numbers), claims


def _loops_in_all(evidence: Evidence) -> str:
    was, now = (evidence.value(LOOPS, evidence.states[i].cycle) for i in (0, -1))
    if was is None or now is None:
        return ""
    first, last = (evidence.standard_error(LOOPS, evidence.states[i].cycle) for i in (0, -1))
    if first is not None and last is not None:
        return Phrase(
            "total loop persistence of a subsample went from {was:.2f} ± {first:.2f} to {now:.2f} ± {last:.2f}",
            was=was, first=first, now=now, last=last,
        )  # fmt: skip
    floor = evidence.floor(LOOPS)
    return words.loop_persistence(was, now, within=floor is not None and abs(now - was) <= floor)


# Turned or deformed.


def _movement(evidence: Evidence, seed: int) -> tuple[str, Part]:
    """How much of the passages' movement one rotation and scale of all of them explain, beside chance.

    By chance, moves are handed on within each text where there are two, as in the changes of every other state. Texts
    that turned against each other turned, too: what their own rotations explain is no deformation then.
    """
    last = evidence.states[-1].cycle
    was, now = evidence.value(LOOPS, evidence.states[0].cycle), evidence.value(LOOPS, last)
    loops = [Claim(Phrase("total loop persistence, last state (first beside it)"), now, was, None)]
    moved, floor = evidence.value(MOVE, last), evidence.floors.get("dropout", {}).get(MOVE)
    # No residual: the states differ in width, or one of them is a single point.
    if evidence.value("procrustes.residual", last) is None or moved is None:
        return "", Part("", loops)
    if floor is not None:
        what = Phrase("movement of the passages (what dropout alone reaches beside it)")
        loops.insert(0, Claim(what, moved, floor, None))
        if moved <= floor:
            still = Phrase(
                "the passages moved no further than under dropout ({moved:.2f} of their spread, dropout alone "
                "{floor:.2f})",
                moved=moved, floor=floor,
            )  # fmt: skip
            return "unchanged", Part(still, loops, Phrase("passages moved no further than noise"))
    n_1 = 0 if evidence.corpus is None else len(evidence.corpus.t1)
    if 1 < n_1 < len(evidence.first) - 1:
        found = movement_of_texts(evidence.first, evidence.last, n_1, seed)
        turned, by_chance, p = found.seen.shared, found.by_chance.shared, found.p.shared
        against, of_texts = _of_two_texts(found)
        left = 1 - turned - (found.seen.relative if against else 0.0)
    else:
        turned, by_chance, p = turned_share(evidence.first, evidence.last, seed)
        against, of_texts, left = "", [], 1 - turned
    claim = Claim(MOVED[TURN], turned, by_chance, p)
    # The share's p cannot fall below that of its few shuffles.
    kinds = ["turned"] if against or (p <= ALPHA and turned - by_chance >= BEYOND_CHANCE) else []
    within = floor is not None and moved * np.sqrt(max(left, 0.0)) <= floor
    kinds += ["deformed"] if left >= DEFORMED and not within else []
    # What no turn beyond chance explains has changed its shape, however little is left of it.
    movement = " and ".join(kinds) or "deformed"
    as_shuffled = _differing(evidence, MOVED)
    title = words.moved(movement, as_shuffled=bool(as_shuffled) and min(as_shuffled.values()) >= ALPHA)
    shuffled: str = ""
    if TURN in as_shuffled:
        shuffled = words.turned_after_shuffled(_after_shuffled(evidence, TURN), as_shuffled[TURN])
    told = Phrase(
        "{moved} (one rotation and scale explain {turned:.0%} of the movement, {by_chance:.0%} by chance{shuffled}"
        "{against}{rest})",
        moved=title, turned=turned, by_chance=by_chance, shuffled=shuffled, against=against,
        rest=Phrase("; what they leave is no more than dropout makes") if left >= DEFORMED and within else "",
    )  # fmt: skip
    return movement, Part(told, [claim, *of_texts, *loops, *_beside_shuffled(evidence, as_shuffled)], title)


def _of_two_texts(found: TextMovement) -> tuple[str, list[Claim]]:
    """Whether the texts turned against each other, beyond what they turned together; words only if they did."""
    shares = {
        "relative": Phrase("share of the squared movement that the texts' own rotations explain beyond the shared one"),
        "shift": Phrase("share of the squared movement that the texts' centres make against each other"),
    }
    claims = [Claim(what, *(getattr(part, name) for part in found[:3])) for name, what in shares.items()]
    if found.between is None or found.between_p is None or found.between_by_chance is None:
        return "", claims
    what = Phrase("share of the change of inner products that lies between the texts, not within them")
    claims.append(Claim(what, found.between, found.between_by_chance, found.between_p))
    if found.between_p > ALPHA or found.between - found.between_by_chance < BEYOND_CHANCE:
        return "", claims
    against = Phrase(
        "; the two texts turned against each other: {between:.0%} of the change lies between them, "
        "{by_chance:.0%} by chance",
        between=found.between, by_chance=found.between_by_chance,
    )  # fmt: skip
    return against, claims


# Loops and clusters.


def _loops(evidence: Evidence) -> Part:
    """Loops of the first and the last state that beat both nulls, and cells of all layers, cycles and clouds.

    One is gained or lost only where the longest changed too, beyond dropout, resampling and shuffled pairings.
    """
    first, last = evidence.states[0].cycle, evidence.states[-1].cycle
    if evidence.value(LOOPS, last) is None:
        return Part()
    own = {cycle: [loop for loop in evidence.loops if loop.cycle == cycle] for cycle in (first, last)}
    count = {cycle: sum(loop.p < ALPHA for loop in loops) for cycle, loops in own.items()}
    best = min((loop.p for loop in own[last]), default=None)
    claims = [
        Claim(Phrase("loops of the last state beyond both nulls (those of the first beside it)"),
              float(count[last]), float(count[first]), best)
    ]  # fmt: skip
    if evidence.cells:
        sure = list(evidence.cells.values())
        what = Phrase("of {n} cells (layer, cycle, cloud), those with a loop beyond both nulls", n=len(sure))
        claims.append(Claim(what, float(sum(p < ALPHA for p in sure)), None, min(sure)))
    more = count[last] - count[first]
    if not _went(evidence, LONGEST_LOOP, more):
        more = 0
    return Part(words.loops_now(count[last] - more, count[last], best), claims, words.loops_gained(more))


def _went(evidence: Evidence, name: str, way: int) -> bool:
    """Whether a number rose, or fell where `way` is below 0, beyond dropout, resampling and shuffled pairings."""
    if name not in evidence.own or name not in evidence.before:
        return way != 0  # nothing is known of it that would deny it
    change = evidence.own[name] - evidence.before[name]
    runs = [run[name] for run in evidence.shuffled if name in run]
    outside = len(runs) < 2 or prediction_p(evidence.own[name], runs) < ALPHA
    return change * way > 0 and abs(change) > (evidence.floor(name) or 0.0) and outside


def _clusters(evidence: Evidence) -> Part:
    """Whether the widest gap between clusters is wider than in Gaussian clouds of the same spectrum."""
    found: dict[int, float] = {}
    claims = []
    for state, values in ((evidence.states[0], evidence.before), (evidence.states[-1], evidence.own)):
        nulls = [draw[LONGEST_CLUSTER] for draw in evidence.spectrum.get(state.cycle, ()) if LONGEST_CLUSTER in draw]
        if LONGEST_CLUSTER not in values or not nulls or state.cycle in found:
            continue
        found[state.cycle] = monte_carlo_p(values[LONGEST_CLUSTER], nulls)
        what = Phrase(
            "widest gap between clusters, {state} (mean of {n} Gaussian clouds beside it)",
            state=state.name, n=len(nulls),
        )  # fmt: skip
        claims.append(Claim(what, values[LONGEST_CLUSTER], float(np.mean(nulls)), found[state.cycle]))
    if len(found) < 2:
        return Part("", claims)
    corrected = holm(list(found.values()))
    was, now = (p < ALPHA for p in corrected)
    # The null moves too: a gap that did not widen itself was not gained, however small the Gaussian ones became.
    if not _went(evidence, LONGEST_CLUSTER, int(now) - int(was)):
        return Part("", claims)
    p = float(min(corrected))
    if now:
        return Part(Phrase("a cluster was gained (p = {p:.2g})", p=p), claims, Phrase("a cluster gained"))
    return Part(Phrase("a cluster was lost (p = {p:.2g})", p=p), claims, Phrase("a cluster lost"))


def _single(evidence: Evidence) -> Verdict:
    """One state has no change to judge: say what it is like."""
    state = evidence.states[0]
    loops = _loops(evidence)
    rank, uniformity = evidence.value("rank_me", state.cycle), evidence.value("uniformity", state.cycle)
    claims = [
        *loops.claims, *_clusters(evidence).claims,
        Claim(Phrase("RankMe"), rank, None, None), Claim(Phrase("uniformity"), uniformity, None, None),
    ]  # fmt: skip
    told = Phrase("one state")
    if rank is not None and uniformity is not None:
        told = Phrase("RankMe {rank:.0f}, uniformity {uniformity:.2f}", rank=rank, uniformity=uniformity)
    sentence = Phrase(
        "{state} alone shows no change: its last layer has {told}.",
        state=words.sentence_start(state),
        told=words.parts([told, loops.words]),
    )
    beyond = sum(loop.p < ALPHA for loop in evidence.loops if loop.cycle == state.cycle)
    looked = evidence.value(LOOPS, state.cycle) is not None
    return Verdict(sentence, tuple(claims), headline=words.one_state(beyond if looked else None))
