"""Which layers `--layers` selects, and their module paths in several architectures."""

import pytest
import torch
from transformers import (
    AlbertConfig,
    AutoModel,
    BertConfig,
    DistilBertConfig,
    ModernBertConfig,
    PretrainedConfig,
    T5Config,
    T5EncoderModel,
)

from topores.errors import InputError, UsageError
from topores.forward.layers import chosen_layers, layer_stack, linear_layers

SMALL = {
    "vocab_size": 11, "hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 16,
    "pad_token_id": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("all", [1, 2, 3, 4, 5, 6]), ("last", [6]), ("last:3", [4, 5, 6]), ("last:6", [1, 2, 3, 4, 5, 6]),
        ("4,2", [2, 4]), ("2,2", [2]), ("1", [1]),
    ],
)  # fmt: skip
def test_layers_are_counted_from_one(spec: str, meant: list[int]) -> None:
    assert chosen_layers(spec, 6) == meant


@pytest.mark.parametrize("spec", ["7", "1,7", "0", "last:7"])
def test_a_layer_that_is_not_there(spec: str) -> None:
    with pytest.raises(UsageError, match=rf"^--layers is '{spec}', but the model has layers 1 to 6; choose"):
        chosen_layers(spec, 6)


@pytest.mark.parametrize(
    ("config", "path", "linears"),
    [
        (BertConfig(**SMALL), "encoder.layer", 6),
        (ModernBertConfig(**SMALL), "layers", 4),
        (DistilBertConfig(vocab_size=11, dim=8, n_layers=3, n_heads=2, hidden_dim=16), "transformer.layer", 6),
    ],
)
def test_stacks_of_several_architectures(config: PretrainedConfig, path: str, linears: int) -> None:
    model = AutoModel.from_config(config)
    found, stack = layer_stack(model, "m")
    assert (found, len(stack)) == (path, 3)
    chosen = linear_layers(model, "m", [2])
    assert len(chosen) == linears
    assert all(name.startswith(f"{path}.1.") and model.get_submodule(name) is m for name, m in chosen.items())


def test_the_encoder_of_t5_has_a_stack() -> None:
    config = T5Config(vocab_size=11, d_model=8, d_kv=4, d_ff=16, num_layers=2, num_heads=2)
    assert layer_stack(T5EncoderModel(config), "m")[0] == "encoder.block"


def test_layers_that_share_their_weights_are_refused() -> None:
    model = AutoModel.from_config(AlbertConfig(**SMALL, embedding_size=8))
    with pytest.raises(InputError, match=r"^'albert' is not a transformer with separate layers; give one"):
        layer_stack(model, "albert")
    with pytest.raises(InputError, match="is not a transformer"):
        layer_stack(torch.nn.Linear(2, 2), "m")


def test_layers_without_linear_layers() -> None:
    class Bare(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.config = BertConfig(**SMALL)
            self.layers = torch.nn.ModuleList(torch.nn.LayerNorm(8) for _ in range(3))

    with pytest.raises(InputError, match=r"^The layers of 'bare' contain no linear layers"):
        linear_layers(Bare(), "bare", [1])
