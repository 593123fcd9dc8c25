"""LoRA: the change of every weight has low rank."""

from pathlib import Path

import pytest
import torch

from topores.backbones.adapted import AdaptedEncoder
from topores.config import TrainConfig
from topores.encoders.lora import build
from topores.errors import UsageError


def encoder_of(tiny_model: Path, **options: object) -> AdaptedEncoder:
    given = {"pairs": "p.csv", "encoder": "lora", "model": str(tiny_model), **options}
    return build(TrainConfig.from_mapping(given), "cpu")


@pytest.mark.parametrize("rank", [1, 3, 32])
def test_the_change_of_each_weight_has_at_most_the_rank(tiny_model: Path, rank: int) -> None:
    encoder = encoder_of(tiny_model, rank=rank)
    before = encoder.plain().state_dict()
    with torch.no_grad():
        for parameter in encoder.parameters():
            if parameter.requires_grad:
                parameter += 0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
    changes = {name: after.double() - before[name] for name, after in encoder.plain().state_dict().items()}
    changed = {name: change for name, change in changes.items() if change.abs().max() > 0}
    assert len(changed) == 2 * 6  # query, key, value, and the three dense ones, of two layers
    for name, change in changed.items():
        sizes = torch.linalg.svdvals(change) / torch.linalg.matrix_norm(change, 2)
        assert int((sizes > 1e-5).sum()) == rank, name


def test_the_change_is_twice_the_product(tiny_model: Path) -> None:
    """W + (alpha / r) B A with alpha = 2 r."""
    encoder = encoder_of(tiny_model, rank=2)
    query = encoder.model[0].auto_model.encoder.layer[1].attention.self.query
    with torch.no_grad():
        query.lora_B["default"].weight += 1
    expected = query.base_layer.weight + 2 * torch.ones(32, 2) @ query.lora_A["default"].weight
    merged = encoder.plain()[0].auto_model.encoder.layer[1].attention.self.query.weight
    assert torch.allclose(merged, expected, atol=1e-6)


def test_a_rank_above_the_width(tiny_model: Path) -> None:
    with pytest.raises(UsageError, match=r"^--rank is 33, but the layers are 32 wide; give 32 or less\.$"):
        encoder_of(tiny_model, rank=33)
