"""Encoders with peft adapters on their linear layers: the base weights are frozen and the adapters are trained."""

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, get_peft_model_state_dict, inject_adapter_in_model
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Transformer

from topores.backbones.base import base_of
from topores.backbones.merging import merge_adapters
from topores.backbones.upper import UpperEncoder
from topores.compute.memory import keep_freed_memory
from topores.config import TrainConfig
from topores.errors import InputError
from topores.forward.layers import Linear, chosen_layers, layer_stack, linear_layers
from topores.modules.heads import with_stock_modules

ADAPTER = "adapter"
"""Folder within a checkpoint for the adapter alone. An adapter config at the top of the checkpoint would make
sentence-transformers look for the base model elsewhere."""


OF_MAMBA = ("mamba", "mamba2", "falcon_mamba", "falcon_h1", "nemotron_h")
"""Model types of which peft refuses to adapt `out_proj`."""


class AdaptedEncoder(UpperEncoder):
    """An encoder that trains adapters; the weights under them do not change by a single bit.

    A checkpoint is a stock model with the adapters merged in. It also contains the adapter alone in peft's format:
    `PeftModel.from_pretrained(base, checkpoint / "adapter")`.
    """

    def plain(self) -> SentenceTransformer:
        return with_stock_modules(merge_adapters(self.model))

    def save(self, folder: Path) -> None:
        super().save(folder)
        save_adapter(self.model, folder / ADAPTER)


def with_adapters(
    config: TrainConfig,
    device: str,
    configure: Callable[[Mapping[str, Linear]], PeftConfig],
    *,
    cannot_change: str,
) -> AdaptedEncoder:
    """The base model of `config` with adapters on its linear layers.

    Args:
        configure: Returns the adapter's config for the linear layers of the chosen layers, given by name.
        cannot_change: What the adapter provably cannot change.

    Raises:
        InputError: The model is neither installed nor reachable, is damaged, or is not a transformer.
        UsageError: `config` names a layer that does not exist.
    """
    keep_freed_memory()
    model = base_of(config, device)
    for parameter in model.parameters():
        parameter.requires_grad = False
    bert = _transformer(model, config.model).auto_model
    _, stack = layer_stack(bert, config.model)
    layers = chosen_layers(config.encoder_options.layers, len(stack))
    adapter = configure(_adaptable(linear_layers(bert, config.model, layers), bert))
    # A separate generator: earlier draws of the process must not affect the initial weights.
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # peft uses a transformers property that was renamed, which warns.
        warnings.simplefilter("ignore", FutureWarning)
        # It also says that it reads Conv1D transposed, which is right.
        warnings.filterwarnings("ignore", message="fan_in_fan_out")
        torch.manual_seed(config.seed)
        inject_adapter_in_model(adapter, bert)
    model.to(device).eval()
    encoder = AdaptedEncoder(model, frozen=layers[0] - 1, precision=config.precision)
    encoder.cannot_change = cannot_change
    return encoder


def _adaptable(linears: dict[str, Linear], bert: Any) -> dict[str, Linear]:
    """The linear layers that can have an adapter: Mamba's kernels read the weight of `out_proj` past it."""
    if getattr(bert.config, "model_type", None) not in OF_MAMBA:
        return linears
    return {name: linear for name, linear in linears.items() if name.rpartition(".")[2] != "out_proj"}


def save_adapter(model: SentenceTransformer, folder: Path) -> None:
    """Write only the adapter of `model`, in peft's format, without the name or path of the base model."""
    bert: Any = model[0].auto_model
    tensors = get_peft_model_state_dict(bert, save_embedding_layers=False)
    facts = bert.peft_config["default"].to_dict()
    # Sorted, since sets have no order: the same run writes the same bytes.
    facts = {name: sorted(value) if isinstance(value, set) else value for name, value in facts.items()}
    folder.mkdir(parents=True, exist_ok=True)
    named = {f"base_model.model.{name}": tensor.cpu().contiguous() for name, tensor in tensors.items()}
    save_file(named, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    (folder / "adapter_config.json").write_text(json.dumps(facts, indent=2, sort_keys=True), encoding="utf-8")


def _transformer(model: SentenceTransformer, name: str) -> Transformer:
    if not isinstance(model[0], Transformer):
        raise InputError(
            f"'{name}' is not a transformer, so its layers cannot be adapted; give one, or --encoder full."
        )
    return model[0]
