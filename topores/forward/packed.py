"""The packed layout: a batch as one flat row of tokens, so that linear layers process almost no padding.

Linear layers, layer norms and dropout process all tokens of the batch at once; attention processes one block of texts
of similar length at a time, as a view. The model stays a stock transformers model: attention is registered through
transformers' `AttentionInterface`, and pooling is done by the model's own sentence-transformers modules.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from torch import Tensor, nn
from torch.nn.functional import normalize, scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, PretrainedConfig

from topores.forward.layout import Block, Layout, lay_out
from topores.forward.packable import not_packable

NAME = "topores_packed"
PROBE_LENGTHS = (3, 24, 9, 10, 3)
"""Lengths of the probe texts, in tokens; some are equal, so that blocks with and without padding are tried."""
WINDOWS = ("sliding_window", "local_attention", "attention_window")
"""Config names of local attention windows. They are checked by name, since the short probe texts fit in a window."""


class Packed(NamedTuple):
    """A batch in the flat layout."""

    inputs: dict[str, Tensor]
    """input_ids, position_ids and, if the tokenizer returns them, token_type_ids, each (1, tokens)."""
    layout: Layout


def why_not_packed(model: SentenceTransformer) -> str | None:
    """None if the packed layout reproduces the embeddings of `model`, else the reason why it is not used.

    Decided by running a few texts of arbitrary tokens through both layouts. This finds custom attention, causal masks
    and relative positions without a list of architectures. Modules of topores must be `Packable`: one that starts as
    the identity would pass this trial, and then be left out of training.
    """
    modules = list(model)
    if len(modules) < 2 or not isinstance(modules[0], Transformer) or not isinstance(modules[1], Pooling):
        return "it is not a transformer followed by pooling"
    unknown = not_packable(model)
    if unknown is not None:
        return f"its {type(unknown).__name__} is not known to take it"
    if getattr(model.tokenizer, "padding_side", None) != "right":
        return "its tokenizer does not pad on the right"
    if any(getattr(modules[0].auto_model.config, name, None) for name in WINDOWS):
        return "its attention is local (windowed)"
    longest = model.max_seq_length or max(PROBE_LENGTHS)
    features = _probe(model, lengths=[min(length, longest) for length in PROBE_LENGTHS])
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            expected = normalize(model(dict(features))["sentence_embedding"].float(), dim=-1)
            seen = normalize(embed(model, features, overhead=4)[-1].float(), dim=-1)
    except Exception as fault:  # third-party models raise all kinds of errors
        return f"it cannot be run in this layout ({type(fault).__name__})"
    finally:
        model.train(was_training)
    return None if torch.allclose(seen, expected, atol=1e-4) else "its attention works differently"


def embed(
    model: SentenceTransformer, features: dict[str, Tensor], *, layers: bool = False, overhead: int | None = None
) -> list[Float[Tensor, "texts _"]]:
    """Embeddings of tokenised texts through the packed layout, in the order of the texts.

    Args:
        features: Output of `model.preprocess`: input_ids, attention_mask, and perhaps token_type_ids.
        layers: Also return the pooled hidden states of each layer; the model's own output comes last.
        overhead: Cost of one more block, in tokens; by default that of the device.
    """
    bert: Any = model[0].auto_model
    packed = pack(bert, features, overhead)
    output = run_transformer(bert, packed.inputs, packed.layout, output_hidden_states=layers)
    hidden = [*(output.hidden_states[:-1] if layers else ()), output.last_hidden_state]
    # Pooling and the modules after it get the remaining features, but not the tokens.
    along = {name: value for name, value in features.items() if name not in packed.inputs and name != "attention_mask"}
    pooled = [_pool(model[1], states[0], packed.layout, along) for states in hidden[:-1]]
    return [*pooled, finish(model, hidden[-1], packed.layout, along)]


def run_transformer(bert: Any, inputs: dict[str, Tensor], layout: Layout, *, output_hidden_states: bool = False) -> Any:
    """Output of the transformer for `inputs`, each (1, tokens) or (1, tokens, dim) in the order of `layout`."""
    with packed_attention(bert.config):
        return bert(**inputs, blocks=layout.blocks, output_hidden_states=output_hidden_states, return_dict=True)


def finish(
    model: SentenceTransformer, hidden: Float[Tensor, "1 tokens dim"], layout: Layout, along: dict[str, Any]
) -> Float[Tensor, "texts _"]:
    """Embeddings, in the order of the texts, from the transformer's last hidden states and the modules after it."""
    _, pooling, *rest = list(model)
    features: dict[str, Any] = {**along, "sentence_embedding": _pool(pooling, hidden[0], layout, along)}
    for module in rest:
        features = module(features)
    return features["sentence_embedding"]


def pack(bert: nn.Module, features: dict[str, Tensor], overhead: int | None = None) -> Packed:
    """Turn tokenised and padded texts into the flat layout."""
    layout = lay_out(features["attention_mask"].sum(dim=1).long(), overhead)
    pieces = list(zip(layout.blocks, layout.rows, strict=True))
    inputs: dict[str, Tensor] = {
        name: torch.cat([features[name][texts, : block.tokens].flatten() for block, texts in pieces])
        for name in features
        if name in ("input_ids", "token_type_ids")
    }
    first, device = _first_position(bert), features["input_ids"].device
    ranges = [torch.arange(first, first + b.tokens, device=device).repeat(b.texts) for b in layout.blocks]
    inputs["position_ids"] = torch.cat(ranges)
    return Packed({name: tokens[None] for name, tokens in inputs.items()}, layout)


def _first_position(bert: nn.Module) -> int:
    """Position id of a text's first token: RoBERTa and similar models start after the padding index."""
    padding = getattr(getattr(bert.embeddings, "position_embeddings", None), "padding_idx", None)
    return 0 if padding is None else padding + 1


def _pool(
    pooling: Any, tokens: Float[Tensor, "tokens dim"], layout: Layout, along: dict[str, Any]
) -> Float[Tensor, "texts pooled"]:
    # Some poolings leave the prompt out.
    prompt = {name: along[name] for name in ("prompt_length",) if name in along}
    pooled = []
    for block, states in zip(layout.blocks, tokens.split(layout.sizes), strict=True):
        shape = (block.texts, block.tokens)
        mask = states.new_ones(shape, dtype=torch.long) if block.mask is None else block.mask.long()
        features = {**prompt, "token_embeddings": states.view(*shape, -1), "attention_mask": mask}
        pooled.append(pooling(features)["sentence_embedding"])
    return torch.cat(pooled)[layout.places]


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    blocks: Sequence[Block],
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention within each text, block by block; query, key and value are (1, heads, tokens, head dim)."""
    del module, attention_mask
    precise = query.device.type == "cpu"
    sizes = [block.texts * block.tokens for block in blocks]
    # split rather than one slice per block: its gradient is a single concatenation.
    parts = [x.float().split(sizes, dim=2) if precise else x.split(sizes, dim=2) for x in (query, key, value)]
    attended = []
    # On CPUs attention in bf16 is about three times slower than in float32.
    with torch.autocast(query.device.type, enabled=False):
        for block, *qkv in zip(blocks, *parts, strict=True):
            q, k, v = (x[0].unflatten(1, (block.texts, block.tokens)).transpose(0, 1) for x in qkv)
            mask = None if block.mask is None else block.mask[:, None, None, :]
            out = scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout, scale=scaling)
            attended.append(out.transpose(1, 2).flatten(0, 1))
    return torch.cat(attended)[None], None


def _no_mask(*_: Any, **__: Any) -> None:
    """No mask: each block carries its own."""


AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, _no_mask)


@contextmanager
def packed_attention(config: PretrainedConfig) -> Iterator[None]:
    """Use block attention within the context; outside it the model is as it was loaded."""
    before = config._attn_implementation
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before


def _probe(model: SentenceTransformer, lengths: Sequence[int]) -> dict[str, Tensor]:
    """Arbitrary tokens of the given lengths, padded as the model's tokenizer pads."""
    known = len(model.tokenizer)
    padding = model.tokenizer.pad_token_id or 0
    ids = torch.full((len(lengths), max(lengths)), padding, device=model.device)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        drawn = (torch.arange(length, device=model.device) * 7919 + 31 * row) % known
        ids[row, :length] = torch.where(drawn == padding, (drawn + 1) % known, drawn)
        mask[row, :length] = 1
    return {"input_ids": ids, "attention_mask": mask}
