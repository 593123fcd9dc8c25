"""Tokenised batches of the Trainer: concatenating them, finding equal texts, gathering them across processes."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from sentence_transformers.util import all_gather_with_grad
from torch import Tensor, distributed
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

NO_TOKEN = -1


def join_batches(batches: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Concatenate batches for one forward pass; None if rows would get other embeddings than in their own batches."""
    first = batches[0]
    rows = len(first["input_ids"])
    if "cu_seq_lens_q" in first or first["input_ids"].ndim != 2:
        return None  # flat layout without padding: offsets would be wrong in a longer batch
    if any(batch.keys() != first.keys() for batch in batches):
        return None
    whole: dict[str, Any] = {}
    for key, value in first.items():
        values = [batch[key] for batch in batches]
        # The prompt length applies to the whole batch, in whatever form it comes.
        by_row = isinstance(value, Tensor) and key != "prompt_length"
        if not all(_matches(value, v, rows) if by_row else _are_equal(value, v) for v in values):
            return None
        whole[key] = torch.cat(values) if by_row else value
    return whole


def _matches(a: Tensor, b: Any, rows: int) -> bool:
    return isinstance(b, Tensor) and a.shape == b.shape and a.shape[:1] == (rows,)


def _are_equal(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return isinstance(a, Tensor) and isinstance(b, Tensor) and torch.equal(a, b)
    return bool(a == b)


def tokens(features: Mapping[str, Any]) -> Int[Tensor, "texts length"]:
    """Token ids, left-aligned and padded with NO_TOKEN, so that texts are equal if and only if their rows are.

    Raises:
        ValueError: The batch has no tokens.
    """
    ids = features.get("input_ids")
    if not isinstance(ids, Tensor):
        raise ValueError(f"FourPairingsLoss got a batch of {', '.join(features)}; give texts, which become input_ids")
    starts = features.get("offsets", features.get("cu_seq_lens_q"))
    if starts is not None:
        # Flat layout: from StaticEmbedding, or unpadded for flash attention, where the last offset is the end.
        last = len(starts) - ("offsets" not in features)
        return pad_sequence(list(ids.flatten().tensor_split(starts[1:last].cpu())), True, NO_TOKEN)
    mask = features.get("attention_mask", torch.ones_like(ids)).bool()
    # Padding may be on either side, up to the longest text of the column.
    order = mask.int().argsort(dim=1, descending=True, stable=True)
    return torch.where(mask, ids, NO_TOKEN).gather(1, order)


def negatives(
    texts_1: Int[Tensor, "pairs length_1"], texts_2: Int[Tensor, "pairs length_2"]
) -> Bool[Tensor, "passages passages"]:
    """Mask of text pairs (column 1, then column 2) that are negatives: not equal texts, nor partners of equal texts."""
    length = max(texts_1.shape[1], texts_2.shape[1])
    both = torch.cat([pad(texts, (0, length - texts.shape[1]), value=NO_TOKEN) for texts in (texts_1, texts_2)])
    _, text = torch.unique(both, dim=0, return_inverse=True)
    belong = torch.eye(int(text.max()) + 1, dtype=torch.bool, device=text.device)
    belong[text[: len(texts_1)], text[len(texts_1) :]] = True
    belong |= belong.T.clone()
    return ~belong[text][:, text]


def tokens_of_all_processes(texts: Int[Tensor, "texts length"]) -> Int[Tensor, "all_texts all_length"]:
    """The tokens of all processes, in order of rank; with one process, `texts` itself.

    Raises:
        ValueError: The processes have different numbers of texts.
    """
    if not _several_processes():
        return texts
    shapes = torch.stack(_gather(torch.tensor(texts.shape, device=texts.device)))
    if len(shapes[:, 0].unique()) > 1:
        raise ValueError(
            f"the processes have {', '.join(str(int(n)) for n in shapes[:, 0])} texts; they must have equally many: "
            "set dataloader_drop_last=True in the training arguments"
        )
    return torch.cat(_gather(pad(texts, (0, int(shapes[:, 1].max()) - texts.shape[1]), value=NO_TOKEN)))


def views_of_all_processes(views: Sequence[Float[Tensor, "texts dim"]]) -> list[Float[Tensor, "all_texts dim"]]:
    """The rows of all processes, in order of rank, with gradients back to the process that computed each row.

    Each process then computes the full loss. The gradient of a row is summed over processes; since data parallelism
    averages the weights' gradients over processes, the result is the gradient of a single process with all rows.
    """
    return [all_gather_with_grad(rows) if _several_processes() else rows for rows in views]


def _several_processes() -> bool:
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def _gather(tensor: Tensor) -> list[Tensor]:
    tensor = tensor.contiguous()
    parts = [torch.empty_like(tensor) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, tensor)
    return parts
