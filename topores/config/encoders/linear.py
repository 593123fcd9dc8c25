"""Options of the encoder linear."""

from dataclasses import dataclass

from topores.config.encoders._shared import CachedViews


@dataclass(frozen=True)
class Config(CachedViews):
    """Options of `--encoder linear`."""
