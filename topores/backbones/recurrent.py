"""Encoders that read their texts by a recurrence: a base model whose softmax attention is made linear, then trained."""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from sentence_transformers.sentence_transformer.modules import Transformer

from topores.backbones.base import base_of
from topores.backbones.dropout_views import key_of
from topores.backbones.encoder import Encoder
from topores.backbones.own_modules import is_own
from topores.backbones.transfer import cosine_to_softmax, fit_to_softmax, recurrent_parameters
from topores.compute.cache import Cache
from topores.compute.memory import keep_freed_memory
from topores.config import TrainConfig
from topores.domain import SIDES, Corpus, Passage, Split
from topores.errors import InputError
from topores.modules.recurrent import RECURRENT, RecurrentTransformer, recurrent_layers

log = logging.getLogger(__name__)

LEARNING_RATE = 4e-5
BATCH_SIZE = 32
FASTER = 30
"""How many times the learning rate of the base model's weights that of the recurrence is. At the same rate decays
hardly move: those that start near 1 were .99909 after 4 cycles."""
COMPARED = 64
"""Passages on which a fitted encoder is compared with its base model."""


class RecurrentEncoder(Encoder):
    """An encoder with recurrent layers. All of its weights are trained, those of the recurrence faster.

    `begin` fits the recurrence to the softmax attention that it replaces.
    """

    _compared = False

    def begin(self, corpus: Corpus, config: TrainConfig) -> None:
        options = config.encoder_options
        passages = passages_in(corpus, "train")
        if options.transfer == "attention":
            self._transfer(passages, options.transfer_steps, config.seed)
        # Once: nulls and folds begin with the same encoder, and their lines would say nearly the same.
        if not self._compared:
            self._compare(passages_in(corpus, "held_out")[:COMPARED], passages[:COMPARED], config.model)

    def parameter_groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        recurrent = recurrent_parameters(self)
        known = {id(parameter) for parameter in recurrent}
        base = [p for p in self.parameters() if p.requires_grad and id(p) not in known]
        # Without decay: 0 is neither a neutral map nor a neutral half-life.
        return [
            {"params": base, "weight_decay": weight_decay},
            {"params": recurrent, "weight_decay": 0.0, "lr": FASTER * learning_rate},
        ]

    def half_lives(self) -> list[list[float]]:
        """Tokens after which half is forgotten, by layer and head; see `RecurrentAttention.half_lives`."""
        return [layer.half_lives().tolist() for layer in recurrent_layers(self)]

    def _compare(self, unseen: list[Passage], seen: list[Passage], name: str) -> None:
        """Say how close the rows are to those of the base model, on unseen passages if there are some."""
        compared = unseen or seen
        cosine = cosine_to_softmax(self, [p.text for p in compared], [p.side for p in compared])
        log.info(
            "Softmax attention is replaced by a recurrence: on %d %s passages the mean cosine to '%s' is %.3f.",
            len(compared), "held-out" if unseen else "training", name, cosine,
        )  # fmt: skip
        self._compared = True

    def _transfer(self, passages: Sequence[Passage], steps: int, seed: int) -> None:
        """Fit the recurrence, or take what was fitted to the same weights and passages before."""
        texts, sides = [p.text for p in passages], [p.side for p in passages]
        key = key_of(
            self, self.state_dict().items(), model=repr(self.model), what="attention transfer",
            texts=texts, sides=sides, steps=steps, seed=seed, threads=torch.get_num_threads(),
        )  # fmt: skip
        cache, fitted = Cache(), recurrent_parameters(self)
        kept = cache.get(key)
        if kept is None:
            log.info("Attention transfer: %d steps on %d training passages.", steps, len(passages))
            fit_to_softmax(self, texts, sides, steps=steps, seed=seed)
            cache.put(key, {"fitted": [parameter.detach().cpu().numpy() for parameter in fitted]})
            return
        with torch.no_grad():
            for parameter, value in zip(fitted, kept["fitted"], strict=True):
                parameter.copy_(torch.from_numpy(value))


def with_recurrence(config: TrainConfig, device: str, recurrence: str) -> RecurrentEncoder:
    """The base model of `config` with recurrent layers in the place of its attention.

    Args:
        recurrence: gla or rwkv.

    Raises:
        InputError: The model is neither installed nor reachable, is damaged, or is not like a BERT.
    """
    keep_freed_memory()
    base = base_of(config, device)
    first: Any = base[0]
    _refuse_unlike_bert(first, config.model)
    options = config.encoder_options
    made = RecurrentTransformer.around(first, recurrence, options.decay)
    if options.transfer == "none":
        _draw_maps(made, config.seed)
    base[0] = made
    return RecurrentEncoder(base.to(device).eval(), precision=config.precision)


def passages_in(corpus: Corpus, split: Split) -> list[Passage]:
    """The passages of both texts that are in `split`, whether or not they have partners."""
    return [
        passage
        for side in SIDES
        for passage, where in zip(corpus.side(side), corpus.split(side), strict=True)
        if where == split
    ]


def _draw_maps(made: RecurrentTransformer, seed: int) -> None:
    """Random maps in the place of the identity, of the same size: what is left without transfer."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in made.layers:
            for maps in (layer.query_maps, layer.key_maps):
                maps.copy_(torch.randn(maps.shape, generator=draw) * maps.square().mean().sqrt())


def _refuse_unlike_bert(first: Any, name: str) -> None:
    """
    Raises:
        InputError: `first` is not a plain transformer of a kind whose attention can be replaced.
    """
    if is_own(first):
        raise InputError(f"'{name}' already has {type(first).__name__}; give the model it was trained from.")
    kind = type(first.auto_model) if isinstance(first, Transformer) else type(first)
    if kind not in RECURRENT or first.auto_model.config.is_decoder:
        raise InputError(
            f"'{name}' is a {kind.__name__}, whose attention cannot be made recurrent; give a BERT, RoBERTa or "
            "XLM-RoBERTa, such as all-MiniLM-L6-v2."
        )
