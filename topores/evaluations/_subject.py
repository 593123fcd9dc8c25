"""What an evaluation looks at: a learner after some cycle, and the passages it is asked about."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from torch import nn

from topores.backbones.encoder import Encoder
from topores.domain import DIRECTIONS, Corpus, Split
from topores.text.retrieval import ranks


@dataclass(frozen=True)
class Subject:
    """One learner at one logged cycle."""

    encoder: Encoder
    """In evaluation mode or not: an evaluation that calls it must leave its mode and its weights as they are."""
    objective: nn.Module
    """With the state that it trains or carries along, such as a critic or a memory."""
    corpus: Corpus
    rows_1: Float[np.ndarray, "passages_1 dim"]
    """Unit rows of T1's passages, without dropout, in the corpus's order."""
    rows_2: Float[np.ndarray, "passages_2 dim"]
    """Unit rows of T2's passages."""

    @cached_property
    def ranks(self) -> dict[tuple[Split, str], Float[np.ndarray, " queries"]]:
        """By split and direction: the rank at which each passage finds its partner."""
        splits: tuple[Split, ...] = ("train", "held_out")
        return {
            (split, way): ranks(self.rows_1, self.rows_2, self.corpus, split, way)
            for split in splits
            for way in DIRECTIONS
        }
