"""OFT: the quantities that a common rotation of all neurons preserves."""

from pathlib import Path

import pytest
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from topores import variants
from topores.backbones.adapted import AdaptedEncoder
from topores.config import TrainConfig
from topores.errors import UsageError


def encoder_of(tiny_model: Path, name: str = "oft", **options: object) -> AdaptedEncoder:
    config = TrainConfig.from_mapping({"pairs": "p.csv", "encoder": name, "model": str(tiny_model), **options})
    return variants.load("topores.encoders", name).build(config, "cpu")


def moved_weights(encoder: AdaptedEncoder) -> list[tuple[Float[Tensor, "_ _"], Float[Tensor, "_ _"]]]:
    """Each weight before and after an adapter far from its initial value."""
    before = encoder.plain().state_dict()
    with torch.no_grad():
        for parameter in encoder.parameters():
            if parameter.requires_grad:
                parameter += torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
    after = encoder.plain().state_dict()
    moved = [(before[name].double(), after[name].double()) for name in before if not before[name].equal(after[name])]
    assert len(moved) == 2 * 6
    return moved


def energy(neurons: Float[Tensor, "neurons dim"]) -> float:
    """Hyperspherical energy: the sum of 1 / distance over pairs of neurons on the unit sphere."""
    return float((1 / torch.pdist(normalize(neurons, dim=1))).sum())


@pytest.mark.parametrize("rank", [2, 8, 32])
def test_lengths_angles_and_hyperspherical_energy_of_the_neurons_stay(tiny_model: Path, rank: int) -> None:
    """Qiu et al. 2023, section 3: a rotation changes no inner product of neurons."""
    for before, after in moved_weights(encoder_of(tiny_model, rank=rank)):
        assert (after - before).abs().max() > 0.1
        assert torch.allclose(after @ after.T, before @ before.T, atol=1e-4)
        assert energy(after) == pytest.approx(energy(before), rel=1e-5)


def test_lora_keeps_no_such_thing(tiny_model: Path) -> None:
    for before, after in moved_weights(encoder_of(tiny_model, "lora")):
        assert energy(after) != pytest.approx(energy(before), rel=1e-2)


def test_dimensions_are_turned_within_their_blocks_only(tiny_model: Path) -> None:
    """Squared lengths of W over the inputs of each block are unchanged."""
    for before, after in moved_weights(encoder_of(tiny_model, rank=4)):
        for old, new in zip(before.split(4, dim=1), after.split(4, dim=1), strict=True):
            assert torch.allclose(old.square().sum(1), new.square().sum(1), atol=1e-4)


@pytest.mark.parametrize(
    ("rank", "said"),
    [
        (7, "32 inputs cannot be rotated in blocks of 7; give 4 or 8"),
        (1, "32 inputs cannot be rotated in blocks of 1; give 2 or 4"),
        (64, "32 inputs cannot be rotated in blocks of 64; give 16 or 32"),
    ],
)  # fmt: skip
def test_blocks_that_do_not_fill_the_width(tiny_model: Path, rank: int, said: str) -> None:
    with pytest.raises(UsageError, match=rf"^--rank is {rank}, but {said}\.$"):
        encoder_of(tiny_model, rank=rank)
