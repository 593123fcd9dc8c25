"""Floor 3: what encoders are made with: models loaded, views of passages, cached states."""

ENCODING = ("topores.backbones", "topores.forward", "topores.modules")
"""Packages whose code decides what an encoder gives; part of the key of all that is cached of it."""
