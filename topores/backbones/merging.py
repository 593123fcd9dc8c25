"""Adapters of peft merged into the weights that they change."""

import copy

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from sentence_transformers import SentenceTransformer
from torch import nn

OF_ADAPTERS = ("peft_config", "_hf_peft_config_loaded", "_weight_conversions")
"""What loading an adapter leaves on a model of transformers: it would save the adapter, or weights by its names."""


def merge_adapters(model: SentenceTransformer) -> SentenceTransformer:
    """A copy of `model` with every adapter merged into its base weight; equal up to rounding."""
    plain = copy.deepcopy(model)
    merge_in_place(plain)
    return plain


@torch.no_grad()
def merge_in_place(model: nn.Module) -> None:
    """Merge every adapter of `model` into its base weight; all weights can be trained then."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, BaseTunerLayer):
                child.merge()
                setattr(parent, name, child.get_base_layer())
        for name in OF_ADAPTERS:
            vars(parent).pop(name, None)
    model.requires_grad_(True)
