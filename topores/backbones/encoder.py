"""Base class of all encoders: a sentence-transformers model with dropout views, rows of all layers, and checkpoints."""

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Module, Pooling
from torch import Tensor, nn
from torch.nn.functional import normalize

from topores.backbones.own_modules import own_modules, say_what_is_needed
from topores.backbones.padding import change_by_padding, without_padding
from topores.config import TrainConfig
from topores.domain import SIDES, Corpus, Side
from topores.errors import InputError
from topores.forward.dropout import use_cheap_dropout
from topores.forward.packed import embed, why_not_packed
from topores.forward.routes import first_modules, has_route_by_side, routers
from topores.forward.settings import first_columns, prompt_of
from topores.modules.heads import BySide, with_stock_modules
from topores.text.packing import FEWEST_TOKENS
from topores.text.passages import without_truncation

log = logging.getLogger(__name__)


CANNOT_CHANGE = "nothing is ruled out"


class Encoder(nn.Module):
    """Maps texts to unit rows with a sentence-transformers model.

    The trained parameters are those that require a gradient: here all of them. An encoder that trains fewer sets
    their `requires_grad`, and overrides methods that it can make faster.

    Texts can be given with their sides ("t1" or "t2"), which only encoders that treat the two texts differently use.
    Rows are those of the model's own `encode()`, scaled to unit length: prompts and truncate_dim are the model's.

    The two views of a passage differ by dropout on hidden states. Dropout on attention weights is switched off: it
    forces the slow attention kernel on CPUs, which costs a third of a training step.

    Args:
        model: The model; it is trained in place.
        precision: 'fp32' or 'bf16' for training; `encode` always computes in float32.
        packed: False pads every batch to its longest text, as the model itself does.
    """

    apart: bool
    """Whether texts of different lengths are embedded apart, because padding changes the rows of the model."""

    cannot_change = CANNOT_CHANGE
    """What training provably cannot change, for any texts."""

    closed_form = False
    """Whether `solve` computes the weights at once, without training steps."""

    written = False
    """Whether `write` gives the state after any cycle at once, without training steps."""

    decays = True
    """Whether weight decay applies; off where weights of zero are not the base model."""

    def __init__(self, model: SentenceTransformer, *, precision: str = "fp32", packed: bool = True) -> None:
        super().__init__()
        self.model = model
        self.precision = precision
        # A new nn.Module is in training mode; take over the mode of the model.
        self.train(model.training)
        for module in model.modules():
            dropout = getattr(module, "dropout", None)
            if "SelfAttention" in type(module).__name__ and isinstance(dropout, nn.Dropout):
                dropout.p = 0.0
        use_cheap_dropout(model)
        reason = why_not_packed(model) if packed else "it was asked for"
        self.packed = reason is None
        if reason and packed:
            _say_padded(reason)
        tries = not self.packed and packed
        change = change_by_padding(model, SIDES if self._by_task else (None,)) if tries else 0.0
        self.apart = change > 0
        if self.apart:
            _say_apart()

    @property
    def tokenizer(self) -> Any:
        """A fast tokenizer of transformers, or a `tokenizers.Tokenizer`."""
        return self.model.tokenizer

    @property
    def max_tokens(self) -> int | None:
        """Longest text that the model reads by all of its routes, in tokens; None if it has no limit."""
        said = [getattr(module, "max_seq_length", None) for module in first_modules(self.model)]
        # Static embeddings say infinity.
        limits = [int(limit) for limit in said if limit is not None and limit != float("inf")]
        return min(limits, default=None)

    @property
    def room(self) -> int | None:
        """Longest passage that the model reads whole after its prompt, in tokens; None if it has no limit.

        Raises:
            InputError: The prompt leaves no room for a passage.
        """
        limit, prompts = self.max_tokens, {*self.prompts_of(None, 1), *self.prompts_of(SIDES, len(SIDES))} - {""}
        if limit is None or not prompts:
            return limit
        longest = max(len(without_truncation(self.tokenizer).encode(p, add_special_tokens=False).ids) for p in prompts)
        if limit - longest < FEWEST_TOKENS:
            raise InputError(
                f"The prompt takes {longest} of the {limit} tokens that the model reads, so there is no room for a "
                "passage; give a shorter prompt (--prompt-1, --prompt-2) or a model that reads more."
            )
        return limit - longest

    @property
    def by_side(self) -> bool:
        """Whether the two texts take different routes."""
        return self._by_task or any(isinstance(module, BySide) for module in self.model)

    @property
    def _by_task(self) -> bool:
        """Whether a router takes texts or tokens by their side, so that a batch is of one side."""
        return any(map(has_route_by_side, routers(self.model)))

    @property
    def own_modules(self) -> list[Module]:
        """Modules that sentence-transformers does not bring along: whoever loads the model needs topores."""
        return own_modules(self.model)

    def begin(self, corpus: Corpus, config: TrainConfig) -> None:
        """Make what cycle 0 is from the training passages; does nothing here.

        Called once for a run, before `prepare`, and not where it is resumed or a checkpoint is loaded. What it changes
        must be trained, or it would not be in the resume state.
        """

    def prepare(self, corpus: Corpus, config: TrainConfig) -> None:
        """Precompute from the frozen texts before the first step; does nothing here."""

    def parameter_groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        """The trained parameters as groups of `torch.optim.AdamW`.

        Args:
            learning_rate: That of every group that does not name its own.
            weight_decay: The run's; 0 where weights of zero are not the base model.
        """
        del learning_rate
        return [{"params": [p for p in self.parameters() if p.requires_grad], "weight_decay": weight_decay}]

    usual_folds: int = 1
    """How many folds a run has if its options do not say it: one fold costs as much as the run."""

    def solve(self, corpus: Corpus) -> None:
        """Compute the weights in closed form; only if `closed_form` is True."""
        raise NotImplementedError

    def write(self, cycle: int) -> None:
        """Take on the state after `cycle` cycles over the prepared corpus; only if `written` is True."""
        raise NotImplementedError

    def after_cycle(self) -> None:
        """Called after the last step of each cycle, before it is logged; does nothing here."""

    def facts(self, corpus: Corpus) -> Mapping[str, float | None]:  # noqa: ARG002  for encoders that have some
        """Numbers of this encoder alone for the line of a logged cycle, by key of metrics.jsonl."""
        return {}

    def forward(self, texts: Sequence[str], sides: Sequence[Side] | None = None) -> Float[Tensor, "texts dim"]:
        """One view of each text, with gradient; repeated texts get different dropout masks."""
        return normalize(self.pooled_rows(texts, sides), dim=-1)

    def pooled_rows(self, texts: Sequence[str], sides: Sequence[Side] | None = None) -> Float[Tensor, "texts dim"]:
        """Output of the model's last module, not normalised, float32.

        Without dropout it is computed in float32 whatever the precision of training: it is logged, and stands beside
        numbers of the analysis.
        """
        with self.autocast(enabled=self.training):
            return self.embed_texts(texts, sides)[-1].float()

    def autocast(self, *, enabled: bool = True) -> torch.autocast:
        """Autocast context with the training precision; float32 if not `enabled`."""
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

        Each hidden layer is pooled as the model pools its last one. The last entry is the model's own output, after all
        modules. A model without a transformer and pooling has only this entry.
        """
        was_training = self.training
        self.eval()
        # Texts of similar length share a batch, which reduces padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        parts = [self._rows_of(*_select(batch, texts, sides), layers=layers == "all") for batch in batches]
        self.train(was_training)
        back = np.argsort(order)
        return [np.concatenate(rows)[back] for rows in zip(*parts, strict=True)]

    def save(self, folder: Path) -> None:
        """Write a folder that `SentenceTransformer(folder)` loads, where topores is installed if `plain` needs it."""
        plain = self.plain()
        plain.save(str(folder), create_model_card=False, safe_serialization=True)
        if own := own_modules(plain):
            say_what_is_needed(folder, own)

    def note_complete(self, folder: Path) -> None:
        """What `save` wrote is now complete in `folder`; nothing else is done by default."""

    def plain(self) -> SentenceTransformer:
        """The model as a checkpoint has it: of stock modules, as far as they can stand for its own."""
        return with_stock_modules(self.model)

    def prompts_of(self, sides: Sequence[Side] | None, count: int) -> list[str]:
        """The prompt before each of `count` texts."""
        of = {side: prompt_of(self.model, side) for side in set(sides or (None,))}
        return [of[side] for side in sides] if sides is not None else [of[None]] * count

    def embed_texts(
        self, texts: Sequence[str], sides: Sequence[Side] | None = None, *, layers: bool = False
    ) -> list[Float[Tensor, "texts _"]]:
        """Rows of each layer, or only of the last, not normalised; texts of different prompts or routes run apart."""
        tasks: Sequence[Side | None] = sides if sides is not None and self._by_task else [None] * len(texts)
        ways = list(zip(self.prompts_of(sides, len(texts)), tasks, strict=True))
        groups = {way: [i for i, own in enumerate(ways) if own == way] for way in dict.fromkeys(ways)}
        parts = [
            self._embed(self._features(*_select(places, texts, sides), prompt=prompt, task=task), layers=layers)
            for (prompt, task), places in groups.items()
        ]
        if len(parts) == 1:
            return parts[0]
        back = torch.from_numpy(np.argsort(np.concatenate(list(groups.values())))).to(self.model.device)
        return [torch.cat(rows)[back] for rows in zip(*parts, strict=True)]

    def shorten(self, rows: Float[Tensor, "texts _"]) -> Float[Tensor, "texts _"]:
        """The columns that the model's `encode()` keeps of its output."""
        return first_columns(self.model, rows)

    def tokenise(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Tokenise `texts`, with padding, on the device of the model."""
        features = self.model.preprocess(list(texts))
        return {name: value.to(self.model.device) for name, value in features.items() if isinstance(value, Tensor)}

    def _features(
        self, texts: Sequence[str], sides: Sequence[Side] | None, *, prompt: str, task: Side | None
    ) -> dict[str, Any]:
        # Not every module takes a task, and a router reads it from the features.
        named = {} if task is None else {"task": task}
        features = {**self.model.preprocess(list(texts), prompt=prompt or None, **named), **named}
        features |= self.side_features(sides)
        return {k: v.to(self.model.device) if isinstance(v, Tensor) else v for k, v in features.items()}

    def side_features(self, sides: Sequence[Side] | None) -> dict[str, Tensor]:
        """The feature "from_t1", True for texts of T1, for modules that treat the two texts differently."""
        if sides is None:
            return {}
        return {"from_t1": torch.tensor([side == "t1" for side in sides], device=self.model.device)}

    def _rows_of(
        self, texts: Sequence[str], sides: Sequence[Side] | None, *, layers: bool
    ) -> list[Float[np.ndarray, "texts _"]]:
        return [unit_rows(rows) for rows in self.embed_texts(texts, sides, layers=layers)]

    def _embed(self, features: dict[str, Tensor], *, layers: bool = False) -> list[Float[Tensor, "texts _"]]:
        """Pooled rows of each layer, or only of the last, in the packed or padded layout, or one length at a time."""
        if self.packed:
            rows = embed(self.model, features, layers=layers)
        elif self.apart and "attention_mask" in features:
            rows = self._rows_by_length(features, layers=layers)
        else:
            rows = self._padded_rows(features, layers=layers)
        return [*rows[:-1], self.shorten(rows[-1])]

    def _rows_by_length(self, features: dict[str, Tensor], *, layers: bool) -> list[Float[Tensor, "texts _"]]:
        places, parts = zip(
            *((places, self._padded_rows(own, layers=layers)) for places, own in without_padding(features)), strict=True
        )
        back = torch.argsort(torch.cat(places))
        return [torch.cat(rows)[back] for rows in zip(*parts, strict=True)]

    def _padded_rows(self, features: dict[str, Tensor], *, layers: bool) -> list[Float[Tensor, "texts _"]]:
        return self._padded_layers(features) if layers else [self.model(features)["sentence_embedding"]]

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


@cache
def _say_apart() -> None:
    """Once, too."""
    log.info("Padding changes the rows of this model, so texts of different lengths are embedded apart.")


@cache
def _say_padded(reason: str) -> None:
    """Once: an analysis opens many states of one model."""
    log.info("Batches are padded to their longest text: this model does not support the packed layout, %s.", reason)


def unit_rows(rows: Float[Tensor, "texts dim"]) -> Float[np.ndarray, "texts dim"]:
    """Rows scaled to unit length, as a float32 numpy array."""
    return normalize(rows.float(), dim=-1).cpu().numpy()


def _select(
    places: Sequence[int], texts: Sequence[str], sides: Sequence[Side] | None
) -> tuple[list[str], list[Side] | None]:
    return [texts[i] for i in places], None if sides is None else [sides[i] for i in places]
