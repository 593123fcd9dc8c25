"""A loaded model made ready for training and analysis, and refused by name where it cannot be.

What is changed leaves the rows of `model.encode()` as they are; each change is told in a sentence.
"""

from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from torch import nn

from topores.errors import InputError
from topores.forward.routes import first_modules, route_of, routers

PROBES = ["A loop.", "The trial found fewer deaths in the treated group, but the interval was wide."]
"""Texts that every model must be able to embed."""


def make_ready(model: SentenceTransformer, name: str) -> list[str]:
    """Change `model` in place: float32, adapters merged, a padding token, no more tokens than positions.

    Args:
        name: The model as the user named it, for messages.

    Returns:
        A sentence for each change.

    Raises:
        InputError: The model cannot be used; the message names the reason and the remedy.
    """
    _refuse_unknown_tokenizer(model, name)
    said = [_merge_adapters(model), _to_float32(model)]
    said += [change(module) for change in (_add_padding_token, _limit_tokens) for module in first_modules(model)]
    _refuse_broken_weights(model, name)
    _refuse_without_embedding(model, name)
    return [sentence for sentence in dict.fromkeys(said) if sentence]


def stored_type(model: nn.Module) -> str:
    """Types of the floating weights, such as 'float32' or 'bfloat16 and float32'."""
    kinds = {str(p.dtype).removeprefix("torch.") for p in model.parameters() if p.is_floating_point()}
    return " and ".join(sorted(kinds)) or "none"


def _refuse_unknown_tokenizer(model: SentenceTransformer, name: str) -> None:
    for module in first_modules(model):
        tokenizer = getattr(module, "tokenizer", None)
        if not isinstance(getattr(tokenizer, "backend_tokenizer", tokenizer), Tokenizer):
            raise InputError(
                f"'{name}' has the tokenizer {type(tokenizer).__name__}, which exists in Python only; give a model "
                "with a fast tokenizer (tokenizer.json), or save this one with such a tokenizer."
            )


def _merge_adapters(model: SentenceTransformer) -> str | None:
    """Adapters of peft become part of the weights: these are then trained and saved like any others."""
    # By name: importing peft takes seconds, and few models need it.
    if not any(type(module).__module__.startswith("peft.") for module in model.modules()):
        return None
    from topores.backbones.merging import merge_in_place

    merge_in_place(model)
    return "it comes with adapters of peft; they are merged into its weights"


def _to_float32(model: SentenceTransformer) -> str | None:
    stored = stored_type(model)
    if stored in ("float32", "none"):
        return None
    model.float()
    return f"its weights are stored in {stored}; they are computed, trained and kept in float32"


def _add_padding_token(module: Any) -> str | None:
    tokenizer = module.tokenizer
    if isinstance(tokenizer, Tokenizer) or tokenizer.pad_token is not None:
        return None
    # The attention mask hides it, so any token does.
    known = (tokenizer.eos_token, tokenizer.bos_token, tokenizer.unk_token, tokenizer.convert_ids_to_tokens(0))
    tokenizer.pad_token = next(token for token in known if token is not None)
    return f"its tokenizer has no padding token; '{tokenizer.pad_token}' is used as one"


def _limit_tokens(module: Any) -> str | None:
    """RoBERTa's table of positions has two rows that no token uses; beyond the others the model fails."""
    bert: Any = getattr(module, "auto_model", None)
    table = getattr(getattr(bert, "embeddings", None), "position_embeddings", None)
    if not isinstance(table, nn.Embedding):
        return None
    most = table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1)
    asked = module.max_seq_length
    if asked is not None and asked <= most:
        return None
    module.max_seq_length = most
    return f"it has positions for {most} tokens; longer texts are cut there"


def has_broken_weights(module: nn.Module) -> bool:
    """Whether a weight is NaN or infinite."""
    return any(w.is_floating_point() and not bool(torch.isfinite(w).all()) for w in module.parameters())


def _refuse_broken_weights(model: SentenceTransformer, name: str) -> None:
    for layer, weight in model.named_parameters():
        broken = int((~torch.isfinite(weight)).sum()) if weight.is_floating_point() else 0
        if broken:
            raise InputError(
                f"'{name}' has NaN or infinity in {broken:,} of {weight.numel():,} weights of '{layer}'; give an "
                "intact copy of the model, or an earlier checkpoint."
            )


def _refuse_without_embedding(model: SentenceTransformer, name: str) -> None:
    """Whatever keeps `encode()` from working is found here, before anything is trained or measured."""
    try:
        rows = np.concatenate([model.encode(PROBES, show_progress_bar=False, **named) for named in _ways(model)])
    except Exception as fault:  # third-party models raise all kinds of errors
        if isinstance(fault, KeyError) and "sentence_embedding" in str(fault):
            raise InputError(
                f"'{name}' has embeddings of tokens but none of a whole text; add a Pooling module of "
                "sentence-transformers and save it again."
            ) from fault
        reason = f"{type(fault).__name__}: {fault}".split("\n")[0][:160]
        raise InputError(f"'{name}' cannot embed a text ({reason}); give a model whose encode() works.") from fault
    if len(rows) % len(PROBES) or not rows.any(axis=1).all() or not abs(rows).max() < float("inf"):
        raise InputError(f"'{name}' gives embeddings that are zero or not finite; give an intact copy of the model.")


def _ways(model: SentenceTransformer) -> list[dict[str, Any]]:
    """How `encode()` can be called: without a task, or with each of them if a router has no default."""
    by_task = [router for router in routers(model) if route_of(router, None) is None]
    tasks = {*by_task[0].sub_modules, *(task for task, _ in by_task[0].route_mappings if task)} if by_task else set()
    return [{"task": task} for task in sorted(tasks)] or [{}]
