"""What a pass through some layers hands on to the next one, and the controls that hand on nothing."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from topores.forward.by_text import Texts
from topores.forward.packable import Packable

KEYS_AND_VALUES = (("key", "value"), ("k_lin", "v_lin"), ("k", "v"), ("k_proj", "v_proj"))
"""Names of the linear layers that make keys and values, in BERT and RoBERTa, DistilBERT, MPNet and T5, and Llama."""


class FedBack(Packable, nn.Module):
    """What goes from one pass to the next. A state is what a pass leaves; None stands for that before the first."""

    loops = True
    """Whether there is a second pass."""

    @abstractmethod
    def state(self, states: Sequence[Tensor], texts: Texts) -> Tensor:
        """What a pass leaves: of the states that entered its layers, and of the output of the last one."""

    @abstractmethod
    def entering(self, hidden: Tensor, state: Tensor | None, texts: Texts) -> Tensor:
        """What enters the layers, given what entered them in the stock model and what the pass before left."""

    @contextmanager
    def within(self, state: Tensor | None) -> Iterator[None]:
        """A pass whose layers may look at what the one before left."""
        del state
        yield

    def shrink(self, factor: float) -> None:
        """Feed back less, by this factor."""
        raise NotImplementedError


class LowRank(Packable, nn.Module):
    """U LN(p) = B A LN(p), with B = 0 in the beginning; LN has no weights."""

    def __init__(self, dim: int, rank: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(dim, rank, bias=False), nn.Linear(rank, dim, bias=False)
        nn.init.normal_(self.down.weight, std=dim**-0.5)
        nn.init.zeros_(self.up.weight)

    def forward(self, rows: Float[Tensor, "texts dim"]) -> Float[Tensor, "texts dim"]:
        return self.up(self.down(layer_norm(rows, rows.shape[-1:])))


class Loop(FedBack):
    """h(k+1) = top(x + U LN(mean h(k))): the mean of a pass's output is added to each token of the next one."""

    def __init__(self, dim: int, rank: int) -> None:
        super().__init__()
        self.matrix = LowRank(dim, rank)

    def state(self, states: Sequence[Tensor], texts: Texts) -> Tensor:
        return texts.mean(states[-1])

    def entering(self, hidden: Tensor, state: Tensor | None, texts: Texts) -> Tensor:
        return hidden if state is None else hidden + texts.spread(self.matrix(state), hidden)

    @torch.no_grad()
    def shrink(self, factor: float) -> None:
        self.matrix.up.weight.mul_(factor)


class Feedforward(FedBack):
    """h = top(x + U LN(mean x)): the same matrix, from what enters the layers, in one pass. A control."""

    loops = False

    def __init__(self, dim: int, rank: int) -> None:
        super().__init__()
        self.matrix = LowRank(dim, rank)

    def state(self, states: Sequence[Tensor], texts: Texts) -> Tensor:
        return texts.mean(states[-1])

    def entering(self, hidden: Tensor, state: Tensor | None, texts: Texts) -> Tensor:
        del state
        return hidden + texts.spread(self.matrix(texts.mean(hidden)), hidden)


class Bias(FedBack):
    """h = top(x + u): a vector that is the same for all texts, in one pass. A control."""

    loops = False

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.vector = nn.Parameter(torch.zeros(dim))

    def state(self, states: Sequence[Tensor], texts: Texts) -> Tensor:
        return texts.mean(states[-1])

    def entering(self, hidden: Tensor, state: Tensor | None, texts: Texts) -> Tensor:
        del state, texts
        return hidden + self.vector.to(hidden.dtype)


class SharedMemory(FedBack):
    """Layers attend to a mixture of all states of the pass before: keys and values are of h + g (m - h).

    Each layer l has a gate g and m = sum_j softmax(w)_j s_j over the states s of the pass before, of what entered the
    layers and of the output of each. g = 0 in the beginning. Fan et al. mix the states of earlier tokens, for each one
    token at a time; here all tokens of the pass before are mixed, so that a pass stays parallel.

    Source:
        Fan et al. 2020, eq. 1, https://arxiv.org/abs/2002.09402.
    """

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.gates = nn.Parameter(torch.zeros(layers))
        self.mixtures = nn.Parameter(torch.zeros(layers, layers + 1))
        self._before: Tensor | None = None

    def attach(self, layers: Sequence[nn.Module]) -> None:
        """Have the keys and values of `layers` made of the mixture from now on.

        Raises:
            ValueError: A layer has no linear layers of the known names.
        """
        for number, layer in enumerate(layers):
            for linear in keys_and_values(layer):
                linear.register_forward_pre_hook(lambda _, given, number=number: self._mix(number, given))

    def state(self, states: Sequence[Tensor], texts: Texts) -> Tensor:
        del texts
        return torch.stack(list(states))

    def entering(self, hidden: Tensor, state: Tensor | None, texts: Texts) -> Tensor:
        del state, texts
        return hidden

    @contextmanager
    def within(self, state: Tensor | None) -> Iterator[None]:
        self._before = state
        try:
            yield
        finally:
            self._before = None

    def _mix(self, number: int, given: tuple[Any, ...]) -> tuple[Any, ...]:
        if self._before is None:
            return given
        hidden, *rest = given
        memory = torch.einsum("j,jabd->abd", self.mixtures[number].softmax(dim=0), self._before)
        return hidden + self.gates[number] * (memory - hidden), *rest

    @torch.no_grad()
    def shrink(self, factor: float) -> None:
        self.gates.mul_(factor)


def keys_and_values(layer: nn.Module) -> list[nn.Linear]:
    """The linear layers of a transformer layer that make its keys and its values.

    Raises:
        ValueError: There are none of the known names.
    """
    linears = {path.rpartition(".")[2]: m for path, m in layer.named_modules() if isinstance(m, nn.Linear)}
    for names in KEYS_AND_VALUES:
        if all(name in linears for name in names):
            return [linears[name] for name in names]
    raise ValueError(f"it has no linear layers called {', '.join(' and '.join(names) for names in KEYS_AND_VALUES)}")


def fed_back_part(kind: str, *, dim: int, rank: int, layers: int) -> FedBack:
    """What `--feedback` names: loop, memory, none or bias."""
    if kind == "memory":
        return SharedMemory(layers)
    if kind == "bias":
        return Bias(dim)
    return Loop(dim, rank) if kind == "loop" else Feedforward(dim, rank)
