"""Options of the objective next_token."""

import math
from dataclasses import dataclass

from topores.options import Options, in_range


@dataclass(frozen=True)
class Config(Options):
    """Options of `--objective next_token`."""

    canaries: int = 0
    """Lines of random words that are trained besides the texts, to measure how well something seen once a batch is
    remembered (exposure)."""

    canary_weight: float = 0.1
    """Weight of all canaries together in the loss, beside 1 for the texts."""

    def faults(self) -> list[str]:
        return [
            *super().faults(),
            *in_range(self, "canaries", 0, 256),
            *_weight_faults(self.canary_weight),
        ]


def _weight_faults(weight: float) -> list[str]:
    return [] if 0 < weight < math.inf else [f"--canary-weight is {weight}; give a number above 0."]
