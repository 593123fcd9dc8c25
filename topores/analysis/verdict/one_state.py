"""The verdict of one state: there is no change to judge, so it is described."""

from topores.analysis.verdict import words
from topores.analysis.verdict.clusters import clusters_of
from topores.analysis.verdict.evidence import LOOPS, RETRIEVAL, Evidence
from topores.analysis.verdict.loops import loops_of, unseen
from topores.analysis.verdict.part import is_trained, mean
from topores.domain import Claim, Verdict
from topores.phrases import Phrase
from topores.quantities import quantity
from topores.sign_flips import ALPHA


def verdict_of_one_state(evidence: Evidence) -> Verdict:
    """One state has no change to judge, so it is described."""
    state = evidence.states[0]
    loops = loops_of(evidence)
    rank, uniformity = evidence.value("rank_me", state.cycle), evidence.value("uniformity", state.cycle)
    claims = [
        *loops.claims, *clusters_of(evidence).claims,
        Claim(quantity("rank_me").phrase, rank, None, None, "rank_me", evidence.unit("rank_me")),
        Claim(quantity("uniformity").phrase, uniformity, None, None, "uniformity", evidence.unit("uniformity")),
    ]  # fmt: skip
    if evidence.corpus is not None and not is_trained(evidence):
        mrr = mean(evidence.reciprocal_ranks("held_out").after)
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
    headline = words.one_state(beyond if looked else None, unseen=not beyond and unseen(evidence))
    return Verdict(sentence, tuple(claims), headline=headline)


def _pairs_of_one_state(evidence: Evidence) -> Phrase | str:
    if evidence.corpus is None or is_trained(evidence):
        return ""
    found = evidence.reciprocal_ranks("held_out").after
    return Phrase("the given pairs are found with MRR {mrr:.2f} over {n} queries", mrr=mean(found), n=len(found))
