"""A memory that is written, not trained: it learns in context, and the weights of the base stay as they are."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch.nn.functional import normalize

from topores.backbones.delta_rule import DeltaMemory, Write
from topores.backbones.pooled_views import BATCH_SIZE, HeadEncoder, with_head
from topores.config import TrainConfig
from topores.config.encoders.memory import UNUSED
from topores.domain import SIDES, Corpus, Passage, Side
from topores.modules.heads import affine

__all__ = ["BATCH_SIZE", "LEARNING_RATE", "MemoryEncoder", "build"]

LEARNING_RATE = UNUSED
CANNOT_CHANGE = "every weight of the base; before normalisation, the part outside the span of the training passages"


class MemoryEncoder(HeadEncoder):
    """z = (I + lambda S^T) h, normalised, with a delta-rule memory S that the training pairs write.

    A cycle writes each training pair (a, b) in the order of the corpus, by the four pairings in the order T1->T1,
    T2->T2, T1->T2, T2->T1: the keys a, b, a, b get the values a, b, b, a. Keys and values are unit rows of the base
    without dropout. The rate of a write is the write rate times the pair's weight.

    The head is sentence-transformers' own `Dense` without bias and activation, so a checkpoint is a stock model.
    """

    written = True

    _memory: DeltaMemory | None = None
    _strength = _rate = 0.0
    """lambda and b."""

    def prepare(self, corpus: Corpus, config: TrainConfig) -> None:
        super().prepare(corpus, config)
        options = config.encoder_options
        self._strength = options.read_strength
        self._rate = 0.0 if config.learning_rate == 0 else options.write_rate
        self._keys, self._values = self._pairs(corpus)
        rows, count = np.concatenate([self._keys, self._values]), len(self._keys)
        rates = self._rate * corpus.pairs.weight[corpus.pairs_in("train")]
        writes = [
            Write(key, value, rate)
            for a, b, rate in zip(range(count), range(count, 2 * count), rates.tolist(), strict=True)
            for key, value in ((a, a), (b, b), (a, b), (b, a))
        ]
        self._memory = DeltaMemory(rows, writes, retention=options.retention)
        self._state = self._before = np.zeros((rows.shape[1],) * 2)

    def write(self, cycle: int) -> None:
        assert self._memory is not None  # the loop prepares it
        self._before, self._state = self._state, self._memory.state_after(cycle)
        weight = np.eye(len(self._state)) + self._strength * self._state.T
        with torch.no_grad():
            self.head.get_parameter("linear.weight").copy_(torch.from_numpy(weight))

    def facts(self, corpus: Corpus) -> Mapping[str, float | None]:  # noqa: ARG002  those of the prepared one
        """Size of the state, how far it has moved since the cycle written before, its radius, and its recall."""
        assert self._memory is not None  # the loop prepares it
        size, moved = (float(np.linalg.norm(matrix)) for matrix in (self._state, self._state - self._before))
        return {
            "memory_norm": size,
            "memory_drift": moved / size if size else None,
            "memory_radius": self._memory.radius,
            "memory_recall": self._recall() if size else None,
        }

    def _recall(self) -> float:
        """Mean cosine between what the memory answers to a passage of a training pair and its partner."""
        asked = np.concatenate([self._keys, self._values]) @ self._state
        partners = np.concatenate([self._values, self._keys])
        lengths = np.linalg.norm(asked, axis=1)
        return float(((asked * partners).sum(axis=1) / np.where(lengths > 0, lengths, 1)).mean())

    def _pairs(self, corpus: Corpus) -> tuple[Float[np.ndarray, "pairs dim"], Float[np.ndarray, "pairs dim"]]:
        """Unit rows of the base for both passages of each training pair, in the order of the corpus."""
        chosen, pairs = corpus.pairs_in("train"), corpus.pairs
        sides: tuple[tuple[Side, tuple[Passage, ...], np.ndarray], ...]
        sides = (SIDES[0], corpus.t1, pairs.t1), (SIDES[1], corpus.t2, pairs.t2)
        first, second = (
            normalize(self.clean([passages[i].text for i in place[chosen]], [side] * len(chosen)).double())
            for side, passages, place in sides
        )
        return first.cpu().numpy(), second.cpu().numpy()


def build(config: TrainConfig, device: str) -> MemoryEncoder:
    """The base model of `config` under a memory that its training pairs write.

    Raises:
        InputError: The model is neither installed nor reachable, or damaged.
    """
    encoder = with_head(config, device, lambda dim: affine(torch.eye(dim)), MemoryEncoder, cannot_change=CANNOT_CHANGE)
    assert isinstance(encoder, MemoryEncoder)
    return encoder
