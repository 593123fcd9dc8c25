"""Feedback: the upper layers are gone through several times, each pass with what the one before left."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Transformer
from torch import Tensor

from topores.backbones.base import base_of
from topores.backbones.contraction import contraction_ratio, spectral_radius
from topores.backbones.own_modules import is_own
from topores.backbones.upper import UpperEncoder
from topores.compute.memory import keep_freed_memory
from topores.config import TrainConfig
from topores.domain import DIRECTIONS, Corpus, Passage
from topores.errors import InputError
from topores.forward.layers import chosen_layers, layer_stack
from topores.modules.feedback import FeedbackTransformer
from topores.text.retrieval import ranks

log = logging.getLogger(__name__)

LEARNING_RATE = 1e-3
BATCH_SIZE = 32

CANNOT_CHANGE = "every weight; below the layers that are gone through again, every hidden state"
CANNOT_CHANGE_BELOW = "every weight and hidden state below the layers that are gone through again"

LAYERS_RATE = 0.04
"""Learning rate of the layers themselves, as a share of that of what is fed back: 4e-5, that of full fine-tuning."""

STEADY = 0.9
"""Spectral radius that a pass is held to: at 1 the passes would no longer settle, however many are made."""

MOST_SHRINKS = 100
"""After so many, each to 99 % or less, nothing is fed back."""

SAMPLE = 32
"""Passages that the radius is measured on."""

PROBES = ["The trial found fewer deaths in the treated group, but the interval was wide.", "A loop."]


class FeedbackEncoder(UpperEncoder):
    """An encoder whose upper layers see what an earlier pass through them gave.

    After each cycle, what is fed back is shrunk until the spectral radius of a pass is at most 0.9 on a sample of the
    training passages. It follows from the weights alone, so a resumed run does the same.
    """

    _sample: Sequence[Passage] = ()

    @property
    def transformer(self) -> FeedbackTransformer:
        first = self.model[0]
        assert isinstance(first, FeedbackTransformer)
        return first

    def prepare(self, corpus: Corpus, config: TrainConfig) -> None:
        super().prepare(corpus, config)
        splits = (*corpus.split_1, *corpus.split_2)
        seen = [p for p, split in zip((*corpus.t1, *corpus.t2), splits, strict=True) if split == "train"]
        places = np.linspace(0, len(seen) - 1, min(len(seen), SAMPLE)).astype(int)
        self._sample = [seen[place] for place in places]

    def parameter_groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        own = [parameter for parameter in self.transformer.fed_back.parameters() if parameter.requires_grad]
        fed_back = set(map(id, own))
        layers = [p for p in self.parameters() if p.requires_grad and id(p) not in fed_back]
        of_layers = {"params": layers, "lr": LAYERS_RATE * learning_rate}
        return [{**group, "weight_decay": weight_decay} for group in ({"params": own}, of_layers)]

    def after_cycle(self) -> None:
        if not self.transformer.fed_back.loops:
            return
        for _ in range(MOST_SHRINKS):
            radius = self._over_passes(_radius)
            if not radius > STEADY:
                return
            log.debug("What is fed back is shrunk: the spectral radius of a pass is %.2f, above %g.", radius, STEADY)
            self.transformer.fed_back.shrink(0.99 * STEADY / radius)
        # Layers can saturate, so that less feedback is for a while no steadier.
        self.transformer.fed_back.shrink(0.0)

    def facts(self, corpus: Corpus) -> Mapping[str, float | None]:
        """How passes settle, and retrieval by the same weights after one pass and after twice as many."""
        if not self.transformer.fed_back.loops:
            return {}
        return {
            "feedback_contraction": self._over_passes(contraction_ratio),
            "feedback_radius": self._over_passes(_radius),
            "held_out_mrr_at_1_pass": self._held_out_mrr(1, corpus),
            "held_out_mrr_at_twice_the_passes": self._held_out_mrr(2 * self.transformer.passes, corpus),
        }

    @contextmanager
    def read_at(self, passes: int) -> Iterator[None]:
        """The same weights at another number of passes."""
        before, self.transformer.passes = self.transformer.passes, passes
        try:
            yield
        finally:
            self.transformer.passes = before

    @torch.inference_mode()
    def _over_passes(self, measure: Callable[[Callable[[Tensor], Tensor], Tensor], float]) -> float:
        """The largest of what `measure` finds of the map from one pass to the next, over batches of the sample."""
        with self.transformer.watched() as seen, self.read_at(1):
            self.encode([p.text for p in self._sample], [p.side for p in self._sample])
        was_training = self.training
        self.eval()
        found = [measure(partial(self.transformer.next_state, entered), state) for entered, state in seen]
        self.train(was_training)
        return max(found)

    def _held_out_mrr(self, passes: int, corpus: Corpus) -> float | None:
        if not len(corpus.pairs_in("held_out")):
            return None
        with self.read_at(passes):
            one, other = (
                self.encode([p.text for p in side], [p.side for p in side]) for side in (corpus.t1, corpus.t2)
            )
        return float(np.mean([(1 / ranks(one, other, corpus, "held_out", way)).mean() for way in DIRECTIONS]))


def _radius(step: Callable[[Tensor], Tensor], state: Tensor) -> float:
    """At the state after two more passes: nearer to where passes settle."""
    return spectral_radius(step, step(step(state)))


def build(config: TrainConfig, device: str) -> FeedbackEncoder:
    """The base model of `config` with feedback over its upper layers; before training it is the base.

    Raises:
        InputError: The model is neither installed nor reachable, is damaged, is no transformer of separate layers, or
            its layers cannot be gone through again.
        UsageError: There are not as many layers.
    """
    keep_freed_memory()
    base, options = base_of(config, device), config.encoder_options
    first = base[0]
    if not isinstance(first, Transformer) or is_own(first):
        raise InputError(
            f"'{config.model}' is not a plain transformer, so it has no layers to go through again; give one."
        )
    _, stack = layer_stack(first.auto_model, config.model)
    upper = chosen_layers(options.layers, len(stack))
    base.requires_grad_(False)
    for number in upper:
        stack[number - 1].requires_grad_(options.train_layers)
    _put_feedback(base, first, config, layers=len(upper))
    encoder = FeedbackEncoder(base.to(device).eval(), frozen=upper[0] - 1, precision=config.precision)
    encoder.cannot_change = CANNOT_CHANGE_BELOW if options.train_layers else CANNOT_CHANGE
    return encoder


def _put_feedback(base: SentenceTransformer, first: Transformer, config: TrainConfig, *, layers: int) -> None:
    """Put a transformer with feedback in the place of the stock one, `first`, and see that it is the same so far.

    Raises:
        InputError: It is not the same, or its layers cannot attend to a memory.
    """
    options, expected = config.encoder_options, _probed(base)
    # A separate generator: earlier draws of the process must not affect the initial weights.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        try:
            base[0] = FeedbackTransformer.around(
                first, options.feedback, passes=options.passes, layers=layers, rank=options.rank
            )
        except ValueError as fault:
            raise InputError(
                f"The layers of '{config.model}' cannot attend to a memory: {fault}; give another model."
            ) from fault
    base.to(expected.device)
    if not torch.allclose(_probed(base), expected, atol=1e-5):
        raise InputError(f"The layers of '{config.model}' cannot be gone through again; give another model.")


@torch.inference_mode()
def _probed(model: SentenceTransformer) -> Tensor:
    model.eval()
    return model.encode(PROBES, convert_to_tensor=True, normalize_embeddings=True, show_progress_bar=False).float()
