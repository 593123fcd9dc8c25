"""Adapters of peft merged into the weights that they change."""

import copy

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from sentence_transformers import SentenceTransformer


def merge_adapters(model: SentenceTransformer) -> SentenceTransformer:
    """A copy of `model` with every adapter merged into its base weight; equal up to rounding."""
    plain = copy.deepcopy(model)
    merge_in_place(plain)
    return plain


@torch.no_grad()
def merge_in_place(model: SentenceTransformer) -> None:
    """Merge every adapter of `model` into its base weight; all weights can be trained then."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, BaseTunerLayer):
                child.merge()
                setattr(parent, name, child.get_base_layer())
        vars(parent).pop("peft_config", None)
        # Else transformers would save the adapter, which is no more, in place of the weights.
        vars(parent).pop("_hf_peft_config_loaded", None)
    model.requires_grad_(True)
