"""Encoders of which upper layers are trained: what the frozen layers below give is computed once for all cycles."""

import logging
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from torch import Tensor

from topores.backbones.dropout_views import draw_views
from topores.backbones.encoder import Encoder, unit_rows
from topores.backbones.token_states import TokenStates, token_states
from topores.config import TrainConfig
from topores.domain import Corpus, Side
from topores.forward.cut import Cut, Entering

log = logging.getLogger(__name__)


class UpperEncoder(Encoder):
    """An encoder whose first layers are frozen.

    `prepare` computes what they make of each passage: once without dropout, and under `cached_views` dropout masks.
    From then on a view is one of these and a pass through the layers above. A text that was not prepared, or is to be
    seen in all layers, goes the whole way.

    Args:
        frozen: How many layers are frozen, from the first; 0 has nothing to prepare.
        entering: What the layers above get in place of what those below give, if it is trained too.
    """

    def __init__(
        self, model: SentenceTransformer, *, frozen: int, entering: Entering | None = None, precision: str = "fp32"
    ) -> None:
        super().__init__(model, precision=precision)
        self._cut = Cut(model, frozen, entering) if frozen and self.packed else None
        self._states: TokenStates | None = None

    def prepare(self, corpus: Corpus, config: TrainConfig) -> None:
        texts = list(dict.fromkeys(p.text for p in (*corpus.t1, *corpus.t2)))
        if self._cut is None or not texts:
            return
        reason = self._cut.why_not(self.tokenise(texts[:3]))
        if reason:
            log.info("The frozen layers run in every step: this model does not take a cut, %s.", reason)
            return
        self._states = token_states(self, self._cut, texts, masks=config.cached_views, seed=config.seed)

    def pooled_rows(self, texts: Sequence[str], sides: Sequence[Side] | None = None) -> Float[Tensor, "texts dim"]:
        if self._states is None or not self._states.contains(texts):
            return super().pooled_rows(texts, sides)
        with self.autocast():
            return self._from_states(self._states, texts, sides).float()

    def _rows_of(
        self, texts: Sequence[str], sides: Sequence[Side] | None, *, layers: bool
    ) -> list[Float[np.ndarray, "texts _"]]:
        if layers or self._states is None or not self._states.contains(texts):
            return super()._rows_of(texts, sides, layers=layers)
        return [unit_rows(self._from_states(self._states, texts, sides))]

    def _from_states(
        self, states: TokenStates, texts: Sequence[str], sides: Sequence[Side] | None
    ) -> Float[Tensor, "texts dim"]:
        assert self._cut is not None  # its states are there
        views = draw_views(texts, len(states.views) - 1) if self.training else None
        hidden, layout = states.gather(texts, views, self.model.device)
        return self._cut.run_above(hidden, layout, self.side_features(sides))
