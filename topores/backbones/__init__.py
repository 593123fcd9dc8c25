"""Floor 3: what encoders are made with: models loaded, views of passages, cached states."""

ENCODING = ("topores.backbones", "topores.forward", "topores.modules", "topores.encoders")
"""Packages whose code decides the rows of an encoder, the registry included: an encoder may keep a module in its file.
Their hash is part of the key of every cached row."""
