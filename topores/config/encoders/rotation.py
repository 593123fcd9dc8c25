"""Options of the encoder rotation."""

from dataclasses import dataclass

from topores.config.encoders._shared import CachedViews


@dataclass(frozen=True)
class Config(CachedViews):
    """Options of `--encoder rotation`."""
