"""Where checkpoints of topores 0.1 look for their module: they name this place in their modules.json."""

from topores.modules.intervened import IntervenedTransformer

__all__ = ["IntervenedTransformer"]
