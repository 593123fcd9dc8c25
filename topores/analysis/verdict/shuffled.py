"""The numbers of the last state beside those of runs on shuffled pairings."""

from collections.abc import Iterable, Mapping

import numpy as np

from topores.analysis.chance import ALPHA, prediction_p
from topores.analysis.verdict.evidence import COMPARED, RETRIEVAL, Evidence
from topores.domain import Claim
from topores.phrases import Phrase
from topores.quantities import quantity
from topores.topology.significance import holm


def retrieval_p(evidence: Evidence) -> float | None:
    """p that held-out retrieval is no better than in the runs on shuffled pairings, if there are two or more."""
    own, runs = evidence.own.get(RETRIEVAL), [run[RETRIEVAL] for run in evidence.shuffled if RETRIEVAL in run]
    return None if own is None or len(runs) < 2 else prediction_p(own, runs, above=True)


def p_against_shuffled(evidence: Evidence, asked: Iterable[str] = COMPARED) -> dict[str, float]:
    """Two-sided p of each number's difference from the runs on shuffled pairings, corrected over all that are asked."""
    runs, own = evidence.shuffled, evidence.own
    names = [n for n in asked if n != RETRIEVAL and n in own and all(n in run for run in runs)]
    if len(runs) < 2 or not names:
        return {}
    return dict(zip(names, holm([prediction_p(own[n], [run[n] for run in runs]) for n in names]), strict=True))


def shuffled_claims(evidence: Evidence) -> list[Claim]:
    """Each number beside its mean over the runs on shuffled pairings."""
    p = {} if (of_retrieval := retrieval_p(evidence)) is None else {RETRIEVAL: of_retrieval}
    return beside_shuffled(evidence, p | p_against_shuffled(evidence))


def beside_shuffled(evidence: Evidence, p: Mapping[str, float]) -> list[Claim]:
    return [
        Claim(
            Phrase(
                "{measure}, last state (null: mean of {runs} runs on shuffled pairings)",
                measure=quantity(n).phrase, runs=len(evidence.shuffled),
            ),
            evidence.own[n], after_shuffled(evidence, n), own, n, evidence.unit(n), "shuffled",
        )
        for n, own in p.items()
    ]  # fmt: skip


def after_shuffled(evidence: Evidence, name: str) -> float:
    return float(np.mean([run[name] for run in evidence.shuffled]))


def changed_beyond_noise(evidence: Evidence, name: str, way: int) -> bool:
    """Whether a number rose, or fell where `way` is below 0, beyond dropout, resampling and shuffled pairings."""
    if name not in evidence.own or name not in evidence.before:
        return way != 0  # nothing was measured that contradicts it
    change = evidence.own[name] - evidence.before[name]
    runs = [run[name] for run in evidence.shuffled if name in run]
    outside = len(runs) < 2 or prediction_p(evidence.own[name], runs) < ALPHA
    return change * way > 0 and abs(change) > (evidence.floor(name) or 0.0) and outside
