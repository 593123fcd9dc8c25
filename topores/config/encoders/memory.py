"""Options of the encoder memory."""

from dataclasses import dataclass
from typing import Any

from topores.config.encoders._shared import CachedViews
from topores.options import not_negative


@dataclass(frozen=True)
class Config(CachedViews):
    """Options of `--encoder memory`."""

    write_rate: float = 0.5
    """How far one write moves the memory's answer towards what is written, above 0 and below 2: 1 makes it exact."""

    read_strength: float = 0.5
    """How much of the memory's answer is added to an embedding of unit length; 0 reads nothing."""

    retention: float = 1.0
    """What the memory keeps of its state from one cycle to the next, above 0; 1 forgets nothing."""

    def faults(self) -> list[str]:
        return [
            *super().faults(), *_rate_faults(self.write_rate), *not_negative(self, "read_strength"),
            *_retention_faults(self.retention),
        ]  # fmt: skip

    def faults_beside(self, common: Any) -> list[str]:
        if common.learning_rate in (None, 0.0, UNUSED):
            return []
        return [
            f"--learning-rate is {common.learning_rate:g}, but a memory is written, not trained by gradients; give "
            "--write-rate, or leave the option out."
        ]


UNUSED = 1.0
"""What a memory notes as its learning rate; 0, as the frozen null has it, writes nothing."""


def _rate_faults(rate: float) -> list[str]:
    if 0 < rate < 2:
        return []
    return [
        f"--write-rate is {rate:g}; give a number above 0 and below 2: from there on each write overshoots what it "
        "writes, and the spectral radius of a cycle can be above 1."
    ]


def _retention_faults(retention: float) -> list[str]:
    if 0 < retention <= 1:
        return []
    return [
        f"--retention is {retention:g}; give a number above 0 and at most 1: above it the spectral radius of a cycle "
        "can be above 1."
    ]
