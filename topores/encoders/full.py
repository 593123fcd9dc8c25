"""Full fine-tuning: every weight of a sentence-transformers model is trained."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import PreTrainedTokenizerBase

from topores.encoders._base import load_base


class Encoder(nn.Module):
    """Texts to unit rows, through a stock sentence-transformers model.

    The two views of a passage differ by the dropout of its hidden states. That of its attention weights is
    switched off: it forces the slow attention kernel on CPUs, which costs a third of a training step.
    """

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.model = model
        for module in model.modules():
            dropout = getattr(module, "dropout", None)
            if "SelfAttention" in type(module).__name__ and isinstance(dropout, nn.Dropout):
                dropout.p = 0.0

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        return self.model.tokenizer

    @property
    def max_tokens(self) -> int | None:
        """Longest text the model reads, in tokens; None if it names no limit."""
        return self.model.max_seq_length

    def forward(self, texts: Sequence[str]) -> Float[Tensor, "texts dim"]:
        """One view of each text, with gradient; a text given twice gets two dropout masks."""
        return normalize(self.model(self._features(texts))["sentence_embedding"], dim=-1)

    @torch.inference_mode()
    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> Float[np.ndarray, "texts dim"]:
        """Unit rows without dropout, float32."""
        return self.encode_layers(texts, batch_size=batch_size, layers="last")[-1]

    @torch.inference_mode()
    def encode_layers(
        self, texts: Sequence[str], *, batch_size: int = 64, layers: str = "all"
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
        parts = [self._layers_of([texts[i] for i in batch], layers) for batch in batches]
        self.train(was_training)
        back = np.argsort(order)
        return [np.concatenate(rows)[back] for rows in zip(*parts, strict=True)]

    def save(self, folder: Path) -> None:
        """A folder that `SentenceTransformer(folder)` loads."""
        self.model.save(str(folder), create_model_card=False, safe_serialization=True)

    def _features(self, texts: Sequence[str]) -> dict[str, Tensor]:
        features = self.model.preprocess(list(texts))
        return {k: v.to(self.model.device) if isinstance(v, Tensor) else v for k, v in features.items()}

    def _layers_of(self, texts: Sequence[str], layers: str) -> list[np.ndarray]:
        transformer = self.model.transformers_model
        poolings = [module for module in self.model if isinstance(module, Pooling)]
        if layers == "last" or transformer is None or not poolings:
            return [_to_numpy(self.model(self._features(texts))["sentence_embedding"])]
        asked_before = transformer.config.output_hidden_states
        transformer.config.output_hidden_states = True
        try:
            output = self.model(self._features(texts))
        finally:
            transformer.config.output_hidden_states = asked_before
        hidden = output["all_layer_embeddings"][:-1]
        pooled = [poolings[0]({**output, "token_embeddings": h})["sentence_embedding"] for h in hidden]
        return [_to_numpy(rows) for rows in [*pooled, output["sentence_embedding"]]]


def build(model: str, device: str) -> Encoder:
    """The encoder on the base model called `model`: a folder, a hub id, or the packaged MiniLM.

    Raises:
        InputError: The model is neither installed nor reachable, or damaged.
    """
    return Encoder(load_base(model, device))


def _to_numpy(rows: Tensor) -> Float[np.ndarray, "texts dim"]:
    return normalize(rows.float(), dim=-1).cpu().numpy()
