"""The numbers of the last state beside those of runs on shuffled pairings."""

from collections.abc import Iterable, Mapping

import numpy as np

from topores.analysis.chance import prediction_p
from topores.analysis.verdict.evidence import COMPARED, RETRIEVAL, Evidence
from topores.domain import Claim
from topores.phrases import Phrase
from topores.quantities import quantity
from topores.sign_flips import ALPHA
from topores.topology.significance import holm


def retrieval_p(evidence: Evidence) -> float | None:
    """p that held-out retrieval is no better than in the runs on shuffled pairings, if there are two or more."""
    own, runs = evidence.own.get(RETRIEVAL), [run[RETRIEVAL] for run in evidence.shuffled if RETRIEVAL in run]
    return None if own is None or len(runs) < 2 else prediction_p(own, runs, above=True)


def p_against_shuffled(evidence: Evidence, asked: Iterable[str] = COMPARED) -> dict[str, float]:
    """Two-sided p of each number's difference from the runs on shuffled pairings, corrected over all that are asked.

    Over all folds where every run logs the number; else of the first fold's run beside its own shuffled runs.
    """
    runs, own, found = evidence.shuffled, evidence.own, {}
    for name in (n for n in asked if n != RETRIEVAL and n in own):
        if name in evidence.space:
            found[name] = evidence.space[name].p
        elif len(runs) > 1 and all(name in run for run in runs):
            found[name] = prediction_p(own[name], [run[name] for run in runs])
    return dict(zip(found, holm(list(found.values())), strict=True)) if found else {}


def shuffled_claims(evidence: Evidence) -> list[Claim]:
    """Each number beside its mean over the runs on shuffled pairings."""
    p = {} if (of_retrieval := retrieval_p(evidence)) is None else {RETRIEVAL: of_retrieval}
    return [*beside_shuffled(evidence, p | p_against_shuffled(evidence)), *_over_folds(evidence)]


def _over_folds(evidence: Evidence) -> list[Claim]:
    """Changes of the space over folds, with their intervals."""
    p = p_against_shuffled(evidence)
    return [
        Claim(
            Phrase("{measure}: change beyond shuffled pairings, mean over folds", measure=quantity(name).phrase),
            found.value, 0.0, p[name], low=found.low, high=found.high,
        )
        for name, found in evidence.space.items()
        if name in p
    ]  # fmt: skip


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
        if all(n in run for run in evidence.shuffled) and evidence.shuffled
    ]  # fmt: skip


def after_shuffled(evidence: Evidence, name: str) -> float:
    return float(np.mean([run[name] for run in evidence.shuffled]))


def changed_beyond_noise(evidence: Evidence, name: str, way: int) -> bool:
    """Whether a number rose, or fell where `way` is below 0, beyond dropout, resampling and shuffled pairings."""
    if name not in evidence.own or name not in evidence.before:
        return way != 0  # nothing was measured that contradicts it
    change = evidence.own[name] - evidence.before[name]
    return change * way > 0 and abs(change) > (evidence.floor(name) or 0.0) and _beyond_shuffled(evidence, name, way)


def _beyond_shuffled(evidence: Evidence, name: str, way: int) -> bool:
    """Whether shuffled pairings did not change a number as far: over folds where there are any."""
    if name in evidence.space:
        found = evidence.space[name]
        return found.p < ALPHA and found.value * way > 0
    runs = [run[name] for run in evidence.shuffled if name in run]
    return len(runs) < 2 or prediction_p(evidence.own[name], runs) < ALPHA
