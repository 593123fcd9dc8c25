"""Options of the encoder lora."""

from dataclasses import dataclass

from topores.config.encoders._shared import CachedViews, Layers, Rank


@dataclass(frozen=True)
class Config(CachedViews, Layers, Rank):
    """Options of `--encoder lora`."""
