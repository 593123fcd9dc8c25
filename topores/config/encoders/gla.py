"""Options of the encoder gla."""

from dataclasses import dataclass

from topores.config.encoders._shared import Recurrence


@dataclass(frozen=True)
class Config(Recurrence):
    """Options of `--encoder gla`."""
