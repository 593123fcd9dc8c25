"""The same losses and gradients by autograd: for temperatures at which the tight step underflows, and for tests."""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn.functional import normalize

from topores.objectives.four_pairings import PairingLosses, four_pairings

Head = Callable[..., Float[Tensor, "rows dim"]]


def loreft(
    hidden: Float[Tensor, "rows dim"],
    R: Float[Tensor, "rank dim"],
    W: Float[Tensor, "rank dim"],
    b: Float[Tensor, " rank"],
) -> Float[Tensor, "rows dim"]:
    """h + R^T (W h + b - R h)."""
    return hidden + (hidden @ W.T + b - hidden @ R.T) @ R


def linear(hidden: Float[Tensor, "rows dim"], M: Float[Tensor, "dim dim"]) -> Float[Tensor, "rows dim"]:
    """M h."""
    return hidden @ M.T


def losses_and_gradients(
    head: Head,
    weights: tuple[Tensor, ...],
    hidden: Float[Tensor, "rows dim"],
    alignment: Float[Tensor, "passages_1 passages_2"],
    negative_weights: Shaped[Tensor, "passages passages"] | None,
    *,
    log_temperature: float,
    pairing_weights: Mapping[str, int | float],
    loss: str,
) -> tuple[PairingLosses, list[Tensor]]:
    """`four_pairings` of the rows of t1, t1_again, t2 and t2_again under a head.

    Returns:
        The losses; the gradients of the total with respect to each of `weights` and to the log of the temperature.
    """
    n_1, n_2 = alignment.shape
    leaves = [weight.detach().requires_grad_() for weight in weights]
    sharpness = torch.tensor(log_temperature, dtype=hidden.dtype, requires_grad=True)
    rows = normalize(head(hidden, *leaves), dim=1)
    losses = four_pairings(
        *rows.split([n_1, n_1, n_2, n_2]),
        weights=alignment.to(hidden), negative_weights=negative_weights, temperature=sharpness.exp(),
        pairing_weights=pairing_weights, loss=loss,
    )  # fmt: skip
    return losses, list(torch.autograd.grad(losses.total, [*leaves, sharpness]))
