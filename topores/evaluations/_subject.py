"""What an evaluation looks at: a learner after some cycle, and the passages it is asked about."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import nn

from topores.backbones.encoder import Encoder
from topores.domain import Corpus


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
