"""What every encoder is: a sentence-transformers model that gives views, rows of all layers, and a folder."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Module, Pooling
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import PreTrainedTokenizerBase

from topores.backbones.own_modules import own_modules, say_what_is_needed
from topores.config import TrainConfig
from topores.domain import Corpus, Side
from topores.forward.dropout import use_cheap_dropout
from topores.forward.packed import embed, why_not_packed
from topores.modules.heads import BySide, with_stock_modules

log = logging.getLogger(__name__)


CANNOT_CHANGE = "nothing is ruled out"


class Encoder(nn.Module):
    """Texts to unit rows, through a sentence-transformers model.

    What is trained of it are the parameters that require a gradient: all of them here. An encoder that trains less
    sets their `requires_grad`, and overrides what it can do better.

    A text may come with its side; only encoders that treat the two texts differently look at it.

    The two views of a passage differ by the dropout of its hidden states. That of its attention weights is
    switched off: it forces the slow attention kernel on CPUs, which costs a third of a training step.

    Args:
        model: The model; it is trained in place.
        precision: 'fp32' or 'bf16'; the latter is for training, `encode` computes in float32 always.
        packed: False pads every batch to its longest text, as the model itself does.
    """

    cannot_change = CANNOT_CHANGE
    """What training provably leaves as it was, whatever the texts."""

    closed_form = False
    """Whether `solve` finds the weights at once, and no step trains them."""

    decays = True
    """Whether weight decay makes sense: for weights whose zero means nothing learned, or nothing at all."""

    def __init__(self, model: SentenceTransformer, *, precision: str = "fp32", packed: bool = True) -> None:
        super().__init__()
        self.model = model
        self.precision = precision
        # A new module says that it trains, whatever the model in it does.
        self.train(model.training)
        for module in model.modules():
            dropout = getattr(module, "dropout", None)
            if "SelfAttention" in type(module).__name__ and isinstance(dropout, nn.Dropout):
                dropout.p = 0.0
        use_cheap_dropout(model)
        reason = why_not_packed(model) if packed else "it was asked for"
        self.packed = reason is None
        if reason and packed:
            log.info(
                "Batches are padded to their longest text: this model does not take the packed layout, %s.", reason
            )

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        return self.model.tokenizer

    @property
    def max_tokens(self) -> int | None:
        """Longest text the model reads, in tokens; None if it names no limit."""
        return self.model.max_seq_length

    @property
    def by_side(self) -> bool:
        """Whether the two texts are embedded differently."""
        return any(isinstance(module, BySide) for module in self.model)

    @property
    def own_modules(self) -> list[Module]:
        """Modules that sentence-transformers does not bring along: whoever loads the model needs topores."""
        return own_modules(self.model)

    def prepare(self, corpus: Corpus, config: TrainConfig) -> None:
        """Whatever has to be known of the frozen texts before the first step: nothing here."""

    def solve(self, corpus: Corpus) -> None:
        """Find the weights, where `closed_form` says so."""
        raise NotImplementedError

    def forward(self, texts: Sequence[str], sides: Sequence[Side] | None = None) -> Float[Tensor, "texts dim"]:
        """One view of each text, with gradient; a text given twice gets two dropout masks."""
        return normalize(self.pooled(texts, sides), dim=-1)

    def pooled(self, texts: Sequence[str], sides: Sequence[Side] | None = None) -> Float[Tensor, "texts dim"]:
        """What the model's last module gives, of any length, float32."""
        with self.autocast():
            return self._embed(self._features(texts, sides))[-1].float()

    def autocast(self, *, enabled: bool = True) -> torch.autocast:
        """The precision of training, for a pass that is begun within; float32 if not `enabled`."""
        return torch.autocast(self.model.device.type, torch.bfloat16, enabled=enabled and self.precision == "bf16")

    @torch.inference_mode()
    def encode(
        self, texts: Sequence[str], sides: Sequence[Side] | None = None, *, batch_size: int = 64
    ) -> Float[np.ndarray, "texts dim"]:
        """Unit rows without dropout, float32."""
        return self.encode_layers(texts, sides, batch_size=batch_size, layers="last")[-1]

    @torch.inference_mode()
    def encode_layers(
        self,
        texts: Sequence[str],
        sides: Sequence[Side] | None = None,
        *,
        batch_size: int = 64,
        layers: str = "all",
    ) -> list[Float[np.ndarray, "texts _"]]:
        """Unit rows of every layer from one forward pass, without dropout, float32.

        Each hidden layer is pooled as the model pools its last one. The last entry is the model's
        own output, whatever follows the pooling. A model without a pooled transformer has that alone.
        """
        was_training = self.training
        self.eval()
        # Texts of like length share a batch, so that little is padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        parts = [self._rows_of(*_chosen(batch, texts, sides), layers=layers == "all") for batch in batches]
        self.train(was_training)
        back = np.argsort(order)
        return [np.concatenate(rows)[back] for rows in zip(*parts, strict=True)]

    def save(self, folder: Path) -> None:
        """Write a folder that `SentenceTransformer(folder)` loads, where topores is installed if `plain` needs it."""
        plain = self.plain()
        plain.save(str(folder), create_model_card=False, safe_serialization=True)
        if own := own_modules(plain):
            say_what_is_needed(folder, own)

    def plain(self) -> SentenceTransformer:
        """The model as a checkpoint has it: of stock modules, as far as they can stand for its own."""
        return with_stock_modules(self.model)

    def tokenised(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """What the tokenizer gives of `texts`, padded, on the device of the model."""
        features = self.model.preprocess(list(texts))
        return {name: value.to(self.model.device) for name, value in features.items() if isinstance(value, Tensor)}

    def _features(self, texts: Sequence[str], sides: Sequence[Side] | None) -> dict[str, Tensor]:
        features = {**self.model.preprocess(list(texts)), **self.sided(sides)}
        return {k: v.to(self.model.device) if isinstance(v, Tensor) else v for k, v in features.items()}

    def sided(self, sides: Sequence[Side] | None) -> dict[str, Tensor]:
        """Which texts are T1's, for modules that treat the two differently."""
        if sides is None:
            return {}
        return {"from_t1": torch.tensor([side == "t1" for side in sides], device=self.model.device)}

    def _rows_of(
        self, texts: Sequence[str], sides: Sequence[Side] | None, *, layers: bool
    ) -> list[Float[np.ndarray, "texts _"]]:
        return [unit_rows(rows) for rows in self._embed(self._features(texts, sides), layers=layers)]

    def _embed(self, features: dict[str, Tensor], *, layers: bool = False) -> list[Float[Tensor, "texts _"]]:
        """Pooled rows of each layer, or of the last alone, in the layout that the model takes."""
        if self.packed:
            return embed(self.model, features, layers=layers)
        if not layers:
            return [self.model(features)["sentence_embedding"]]
        return self._padded_layers(features)

    def _padded_layers(self, features: dict[str, Tensor]) -> list[Float[Tensor, "texts _"]]:
        transformer = self.model.transformers_model
        poolings = [module for module in self.model if isinstance(module, Pooling)]
        if transformer is None or not poolings:
            return [self.model(features)["sentence_embedding"]]
        asked_before = transformer.config.output_hidden_states
        transformer.config.output_hidden_states = True
        try:
            output = self.model(features)
        finally:
            transformer.config.output_hidden_states = asked_before
        # A module of topores in the transformer's place may give its output alone.
        hidden = output.get("all_layer_embeddings", ())[:-1]
        pooled = [poolings[0]({**output, "token_embeddings": h})["sentence_embedding"] for h in hidden]
        return [*pooled, output["sentence_embedding"]]


def unit_rows(rows: Float[Tensor, "texts dim"]) -> Float[np.ndarray, "texts dim"]:
    """Scaled to unit length, float32, in memory that numpy sees."""
    return normalize(rows.float(), dim=-1).cpu().numpy()


def _chosen(
    places: Sequence[int], texts: Sequence[str], sides: Sequence[Side] | None
) -> tuple[list[str], list[Side] | None]:
    return [texts[i] for i in places], None if sides is None else [sides[i] for i in places]
