"""Learned or memorised: what the retrieval of unseen partners shows."""

from collections.abc import Sequence

import numpy as np

from topores.analysis.gain import Gain
from topores.analysis.verdict import by_folds, words
from topores.analysis.verdict.collapse import collapse_words
from topores.analysis.verdict.evidence import RETRIEVAL, Evidence, Learning
from topores.analysis.verdict.part import Part, claim_since_first, mean
from topores.analysis.verdict.shuffled import retrieval_p, shuffled_claims
from topores.domain import Claim, Split
from topores.outcomes import FEW_GROUPS, Retrieval, is_memorised, knows_training_pairs
from topores.phrases import Phrase
from topores.sign_flips import ALPHA, Interval, mean_over_groups, sign_flip_p

Outcomes = tuple[str, ...]
"""All that hold, the most telling first; none where nothing could be learned."""

NO_ROOM = 0.95
"""Held-out MRR of the first state above which an improvement cannot be told from luck."""
FEW_RUNS = 5
"""Runs on shuffled pairings below which only large effects are detected (benchmarks/verdict_level.py)."""


FAULTS = ("memorised", "unlearned", "no better than shuffled")
"""Outcomes that a space can have besides having collapsed."""


def learning(evidence: Evidence, seed: int) -> tuple[Outcomes, Part]:
    """Every outcome that holds, and the words with the claims about retrieval and about runs on shuffled pairings."""
    claims = [*retrieval_claims(evidence, seed), *shuffled_claims(evidence)]
    outcomes, part = _judge_retrieval(evidence, seed, claims)
    if collapsed := collapse_words(evidence):
        also = tuple(outcome for outcome in outcomes if outcome in FAULTS)
        return ("collapsed", *also), Part(collapsed, part.claims, Phrase("The space collapsed"))
    return outcomes, part


def _judge_retrieval(evidence: Evidence, seed: int, claims: Sequence[Claim]) -> tuple[Outcomes, Part]:
    """By retrieval alone."""
    if evidence.corpus is None:
        return (), Part("", claims)
    held, trained = evidence.reciprocal_ranks("held_out"), evidence.reciprocal_ranks("train")
    if not len(trained.before):
        return (), Part(_given_pairs(held, seed), claims)
    pairs = Phrase(
        "training pairs: MRR {before:.2f} to {after:.2f}", before=mean(trained.before), after=mean(trained.after)
    )
    if evidence.states[0].cycle and evidence.gain is None:
        none = Phrase(
            "the untrained state was not kept, so what training changed cannot be told from what it changed since "
            "cycle {first:,} ({pairs})",
            first=evidence.states[0].cycle, pairs=pairs,
        )  # fmt: skip
        return ("undecided",), Part(none, claims, Phrase("The untrained state was not kept"))
    if not len(held.before):
        none = Phrase("nothing was held out, so learning cannot be told from memorising ({pairs})", pairs=pairs)
        return ("undecided",), Part(none, claims, Phrase("No held-out pairs to judge by"))
    if evidence.gain is not None:
        return _learning_by_folds(evidence.gain, trained, pairs, claims)
    gain = mean_over_groups(held.after - held.before, held.groups, seed)
    shuffled = retrieval_p(evidence)
    outcome, title, found = _outcome(held, trained, gain, shuffled)
    outcomes: Outcomes = (outcome,)
    # A run that is no better than shuffled may be memorised as well: neither answer depends on the other.
    if outcome != "memorised" and _outcome(held, trained, gain, None)[0] == "memorised":
        outcomes = (outcome, "memorised")
    told = Phrase(
        "{outcome} (MRR {before:.2f} to {after:.2f} over {n} queries, gain {gain}, p = {p:.2g}; {pairs}{shuffled})",
        outcome=found, before=mean(held.before), after=mean(held.after), n=len(held.before),
        gain=by_folds.interval_words(gain), p=gain.p, pairs=pairs, shuffled=_shuffled_words(evidence, shuffled),
    )  # fmt: skip
    return outcomes, Part(told, claims, title)


def _learning_by_folds(gain: Gain, trained: Learning, pairs: Phrase, claims: Sequence[Claim]) -> tuple[Outcomes, Part]:
    was, now = Retrieval(mean(trained.before), None), Retrieval(mean(trained.after), None)
    outcome, title, found = by_folds.judge_gain(gain, was, now)
    told = Phrase("{outcome} ({numbers}; {pairs})", outcome=found, numbers=by_folds.numbers_of(gain), pairs=pairs)
    # The last state is what is kept, and that one only knows its pairs by heart.
    outcomes = (outcome, "memorised") if outcome == by_folds.THEN_MEMORISED else (outcome,)
    return outcomes, Part(told, [*by_folds.claims_of(gain), *claims], title)


def _given_pairs(held: Learning, seed: int) -> Phrase:
    """How well each state finds the pairs of a file."""
    p = sign_flip_p(held.after - held.before, seed, groups=held.groups)
    return Phrase(
        "retrieval of the given pairs went from MRR {before:.2f} to {after:.2f} over {n} queries (p = {p:.2g})",
        before=mean(held.before), after=mean(held.after), n=len(held.before), p=p,
    )  # fmt: skip


def _outcome(held: Learning, trained: Learning, gain: Interval, shuffled: float | None) -> tuple[str, Phrase, Phrase]:
    """What held-out passages show: the outcome, its title and its words.

    Args:
        gain: The change of held-out retrieval.
        shuffled: p that it is no better than after shuffled pairings; None where that was not measured.
    """
    rose, fell, controlled = gain.low > 0, gain.high < 0, shuffled is not None
    was, now = (
        Retrieval(mean(train), mean(held_out))
        for train, held_out in ((trained.before, held.before), (trained.after, held.after))
    )
    fitted = knows_training_pairs(was, now)
    if shuffled is not None and shuffled >= ALPHA:
        title = Phrase("No better than shuffled pairings")
        return "no better than shuffled", title, words.no_better(rose, fell, fitted)
    if rose:
        title = Phrase("Learned") if controlled else Phrase("Learned (no control run)")
        return "learned", title, words.learned_words(controlled)
    groups = int(held.groups.max()) + 1
    if is_memorised(was, now, gain.high, groups):
        return "memorised", Phrase("Memorised, not learned"), words.memorised_words(worse=fell)
    if fell:
        worse = Phrase("the encoder unlearned: unseen partners are found worse than before")
        return "unlearned", Phrase("Unlearned"), worse
    though = Phrase(", though better than after shuffled pairings") if controlled else ""
    if not fitted:
        return "undecided", Phrase("No sign of learning"), words.no_learning(mean(held.before) >= NO_ROOM, though)
    if groups < FEW_GROUPS:
        return "undecided", Phrase("Too few held-out pairs to judge by"), words.few_questions(though)
    return "undecided", Phrase("Learning not shown"), words.not_shown(though)


def _shuffled_words(evidence: Evidence, p: float | None) -> str:
    if p is None:
        return ""
    reached = [run[RETRIEVAL] for run in evidence.shuffled]
    return words.after_shuffled(float(np.mean(reached)), len(reached), len(reached) < FEW_RUNS, p)


def retrieval_claims(evidence: Evidence, seed: int) -> list[Claim]:
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
            claims.append(claim_since_first(evidence, name, mean(mrr.after), mean(mrr.before), p))
    return claims
