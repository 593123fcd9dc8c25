"""Encoders whose upper layers are trained. The outputs of the frozen layers below are computed once per run."""

import logging
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import Tensor

from topores.backbones.dropout_views import draw_views
from topores.backbones.encoder import Encoder, unit_rows
from topores.backbones.token_states import TokenStates, token_states
from topores.config import TrainConfig
from topores.domain import SIDES, Corpus, Side
from topores.forward.cut import Cut, Entering

log = logging.getLogger(__name__)


class UpperEncoder(Encoder):
    """An encoder whose first layers are frozen.

    `prepare` computes their output for each passage once without dropout and under `cached_views` dropout masks.
    After that, a view is one of these cached states passed through the layers above. A text that was not prepared, or
    whose rows of all layers are asked for, passes through all layers.

    Args:
        frozen: Number of frozen layers, counted from the first; with 0 there is nothing to prepare.
        entering: A trained change of the frozen layers' output before it enters the layers above.
    """

    def __init__(
        self, model: SentenceTransformer, *, frozen: int, entering: Entering | None = None, precision: str = "fp32"
    ) -> None:
        super().__init__(model, precision=precision)
        self._cut = Cut(model, frozen, entering) if frozen and self.packed else None
        self._states: TokenStates | None = None

    def prepare(self, corpus: Corpus, config: TrainConfig) -> None:
        passages = (*corpus.t1, *corpus.t2)
        texts = list(dict.fromkeys(self._with_prompts([p.text for p in passages], [p.side for p in passages])))
        if self._cut is None or not texts or self._leaves_prompts_out():
            return
        reason = self._cut.why_not(self.tokenise(texts[:3]))
        if reason:
            log.info("The frozen layers run in every step, because this model cannot be cut in two: %s.", reason)
            return
        self._states = token_states(self, self._cut, texts, masks=config.encoder_options.cached_views, seed=config.seed)

    def pooled_rows(self, texts: Sequence[str], sides: Sequence[Side] | None = None) -> Float[Tensor, "texts dim"]:
        if self._states is None or not self._states.contains(self._with_prompts(texts, sides)):
            return super().pooled_rows(texts, sides)
        with self.autocast(enabled=self.training):
            return self._from_states(self._states, texts, sides).float()

    def _rows_of(
        self, texts: Sequence[str], sides: Sequence[Side] | None, *, layers: bool
    ) -> list[Float[np.ndarray, "texts _"]]:
        if layers or self._states is None or not self._states.contains(self._with_prompts(texts, sides)):
            return super()._rows_of(texts, sides, layers=layers)
        return [unit_rows(self._from_states(self._states, texts, sides))]

    def _from_states(
        self, states: TokenStates, texts: Sequence[str], sides: Sequence[Side] | None
    ) -> Float[Tensor, "texts dim"]:
        assert self._cut is not None  # its states are there
        views = draw_views(texts, len(states.views) - 1) if self.training else None
        hidden, layout = states.gather(self._with_prompts(texts, sides), views, self.model.device)
        return self.shorten(self._cut.run_above(hidden, layout, self.side_features(sides)))

    def _with_prompts(self, texts: Sequence[str], sides: Sequence[Side] | None) -> list[str]:
        """The texts as they are tokenised."""
        return [prompt + text for prompt, text in zip(self.prompts_of(sides, len(texts)), texts, strict=True)]

    def _leaves_prompts_out(self) -> bool:
        """Whether the pooling skips the tokens of a prompt; where these end is not kept with the states."""
        skips = any(isinstance(module, Pooling) and not module.include_prompt for module in self.model)
        return skips and any(self.prompts_of(SIDES, len(SIDES)))
