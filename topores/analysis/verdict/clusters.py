"""Clusters of the first and the last state, beside Gaussian clouds of the same spectrum."""

import numpy as np

from topores.analysis.chance import monte_carlo_p
from topores.analysis.verdict.evidence import CLUSTER_GAP, Evidence
from topores.analysis.verdict.part import Part
from topores.analysis.verdict.shuffled import changed_beyond_noise
from topores.domain import Claim
from topores.phrases import Phrase
from topores.quantities import quantity
from topores.sign_flips import ALPHA
from topores.topology.measures.cluster_gap import widest_split
from topores.topology.points import unit_rows
from topores.topology.significance import holm


def clusters_of(evidence: Evidence) -> Part:
    """Whether two groups of passages are farther apart than in Gaussian clouds of the same spectrum.

    A group has a least size, since the widest gap of any cloud parts off an outlier.
    """
    found: dict[int, float] = {}
    claims = []
    for state, values in ((evidence.states[0], evidence.before), (evidence.states[-1], evidence.own)):
        nulls = [draw[CLUSTER_GAP] for draw in evidence.spectrum.get(state.cycle, ()) if CLUSTER_GAP in draw]
        if CLUSTER_GAP not in values or not nulls or state.cycle in found:
            continue
        # A cloud without groups has none, whatever the Gaussian clouds have.
        found[state.cycle] = monte_carlo_p(values[CLUSTER_GAP], nulls) if values[CLUSTER_GAP] > 0 else 1.0
        what = Phrase(
            "{measure}, {state} (null: mean of {n} Gaussian clouds)",
            measure=quantity(CLUSTER_GAP).phrase, state=state.label, n=len(nulls),
        )  # fmt: skip
        unit, p = evidence.unit(CLUSTER_GAP), found[state.cycle]
        claims.append(Claim(what, values[CLUSTER_GAP], float(np.mean(nulls)), p, CLUSTER_GAP, unit, "matched_spectrum"))
    if len(found) < 2:
        return Part("", claims)
    corrected = holm(list(found.values()))
    was, now = (p < ALPHA for p in corrected)
    # The null changes too: a gap that did not widen was not gained, however small the Gaussian gaps became.
    if not changed_beyond_noise(evidence, CLUSTER_GAP, int(now) - int(was)):
        return Part("", claims)
    if now:
        return Part(_split_words(evidence, float(corrected[1])), claims, Phrase("the space split into clusters"))
    lost = Phrase("a gap between two groups of passages closed (p = {p:.2g})", p=float(corrected[0]))
    return Part(lost, claims, Phrase("a gap between clusters closed"))


def _split_words(evidence: Evidence, p: float) -> Phrase:
    split = widest_split(unit_rows(evidence.last), metric=evidence.metric)
    return Phrase(
        "the space split into groups of {larger:,} and {smaller:,} passages (gap {was:.2f} to {now:.2f}, p = {p:.2g})",
        larger=split.larger, smaller=split.smaller, was=evidence.before[CLUSTER_GAP], now=evidence.own[CLUSTER_GAP],
        p=p,
    )  # fmt: skip
