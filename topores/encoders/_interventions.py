"""Alias for checkpoints of topores 0.1, whose modules.json names this module."""

from topores.modules.intervened import IntervenedTransformer

__all__ = ["IntervenedTransformer"]
