"""The contract of every objective: what it is given, what it returns, and what the training loop does with it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from topores.backbones.encoder import Encoder
from topores.domain import Corpus, Side
from topores.text.batches import Batch

PerText = Callable[[Sequence[str], Sequence[Side] | None], Float[Tensor, "texts numbers"]]
"""Texts and their sides to a few numbers each, with gradient: for example a sum of log-probabilities and a count."""


class Losses(NamedTuple):
    """What an objective makes of one batch."""

    total: Float[Tensor, ""]
    """The loss to minimise."""
    logged: dict[str, Float[Tensor, ""] | float]
    """Numbers of this step for metrics.jsonl, without gradient. The keys are `Objective.metrics`."""


class Views(ABC):
    """How an objective sees the encoder during one step.

    Whoever implements it may embed the texts in pieces that fit in memory, or spread them over several processes.
    The rows come back complete and in order on every process, and gradients are those of one pass over all texts.
    """

    encoder: Encoder
    """For reading its configuration. A loss that is computed through it directly is not split into pieces."""

    @abstractmethod
    def __call__(self, texts: Sequence[str], sides: Sequence[Side] | None = None) -> Float[Tensor, "texts dim"]:
        """Unit rows with gradient, each under a dropout mask of its own: a text given twice yields two views."""

    @abstractmethod
    def per_text(
        self, measure: PerText, texts: Sequence[str], sides: Sequence[Side] | None = None
    ) -> Float[Tensor, "texts numbers"]:
        """What `measure` computes of each text, with gradient: for losses that are a sum over texts.

        Args:
            measure: Called with some of the texts at a time, possibly more than once under the same dropout. It may use
                parameters of the encoder and of the objective.
        """

    @abstractmethod
    def without_gradient(
        self, texts: Sequence[str], sides: Sequence[Side] | None = None, *, dropout: bool = False
    ) -> Float[Tensor, "texts dim"]:
        """Unit rows of the encoder as it is now, for a teacher or an index.

        Args:
            dropout: Whether each row has a dropout mask of its own. Without, the encoder is in evaluation mode, and the
                masks of other calls in the step are what they would be without this call.
        """


class Objective(nn.Module):
    """What turns the views of a batch into a loss. A subclass needs `forward` alone.

    One that asks more of an encoder than rows, such as the probabilities of tokens, says so in `why_not`.

    The loop calls, once at the start, `prepare` and `parameter_groups`, and then for every step `forward`, the backward
    pass, the optimizer, and `after_step`. Everything that a resumed run has to know must be a parameter or a buffer
    by the time `prepare` returns: both are saved in the resume state and restored after `prepare`.
    """

    metrics: tuple[str, ...] = ()
    """Keys of `Losses.logged`, which metrics.jsonl has beside `loss`. They must not change during a run."""

    def why_not(self, encoder: Encoder) -> str | None:  # noqa: ARG002  for objectives that ask more than rows
        """The reason why it cannot train `encoder` and what to give instead; None if it can. Asked before `prepare`."""
        return None

    def prepare(self, encoder: Encoder, corpus: Corpus) -> None:
        """Create buffers that depend on the encoder or on the texts, before a state is restored.

        Args:
            encoder: As it is before the first step.
            corpus: Frozen texts of the run. Held-out passages must not enter what is trained.
        """

    def forward(self, views: Views, batch: Batch) -> Losses:
        """The loss of one batch. Must not change any state: it is also called without a step to follow."""
        raise NotImplementedError

    def after_step(self, views: Views) -> None:
        """Update what follows the encoder, such as a teacher's weights, after the optimizer's step."""

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """The objective's own parameters as groups of `torch.optim.AdamW`, without those of the encoder.

        Args:
            learning_rate: The encoder's, which is also the default here. Weight decay is the run's unless a group
                names its own.
        """
        return [{"params": list(self.parameters()), "lr": learning_rate}]
