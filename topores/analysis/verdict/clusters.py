"""Clusters of the first and the last state, beside Gaussian clouds of the same spectrum."""

import numpy as np

from topores.analysis.chance import ALPHA, monte_carlo_p
from topores.analysis.verdict.evidence import LONGEST_CLUSTER, Evidence
from topores.analysis.verdict.part import Part
from topores.analysis.verdict.shuffled import changed_beyond_noise
from topores.domain import Claim
from topores.phrases import Phrase
from topores.quantities import quantity
from topores.topology.significance import holm


def clusters_of(evidence: Evidence) -> Part:
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
    if not changed_beyond_noise(evidence, LONGEST_CLUSTER, int(now) - int(was)):
        return Part("", claims)
    p = float(min(corrected))
    if now:
        return Part(Phrase("a cluster was gained (p = {p:.2g})", p=p), claims, Phrase("a cluster gained"))
    return Part(Phrase("a cluster was lost (p = {p:.2g})", p=p), claims, Phrase("a cluster lost"))
