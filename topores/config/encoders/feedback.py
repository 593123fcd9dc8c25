"""Options of the encoder feedback."""

from dataclasses import dataclass

from topores.config.encoders._shared import CachedViews, Layers, Rank
from topores.options import choice, in_range

KINDS = ("loop", "memory", "none", "bias")
LOOPING = ("loop", "memory")
"""The kinds that go through the layers more than once; the others are their controls."""
MOST_PASSES = 64


@dataclass(frozen=True)
class Config(CachedViews, Layers, Rank):
    """Options of `--encoder feedback`."""

    feedback: str = choice("loop", KINDS)
    """What a pass adds for the next one: loop, the mean of its output through a matrix of low rank; memory, all its
    layers' states, which the next one attends to (Fan et al. 2020). And two controls of one pass: none, the same matrix
    on what enters the layers; bias, a vector."""

    passes: int = 2
    """How often the upper layers are gone through; a checkpoint can be read at another number."""

    rank: int = 32
    """Rank of the matrix that feeds back; 0 in the beginning."""

    layers: str = "last:2"
    """Upper layers that each pass goes through: all, last or last:K."""

    train_layers: bool = False
    """Also train these layers, at a 25th of the learning rate."""

    def faults(self) -> list[str]:
        faults = [*super().faults(), *in_range(self, "passes", 2, MOST_PASSES)]
        if "," in self.layers:
            faults.append(f"--layers is '{self.layers}', but passes go through the upper layers; give all or last:K.")
        if self.feedback not in LOOPING and self.passes != type(self).passes:
            faults.append(
                f"--passes is {self.passes}, but --feedback {self.feedback} makes one pass; leave the option out."
            )
        if self.feedback in ("memory", "bias") and self.rank != type(self).rank:
            faults.append(
                f"--rank is {self.rank}, but --feedback {self.feedback} has no such matrix; leave the option out."
            )
        return faults
