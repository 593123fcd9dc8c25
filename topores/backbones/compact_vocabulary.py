"""A tokenizer cut down to the tokens that occur in some texts; those texts are cut into the same tokens as before.

A small language model spends most of its weights and most of its time on the rows of its vocabulary. Two texts use a
few per cent of a usual one. The cut is exact for the texts it is made for:

- WordPiece takes the longest piece that fits, and every piece that it took is kept;
- Unigram takes the most probable cut, and what it took is kept, with the same probabilities;
- BPE merges in order of rank; with every merge that can lead to a kept token, the same merge comes first each time.

`compact` compares both all the same. Words of other texts may be cut into smaller pieces, or be unknown.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from topores.text.passages import without_truncation

MARKS = ("pad_token", "unk_token", "cls_token", "sep_token", "bos_token", "eos_token")
"""Special tokens that are kept whether they occur or not, by their attribute of a tokenizer."""


class Compact(NamedTuple):
    """A smaller tokenizer, and where its tokens stood in the one it was made from."""

    tokenizer: PreTrainedTokenizerFast
    kept: list[int]
    """By new id: the old id."""


def compact(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> Compact | None:
    """`tokenizer` with the tokens of `texts` and its special tokens alone.

    Returns:
        None where its kind is none of WordPiece, WordLevel, BPE and Unigram, or the cut would not be exact.
    """
    whole = without_truncation(tokenizer)
    facts = json.loads(whole.to_str())
    pieces = _PIECES.get(facts["model"].get("type", ""))
    if pieces is None:
        return None
    old = [encoding.ids for encoding in whole.encode_batch(list(texts))]
    marks = [whole.token_to_id(mark) for name in MARKS if (mark := getattr(tokenizer, name, None)) is not None]
    used = {token for ids in old for token in ids} | {token for token in marks if token is not None}
    kept = pieces(facts["model"], used)
    # Added tokens that the model itself lacks have their ids behind the model's.
    kept += [added["id"] for added in facts["added_tokens"] if added["id"] in used - set(kept)]
    number = {old_id: new_id for new_id, old_id in enumerate(kept)}
    _renumber(facts, number)
    made = Tokenizer.from_str(json.dumps(facts))
    if [encoding.ids for encoding in made.encode_batch(list(texts))] != [[number[i] for i in ids] for ids in old]:
        return None
    return Compact(for_decoder(tokenizer, made), kept)


def for_decoder(tokenizer: PreTrainedTokenizerBase, made: Tokenizer | None = None) -> PreTrainedTokenizerFast:
    """`tokenizer` as a decoder from scratch needs it: without segments, padding on the right.

    Args:
        made: What cuts the texts in its place.
    """
    marks = {name: str(mark) for name in MARKS if (mark := getattr(tokenizer, name, None)) is not None}
    # A copy: the tokenizer of transformers changes it, and others read it too.
    made = made or Tokenizer.from_str(without_truncation(tokenizer).to_str())
    return PreTrainedTokenizerFast(
        tokenizer_object=made, model_max_length=tokenizer.model_max_length, padding_side="right",
        # A decoder has no segments: GPT-2 would add the rows of tokens 0 and 1 instead.
        model_input_names=["input_ids", "attention_mask"], **marks,
    )  # fmt: skip


def _keep_listed(model: dict[str, Any], used: set[int]) -> list[int]:
    """WordPiece and WordLevel: a vocabulary of pieces and ids. Returns the old ids that are kept, ascending."""
    used = used | {model["vocab"][model["unk_token"]]}
    listed = sorted((token, piece) for piece, token in model["vocab"].items() if token in used)
    model["vocab"] = {piece: new for new, (_, piece) in enumerate(listed)}
    return [token for token, _ in listed]


def _keep_scored(model: dict[str, Any], used: set[int]) -> list[int]:
    """Unigram: a list of pieces and log-probabilities."""
    unknown: int | None = model.get("unk_id")
    wanted = used if unknown is None else used | {unknown}
    listed = [token for token in range(len(model["vocab"])) if token in wanted]
    model["vocab"] = [model["vocab"][token] for token in listed]
    model["unk_id"] = None if unknown is None else listed.index(unknown)
    return listed


def _keep_merged(model: dict[str, Any], used: set[int]) -> list[int]:
    """BPE: a vocabulary, and merges in order of rank; what a kept token can be merged from is kept too."""
    number: dict[str, int] = model["vocab"]
    merges = [tuple(merge.split(" ", 1)) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]
    sources: dict[str, list[tuple[str, str]]] = {}
    for left, right in merges:
        sources.setdefault(left + right, []).append((left, right))
    kept: set[str] = set()
    waiting = [piece for piece, token in number.items() if token in used]
    while waiting:
        piece = waiting.pop()
        if piece not in kept:
            kept.add(piece)
            waiting += [part for pair in sources.get(piece, ()) for part in pair]
    listed = sorted(kept, key=number.__getitem__)
    model["vocab"] = {piece: new for new, piece in enumerate(listed)}
    model["merges"] = [[left, right] for left, right in merges if left + right in kept]
    return [number[piece] for piece in listed]


_PIECES: dict[str, Callable[[dict[str, Any], set[int]], list[int]]] = {
    "WordPiece": _keep_listed, "WordLevel": _keep_listed, "BPE": _keep_merged, "Unigram": _keep_scored,
}  # fmt: skip


def _renumber(facts: dict[str, Any], number: dict[int, int]) -> None:
    """New ids for the added tokens and for what is put around a text; tokens that are gone are dropped."""
    facts["added_tokens"] = [
        {**added, "id": number[added["id"]]} for added in facts["added_tokens"] if added["id"] in number
    ]
    for processor in _processors(facts.get("post_processor")):
        for end in ("cls", "sep"):
            if isinstance(processor.get(end), list):
                processor[end] = [processor[end][0], number[processor[end][1]]]
        for special in (processor.get("special_tokens") or {}).values():
            special["ids"] = [number[token] for token in special["ids"]]


def _processors(facts: dict[str, Any] | None) -> Iterable[dict[str, Any]]:
    if facts is None:
        return []
    return [inner for one in facts["processors"] for inner in _processors(one)] if "processors" in facts else [facts]
