"""The verdict: one sentence and the claims behind it. This file holds all rules; words.py holds their sentences.

A change is claimed only if it exceeds what dropout and the choice of passages produce; it is attributed to the pairing
only if runs on shuffled pairings do not show it too. A number without a null is reported and not tested.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from topores.analysis.chance import ALPHA, monte_carlo_p, prediction_p, sign_flip_p, turned_share
from topores.analysis.gain import Gain
from topores.analysis.movement import TextMovement, movement_of_texts
from topores.analysis.verdict import by_folds, words
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
from topores.analysis.verdict.loops import judge_loops, unseen
from topores.domain import Claim, Split, Verdict
from topores.outcomes import Retrieval, Spread, is_collapsed, is_memorised, knows_training_pairs
from topores.phrases import Phrase
from topores.quantities import quantity
from topores.topology import rank_me, uniformity
from topores.topology.significance import holm

NO_ROOM = 0.95
"""Held-out MRR of the first state above which an improvement cannot be told from luck."""
FEW = 10
"""Independent groups of held-out pairs below which the absence of a change says nothing."""
FEW_PASSAGES = 5
"""Passages of one text below which its spread is not judged by itself: RankMe is at most their number."""
FEW_RUNS = 5
"""Runs on shuffled pairings below which only large effects are detected (benchmarks/verdict_level.py)."""
SPREAD = 0.1
"""Least change of uniformity that is reported, where no noise floor was measured."""
BEYOND_CHANCE = 0.1
"""Share of the movement that one rotation and scale must explain beyond chance to be called a rotation."""
DEFORMED = 0.2
"""Share of the movement that rotation and scale must leave to be called a deformation."""


class Part(NamedTuple):
    """What one rule adds to the verdict; each text is a phrase, or empty."""

    words: str = ""
    """For the sentence."""
    claims: Sequence[Claim] = ()
    title: str = ""
    """For the headline; it claims no more than the words do."""


def judge(evidence: Evidence, seed: int) -> Verdict:
    """The sentence, its claims and its headline."""
    if len(evidence.states) == 1:
        return _verdict_of_one_state(evidence)
    span = words.span(evidence.states[0], evidence.states[-1], trained=_is_trained(evidence))
    if evidence.nothing_moved:
        loops = _loops(evidence)
        about = [*_retrieval(evidence, seed), *loops.claims]
        if between := evidence.moved_between:
            back = words.parts([words.moved_and_came_back(between), loops.words])
            told = Phrase("{span} {told}.", span=span, told=back)
            return Verdict(told, tuple(about), "", "unchanged", Phrase("Back where it began"))
        still = Phrase("{span} nothing changed: every passage is where it was.", span=span)
        return Verdict(still, tuple(about), "frozen", "unchanged", Phrase("Nothing changed"))
    outcome, learned = _learning(evidence, seed)
    movement, moved = _movement(evidence, seed)
    parts = [learned, moved, _shape(evidence), _clusters(evidence), _loops(evidence)]
    sentence = Phrase("{span} {told}.", span=span, told=words.parts([part.words for part in parts]))
    claims = tuple(claim for part in parts for claim in part.claims)
    return Verdict(sentence, claims, outcome, movement, _headline(evidence, outcome, parts))


def _headline(evidence: Evidence, outcome: str, parts: Sequence[Part]) -> Phrase:
    """What the rules claim, most important first; of a collapsed space nothing else is reported."""
    titles = [part.title for part in parts if part.title]
    if outcome == "collapsed":
        return words.parts(titles[:1])
    if outcome:
        return words.parts(titles)
    if not titles:
        return Phrase("No change beyond chance")
    return Phrase("{n} states: {told}", n=len(evidence.states), told=words.parts(titles))


# Learned or memorised.


def _learning(evidence: Evidence, seed: int) -> tuple[str, Part]:
    """The outcome, and its words with the claims about retrieval and about runs on shuffled pairings."""
    claims = [*_retrieval(evidence, seed), *_shuffled_claims(evidence)]
    if collapsed := _collapse(evidence):
        return "collapsed", Part(collapsed, claims, Phrase("The space collapsed"))
    if evidence.corpus is None:
        return "", Part("", claims)
    held, trained = evidence.reciprocal_ranks("held_out"), evidence.reciprocal_ranks("train")
    if not len(trained.before):
        return "", Part(_given_pairs(held, seed), claims)
    pairs = Phrase(
        "training pairs: MRR {before:.2f} to {after:.2f}", before=_mean(trained.before), after=_mean(trained.after)
    )
    if not len(held.before):
        none = Phrase("nothing was held out, so learning cannot be told from memorising ({pairs})", pairs=pairs)
        return "undecided", Part(none, claims, Phrase("No held-out pairs to judge by"))
    if evidence.gain is not None:
        return _learning_by_folds(evidence.gain, trained, pairs, claims)
    p = sign_flip_p(held.after - held.before, seed, groups=held.groups)
    shuffled = _against_shuffled(evidence)
    outcome, title, found = _outcome(held, trained, p, shuffled)
    told = Phrase(
        "{outcome} (MRR {before:.2f} to {after:.2f} over {n} queries, p = {p:.2g}; {pairs}{shuffled})",
        outcome=found, before=_mean(held.before), after=_mean(held.after), n=len(held.before), p=p, pairs=pairs,
        shuffled=_shuffled_words(evidence, shuffled),
    )  # fmt: skip
    return outcome, Part(told, claims, title)


def _learning_by_folds(gain: Gain, trained: Learning, pairs: Phrase, claims: Sequence[Claim]) -> tuple[str, Part]:
    was, now = Retrieval(_mean(trained.before), None), Retrieval(_mean(trained.after), None)
    outcome, title, found = by_folds.judge_gain(gain, was, now)
    told = Phrase("{outcome} ({numbers}; {pairs})", outcome=found, numbers=by_folds.numbers_of(gain), pairs=pairs)
    return outcome, Part(told, [*by_folds.claims_of(gain), *claims], title)


def _is_trained(evidence: Evidence) -> bool:
    """Whether the states are those of a run: pairs of a file that no model here was trained on are all held out."""
    return evidence.corpus is not None and len(evidence.corpus.pairs_in("train")) > 0


def _given_pairs(held: Learning, seed: int) -> Phrase:
    """How well each state finds the pairs of a file."""
    p = sign_flip_p(held.after - held.before, seed, groups=held.groups)
    return Phrase(
        "retrieval of the given pairs went from MRR {before:.2f} to {after:.2f} over {n} queries (p = {p:.2g})",
        before=_mean(held.before), after=_mean(held.after), n=len(held.before), p=p,
    )  # fmt: skip


def _mean(values: np.ndarray) -> float:
    return float(values.mean())


def _outcome(held: Learning, trained: Learning, p: float, shuffled: float | None) -> tuple[str, Phrase, Phrase]:
    """What held-out passages show: the outcome, its title and its words.

    Args:
        p: p of the change of held-out retrieval.
        shuffled: p that it is no better than after shuffled pairings; None where that was not measured.
    """
    rose, fell = (p < ALPHA and sign * (_mean(held.after) - _mean(held.before)) > 0 for sign in (1, -1))
    was, now = (
        Retrieval(_mean(train), _mean(held_out))
        for train, held_out in ((trained.before, held.before), (trained.after, held.after))
    )
    fitted = knows_training_pairs(was, now)
    controlled = shuffled is not None
    if shuffled is not None and shuffled >= ALPHA:
        title = Phrase("No better than shuffled pairings")
        return "no better than shuffled", title, words.no_better(rose, fell, fitted)
    if rose:
        title = Phrase("Learned") if controlled else Phrase("Learned (no control run)")
        return "learned", title, words.learned_words(controlled)
    if fell and fitted:
        worse = Phrase("the training pairs were memorised: unseen partners are found worse than before")
        return "memorised", Phrase("Memorised, not learned"), worse
    if fell:
        worse = Phrase("the encoder unlearned: unseen partners are found worse than before")
        return "unlearned", Phrase("Unlearned"), worse
    though = Phrase(", though better than after shuffled pairings") if controlled else ""
    if not fitted:
        return "undecided", Phrase("No sign of learning"), words.no_learning(_mean(held.before) >= NO_ROOM, though)
    if held.groups.max() + 1 < FEW:
        return "undecided", Phrase("Too few held-out pairs to judge by"), words.few_questions(though)
    if not is_memorised(was, now):
        return "undecided", Phrase("Learning not shown"), words.not_shown(though)
    alike = Phrase(
        "the training pairs were memorised: unseen partners are found no better than before{though}", though=though
    )
    return "memorised", Phrase("Memorised, not learned"), alike


def _shuffled_words(evidence: Evidence, p: float | None) -> str:
    if p is None:
        return ""
    reached = [run[RETRIEVAL] for run in evidence.shuffled]
    return words.after_shuffled(float(np.mean(reached)), len(reached), len(reached) < FEW_RUNS, p)


def _retrieval(evidence: Evidence, seed: int) -> list[Claim]:
    """MRR of both splits; the outcome has the words about them."""
    if evidence.corpus is None:
        return []
    claims = []
    sides: tuple[tuple[Split, str], ...] = (("held_out", RETRIEVAL), ("train", "train_mrr"))
    for split, name in sides:
        mrr = evidence.reciprocal_ranks(split)
        if len(mrr.before):
            # Any training improves retrieval of the training pairs, so a p would say nothing.
            p = sign_flip_p(mrr.after - mrr.before, seed, groups=mrr.groups) if split == "held_out" else None
            claims.append(_claim_since_first(evidence, name, _mean(mrr.after), _mean(mrr.before), p))
    return claims


def _claim_since_first(
    evidence: Evidence, name: str, now: float | None, was: float | None, p: float | None = None
) -> Claim:
    """A quantity of the last state beside that of the first."""
    what = Phrase("{measure}, last state (null: first state)", measure=quantity(name).phrase)
    return Claim(what, now, was, p, name, evidence.unit(name), "first")


def _collapse(evidence: Evidence) -> str:
    """Words for a collapse of the space, or of one text's passages; empty if there is none."""
    before, now = (_spread_at(evidence, evidence.states[i].cycle) for i in (0, -1))
    if is_collapsed(before, now):
        return Phrase("the space collapsed ({numbers})", numbers=words.widths(before, now))
    for name, before, now in _spreads_of_texts(evidence):
        if is_collapsed(before, now):
            numbers = words.widths(before, now)
            return Phrase("the passages of {text} collapsed ({numbers})", text=name, numbers=numbers)
    return ""


def _spread_at(evidence: Evidence, cycle: int) -> Spread:
    return Spread(evidence.value("uniformity", cycle), evidence.value("rank_me", cycle))


def _spreads_of_texts(evidence: Evidence) -> Iterator[tuple[str, Spread, Spread]]:
    """Each text's name, and how wide its passages were at the first and the last state."""
    if evidence.corpus is None:
        return
    n_1 = len(evidence.corpus.t1)
    for name, own in (("T1", slice(None, n_1)), ("T2", slice(n_1, None))):
        before, now = evidence.first[own], evidence.last[own]
        if len(before) >= FEW_PASSAGES:
            yield name, Spread(uniformity(before), rank_me(before)), Spread(uniformity(now), rank_me(now))


# What else the pairing changed.


def _against_shuffled(evidence: Evidence) -> float | None:
    """p that held-out retrieval is no better than in the runs on shuffled pairings, if there are two or more."""
    own, runs = evidence.own.get(RETRIEVAL), [run[RETRIEVAL] for run in evidence.shuffled if RETRIEVAL in run]
    return None if own is None or len(runs) < 2 else prediction_p(own, runs, above=True)


def _p_against_shuffled(evidence: Evidence, asked: Iterable[str] = COMPARED) -> dict[str, float]:
    """Two-sided p of each number's difference from the runs on shuffled pairings, corrected over all that are asked."""
    runs, own = evidence.shuffled, evidence.own
    names = [n for n in asked if n != RETRIEVAL and n in own and all(n in run for run in runs)]
    if len(runs) < 2 or not names:
        return {}
    return dict(zip(names, holm([prediction_p(own[n], [run[n] for run in runs]) for n in names]), strict=True))


def _shuffled_claims(evidence: Evidence) -> list[Claim]:
    """Each number beside its mean over the runs on shuffled pairings."""
    p = {} if (of_retrieval := _against_shuffled(evidence)) is None else {RETRIEVAL: of_retrieval}
    return _beside_shuffled(evidence, p | _p_against_shuffled(evidence))


def _beside_shuffled(evidence: Evidence, p: Mapping[str, float]) -> list[Claim]:
    return [
        Claim(
            Phrase(
                "{measure}, last state (null: mean of {runs} runs on shuffled pairings)",
                measure=quantity(n).phrase, runs=len(evidence.shuffled),
            ),
            evidence.own[n], _after_shuffled(evidence, n), own, n, evidence.unit(n), "shuffled",
        )
        for n, own in p.items()
    ]  # fmt: skip


def _after_shuffled(evidence: Evidence, name: str) -> float:
    return float(np.mean([run[name] for run in evidence.shuffled]))


def _shape(evidence: Evidence) -> Part:
    """Which numbers changed beyond dropout and resampling, and which of these changes the pairing caused."""
    spread, claims = _spread(evidence)
    names = [n for n in COMPARED if n != RETRIEVAL and n in evidence.own and n in evidence.before]
    changes = {n: evidence.own[n] - evidence.before[n] for n in names}
    floors = {n: evidence.floor(n) for n in names}
    claims += [
        Claim(
            words.change_beside_noise(n, without_dropout=evidence.without_dropout),
            changes[n], floor, None, n, evidence.unit(n), "noise",
        )
        for n, floor in floors.items()
        if floor is not None
    ]  # fmt: skip
    changed = [n for n in names if (floor := floors[n]) is not None and abs(changes[n]) > floor]
    p = _p_against_shuffled(evidence)
    caused = [n for n in changed if p.get(n, 1.0) < ALPHA]
    said: str = ""
    if p and caused:
        said = words.attributed_to_pairing(caused, [n for n in changed if n not in caused])
    elif p and changed:
        said = words.not_attributed(changed)
    elif p and any(floors.values()):
        said = Phrase("its shape did not change beyond dropout and resampling")
    return Part(words.parts([spread, _loops_in_all(evidence), said]), claims)


def _spread(evidence: Evidence) -> tuple[str, list[Claim]]:
    """Contracted, spread out or neither, by uniformity."""
    before, after = (_spread_at(evidence, evidence.states[i].cycle) for i in (0, -1))
    was, now = before.uniformity, after.uniformity
    if was is None or now is None or before.rank_me is None or after.rank_me is None:
        return "", []
    claims = [
        _claim_since_first(evidence, "uniformity", now, was),
        _claim_since_first(evidence, "rank_me", after.rank_me, before.rank_me),
    ]
    if _collapse(evidence):
        return "", claims
    least = max(SPREAD, evidence.floor("uniformity") or 0.0)
    numbers = words.widths(before, after)
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
            "{measure} of a subsample went from {was:.2f} ± {first:.2f} to {now:.2f} ± {last:.2f}",
            measure=quantity(LOOPS).phrase, was=was, first=first, now=now, last=last,
        )  # fmt: skip
    floor = evidence.floor(LOOPS)
    return words.loop_persistence(
        was, now, within=floor is not None and abs(now - was) <= floor, without_dropout=evidence.without_dropout
    )


# Rotated or deformed.


def _movement(evidence: Evidence, seed: int) -> tuple[str, Part]:
    """How much of the passages' movement one rotation and scale of all of them explain, compared with chance.

    Under chance, moves are exchanged within each text where there are two, as for the changes of every other state.
    Texts that rotated against each other rotated, too: what their own rotations explain is then no deformation.
    """
    last = evidence.states[-1].cycle
    was, now = evidence.value(LOOPS, evidence.states[0].cycle), evidence.value(LOOPS, last)
    loops = [_claim_since_first(evidence, LOOPS, now, was)]
    moved, floor = evidence.value(MOVE, last), evidence.floors.get("dropout", {}).get(MOVE)
    # No residual: the states differ in width, or one of them is a single point.
    if evidence.value("procrustes.residual", last) is None or moved is None:
        return "", Part("", loops)
    if evidence.rounding is not None and moved <= evidence.rounding:
        what = Phrase("{measure}, share of their spread (null: rounding alone)", measure=quantity(MOVE).phrase)
        loops.insert(0, Claim(what, moved, evidence.rounding, None, MOVE, evidence.unit(MOVE), "rounding"))
        still = words.moved_within_rounding(moved, evidence.rounding)
        return "unchanged", Part(still, loops, Phrase("passages moved within rounding"))
    if floor is not None:
        what = Phrase("{measure}, share of their spread (null: dropout alone)", measure=quantity(MOVE).phrase)
        loops.insert(0, Claim(what, moved, floor, None, MOVE, evidence.unit(MOVE), "dropout"))
        if moved <= floor:
            still = Phrase(
                "the passages moved no further than under dropout ({moved:.2f} of their spread, dropout alone "
                "{floor:.2f})",
                moved=moved, floor=floor,
            )  # fmt: skip
            return "unchanged", Part(still, loops, Phrase("passages moved within noise"))
    n_1 = 0 if evidence.corpus is None else len(evidence.corpus.t1)
    if 1 < n_1 < len(evidence.first) - 1:
        found = movement_of_texts(evidence.first, evidence.last, n_1, seed)
        turned, by_chance, p = found.seen.shared, found.by_chance.shared, found.p.shared
        against, of_texts = _of_two_texts(found)
        left = 1 - turned - (found.seen.relative if against else 0.0)
    else:
        turned, by_chance, p = turned_share(evidence.first, evidence.last, seed)
        against, of_texts, left = "", [], 1 - turned
    claim = _share_claim(TURN, turned, by_chance, p)
    # Its p cannot be smaller than its few permutations allow.
    kinds = ["turned"] if against or (p <= ALPHA and turned - by_chance >= BEYOND_CHANCE) else []
    within = floor is not None and moved * np.sqrt(max(left, 0.0)) <= floor
    kinds += ["deformed"] if left >= DEFORMED and not within else []
    # A movement that no rotation explains beyond chance is a deformation, however small the remainder.
    movement = " and ".join(kinds) or "deformed"
    as_shuffled = _p_against_shuffled(evidence, MOVED)
    title = words.movement_words(movement, as_shuffled=bool(as_shuffled) and min(as_shuffled.values()) >= ALPHA)
    shuffled: str = ""
    if TURN in as_shuffled:
        shuffled = words.turned_after_shuffled(_after_shuffled(evidence, TURN), as_shuffled[TURN])
    told = Phrase(
        "{moved} (one rotation and scale explain {turned:.0%} of the movement, {by_chance:.0%} by chance{shuffled}"
        "{against}{rest})",
        moved=title, turned=turned, by_chance=by_chance, shuffled=shuffled, against=against,
        rest=Phrase("; the remainder is within dropout noise") if left >= DEFORMED and within else "",
    )  # fmt: skip
    return movement, Part(told, [claim, *of_texts, *loops, *_beside_shuffled(evidence, as_shuffled)], title)


def _of_two_texts(found: TextMovement) -> tuple[str, list[Claim]]:
    """Whether the texts rotated against each other, beyond their shared rotation; words only if they did."""
    claims = [
        _share_claim(f"movement.{name}", *(getattr(part, name) for part in found[:3])) for name in ("relative", "shift")
    ]
    if found.between is None or found.between_p is None or found.between_by_chance is None:
        return "", claims
    claims.append(_share_claim("movement.between", found.between, found.between_by_chance, found.between_p))
    if found.between_p > ALPHA or found.between - found.between_by_chance < BEYOND_CHANCE:
        return "", claims
    against = Phrase(
        "; the two texts rotated against each other: {between:.0%} of the change lies between them, "
        "{by_chance:.0%} by chance",
        between=found.between, by_chance=found.between_by_chance,
    )  # fmt: skip
    return against, claims


def _share_claim(name: str, value: float, by_chance: float, p: float) -> Claim:
    """A share of the movement beside the same by chance."""
    of = Phrase("change of inner products") if name == "movement.between" else Phrase("squared movement")
    what = Phrase("{measure}, share of the {whole} (null: chance)", measure=quantity(name).phrase, whole=of)
    return Claim(what, value, by_chance, p, name, null_of="chance")


# Loops (loops.py) and clusters.


def _loops(evidence: Evidence) -> Part:
    found = judge_loops(evidence, partial(_changed_beyond_noise, evidence, LONGEST_LOOP))
    return Part(found.words, found.claims, found.title)


def _changed_beyond_noise(evidence: Evidence, name: str, way: int) -> bool:
    """Whether a number rose, or fell where `way` is below 0, beyond dropout, resampling and shuffled pairings."""
    if name not in evidence.own or name not in evidence.before:
        return way != 0  # nothing was measured that contradicts it
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
            "{measure}, {state} (null: mean of {n} Gaussian clouds)",
            measure=quantity(LONGEST_CLUSTER).phrase, state=state.label, n=len(nulls),
        )  # fmt: skip
        unit, p = evidence.unit(LONGEST_CLUSTER), found[state.cycle]
        mean = float(np.mean(nulls))
        claims.append(Claim(what, values[LONGEST_CLUSTER], mean, p, LONGEST_CLUSTER, unit, "matched_spectrum"))
    if len(found) < 2:
        return Part("", claims)
    corrected = holm(list(found.values()))
    was, now = (p < ALPHA for p in corrected)
    # The null changes too: a gap that did not widen was not gained, however small the Gaussian gaps became.
    if not _changed_beyond_noise(evidence, LONGEST_CLUSTER, int(now) - int(was)):
        return Part("", claims)
    p = float(min(corrected))
    if now:
        return Part(Phrase("a cluster was gained (p = {p:.2g})", p=p), claims, Phrase("a cluster gained"))
    return Part(Phrase("a cluster was lost (p = {p:.2g})", p=p), claims, Phrase("a cluster lost"))


def _pairs_of_one_state(evidence: Evidence) -> Phrase | str:
    if evidence.corpus is None or _is_trained(evidence):
        return ""
    found = evidence.reciprocal_ranks("held_out").after
    return Phrase("the given pairs are found with MRR {mrr:.2f} over {n} queries", mrr=_mean(found), n=len(found))


def _verdict_of_one_state(evidence: Evidence) -> Verdict:
    """One state has no change to judge, so it is described."""
    state = evidence.states[0]
    loops = _loops(evidence)
    rank, uniformity = evidence.value("rank_me", state.cycle), evidence.value("uniformity", state.cycle)
    claims = [
        *loops.claims, *_clusters(evidence).claims,
        Claim(quantity("rank_me").phrase, rank, None, None, "rank_me", evidence.unit("rank_me")),
        Claim(quantity("uniformity").phrase, uniformity, None, None, "uniformity", evidence.unit("uniformity")),
    ]  # fmt: skip
    if evidence.corpus is not None and not _is_trained(evidence):
        mrr = _mean(evidence.reciprocal_ranks("held_out").after)
        claims.append(Claim(quantity(RETRIEVAL).phrase, mrr, None, None, RETRIEVAL, evidence.unit(RETRIEVAL)))
    told = Phrase("one state")
    if rank is not None and uniformity is not None:
        told = words.width(uniformity, rank)
    sentence = Phrase(
        "{state} is the only state, so there is no change to judge. Last layer: {told}.",
        state=words.sentence_start(state),
        told=words.parts([told, _pairs_of_one_state(evidence), loops.words]),
    )
    beyond = sum(loop.p < ALPHA for loop in evidence.loops if loop.cycle == state.cycle)
    in_all = evidence.value(LOOPS, state.cycle)
    looked = in_all is not None and (in_all == 0 or bool(evidence.loops))
    return Verdict(
        sentence,
        tuple(claims),
        headline=words.one_state(beyond if looked else None, unseen=not beyond and unseen(evidence)),
    )
