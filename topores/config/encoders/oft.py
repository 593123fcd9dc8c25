"""Options of the encoder oft."""

from dataclasses import dataclass

from topores.config.encoders._shared import CachedViews, Layers, Rank


@dataclass(frozen=True)
class Config(CachedViews, Layers, Rank):
    """Options of `--encoder oft`."""

    rank: int = 8
    """Size of the blocks that are rotated: a divisor of the layers' width, 2 or more."""
