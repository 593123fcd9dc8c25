"""The tight step: gradients of a head without an autograd graph, where one batch holds the whole corpus."""

import numpy as np
import torch
from sentence_transformers.sentence_transformer.modules import Dense
from torch import Tensor, nn

from topores.backbones.encoder import Encoder
from topores.backbones.pooled_views import HeadEncoder
from topores.domain import SIDES
from topores.modules.loreft import LoReFT
from topores.objectives.four_pairings import FourPairings
from topores.text.batches import Batches
from topores.training.heads.objective import HeadObjective, LinearCycle, LoReFTCycle


class TightStep:
    """Losses and gradients of one step, from cached views; equal to those of the graph up to rounding.

    Args:
        encoder: A prepared encoder whose head is LoReFT or linear.
        objective: Its temperature may be learned.
        batches: One batch per cycle, so that all cycles have the same.
    """

    def __init__(self, encoder: HeadEncoder, objective: FourPairings, batches: Batches) -> None:
        batch = batches.for_step(0)
        self.encoder, self.objective, self.head = encoder, objective, encoder.head
        self.matrix = _matrix(encoder.head)
        n_1, n_2 = len(batch.texts_1), len(batch.texts_2)
        self.texts = [*batch.texts_1, *batch.texts_1, *batch.texts_2, *batch.texts_2]
        places = np.arange(2 * (n_1 + n_2))
        self.first = np.concatenate([places[:n_1], places[2 * n_1 : 2 * n_1 + n_2]])
        self.second = np.concatenate([places[n_1 : 2 * n_1], places[2 * n_1 + n_2 :]])
        self.cycle = HeadObjective(
            encoder.bank([*batch.texts_1, *batch.texts_2], [SIDES[0]] * n_1 + [SIDES[1]] * n_2),
            batch.weights, batch.negative_weights,
            pairing_weights=objective.pairing_weights, loss=objective.loss,
        )  # fmt: skip

    def gradients(self, seed: int) -> dict[str, float]:
        """The losses under the views that `seed` draws, by the keys that the graph would log.

        Gradients are left in the parameters.
        """
        # A generator of its own, which draws what torch's would: other runs may train in threads of this process.
        drawn = self.encoder.draw_views(self.texts, torch.Generator().manual_seed(seed)).numpy()
        self.cycle.temperature = self.objective.temperature
        found = self._gradients_of_head(drawn[self.first], drawn[self.second])
        if self.objective.learn_temperature:
            self.objective.log_temperature.grad = torch.tensor(found.log_temperature)
        total, by_pairing, one_minus_p = found.losses
        parts = {f"loss_{name}": part for name, part in by_pairing.items()}
        return {"loss": total, **parts, "one_minus_p": one_minus_p, "temperature": self.objective.temperature}

    def _gradients_of_head(self, first: np.ndarray, second: np.ndarray) -> LoReFTCycle | LinearCycle:
        if isinstance(self.head, LoReFT):
            rows, source = self.head.rows, self.head.source
            done = self.cycle.loreft(rows, source.weight, source.bias, first, second)
            rows.backward(done.subspace)
            source.weight.grad, source.bias.grad = done.source, done.bias
            return done
        weight = self.matrix
        assert weight is not None  # tight_step saw to it
        turned = self.cycle.linear(weight, first, second)
        weight.grad = turned.matrix
        return turned


def tight_step(
    encoder: Encoder, objective: nn.Module, batches: Batches, *, processes: int, piece_size: int | None
) -> TightStep | None:
    """The tight step; None for other heads or objectives, several batches, pieces or processes."""
    whole = batches.per_cycle == 1 and processes == 1 and piece_size is None
    if not (whole and has_tight_step(encoder, type(objective))):
        return None
    assert isinstance(encoder, HeadEncoder)  # has_tight_step saw to it
    assert isinstance(objective, FourPairings)
    return TightStep(encoder, objective, batches)


def has_tight_step(encoder: Encoder, objective: type[nn.Module]) -> bool:
    """Whether a batch that is the whole corpus needs no graph."""
    if not isinstance(encoder, HeadEncoder) or objective is not FourPairings or encoder.model.device.type != "cpu":
        return False
    return isinstance(encoder.head, LoReFT) or _matrix(encoder.head) is not None


def _matrix(head: nn.Module) -> Tensor | None:
    """M, if the head is z = M h."""
    if isinstance(head, Dense) and isinstance(head.activation_function, nn.Identity) and not head.bias:
        return head.get_parameter("linear.weight")
    return None
