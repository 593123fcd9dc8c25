"""What one rule adds to the verdict, and the claim that most rules make."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from topores.analysis.verdict.evidence import Evidence
from topores.domain import Claim
from topores.phrases import Phrase
from topores.quantities import quantity


class Part(NamedTuple):
    """What one rule adds to the verdict; each text is a phrase, or empty."""

    words: str = ""
    """For the sentence."""
    claims: Sequence[Claim] = ()
    title: str = ""
    """For the headline; it claims no more than the words do."""


def claim_since_first(
    evidence: Evidence, name: str, now: float | None, was: float | None, p: float | None = None
) -> Claim:
    """A quantity of the last state beside that of the first."""
    what = Phrase("{measure}, last state (null: first state)", measure=quantity(name).phrase)
    return Claim(what, now, was, p, name, evidence.unit(name), "first")


def is_trained(evidence: Evidence) -> bool:
    """Whether the states are those of a run: pairs of a file that no model here was trained on are all held out."""
    return evidence.corpus is not None and len(evidence.corpus.pairs_in("train")) > 0


def mean(values: np.ndarray) -> float:
    return float(values.mean())
