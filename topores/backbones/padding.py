"""Models whose rows change with the padding: their state reads padding tokens too, or they use no attention mask."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Int
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.nn.functional import normalize

PROBES = ["A loop.", "The trial found fewer deaths in the treated group, but the interval was wide."]
"""A short text and a long one, beside which the short one is padded."""

ROUNDING = 1e-4
"""A larger difference of unit rows is none of rounding."""


@torch.inference_mode()
def change_by_padding(model: SentenceTransformer, tasks: Sequence[str | None] = (None,)) -> float:
    """How far a unit row moves when its text is padded; 0 where it moves no further than rounding does.

    Decided by trying it, since transformers has no flag for it.

    Args:
        tasks: The routes to try, for a model that has no default one.
    """
    was_training = model.training
    model.eval()  # dropout would move the row too
    try:
        change = max(_change(model, {} if task is None else {"task": task}) for task in tasks)
    finally:
        model.train(was_training)
    return change if change > ROUNDING else 0.0


def _change(model: SentenceTransformer, route: dict[str, Any]) -> float:
    if "attention_mask" not in model.preprocess(PROBES, **route):
        return 0.0  # nothing is padded
    together, alone = (_row(model, texts, route) for texts in (PROBES, PROBES[:1]))
    return float((together - alone).norm())


def _row(model: SentenceTransformer, texts: list[str], route: dict[str, Any]) -> Tensor:
    """The unit row of the first text."""
    features = {**model.preprocess(texts, **route), **route}
    on_device = {k: v.to(model.device) if isinstance(v, Tensor) else v for k, v in features.items()}
    return normalize(model(on_device)["sentence_embedding"].float(), dim=-1)[0]


def without_padding(features: dict[str, Any]) -> Iterator[tuple[Int[Tensor, " texts"], dict[str, Any]]]:
    """The texts of each length apart, with their places in the batch; nothing in them is padded.

    Args:
        features: Tokenised texts, padded on either side.
    """
    mask = features["attention_mask"].bool()
    lengths = mask.sum(dim=1)
    for length in lengths.unique():
        places = (lengths == length).nonzero().squeeze(1)
        columns = mask[places[0]].nonzero().squeeze(1)
        yield (
            places,
            {
                name: value[places][:, columns] if isinstance(value, Tensor) and value.shape == mask.shape else value
                for name, value in features.items()
            },
        )
