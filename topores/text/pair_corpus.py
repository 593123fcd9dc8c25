"""A pair file as a corpus: its texts cut into passages, paired within each row, split without leakage."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from topores.domain import SIDES, AlignedPairs, Corpus, Passage, Side
from topores.errors import InputError
from topores.text.alignment import given_pairs, pairs_within_rows
from topores.text.common_openings import without_common_parts
from topores.text.duplicates import connected_groups, find_copies
from topores.text.pair_files import SPLIT_REMEDY, PairTable
from topores.text.passages import first_passage, split_passages
from topores.text.split import Splits, groups_of_pairs, split_pairs

Encode = Callable[[Sequence[str]], Float[np.ndarray, "texts dim"]]
"""Maps texts to unit rows with the reader, without dropout."""

WHOLE = 0.99
"""A passage that covers this share of the characters of its text is the whole text."""

_SHOWN = 60


@dataclass(frozen=True)
class _SideOfRows:
    """The distinct texts of a column, and their passages."""

    passages: tuple[Passage, ...]
    text_of: Int[np.ndarray, " passages"]
    """The distinct text that each passage is part of."""
    row: Int[np.ndarray, " rows"]
    """The distinct text of each row."""
    texts: tuple[str, ...]

    @property
    def cut(self) -> int:
        """How many texts are several passages."""
        return sum(count > 1 for count in Counter(self.text_of.tolist()).values())


def corpus_from_pairs(
    table: PairTable,
    tokenizer: Any,
    encode: Encode,
    *,
    max_tokens: int,
    held_out: float,
    embargo: int,
    seed: int,
) -> Corpus:
    """A pair file: each text of one passage, or cut into several that are paired within their row.

    A text that occurs in several rows becomes one document, whose passages have partners in each.

    Raises:
        InputError: Nothing is left to train on.
    """
    columns, notes = zip(
        *(without_common_parts(table.name, texts) for texts in (table.articles, table.meta_analyses)), strict=True
    )
    one, two = (
        _cut_texts(texts, table.ids, tokenizer, max_tokens, side) for side, texts in zip(SIDES, columns, strict=True)
    )
    pairs = _pair_rows(one, two, encode)
    split_1, split_2, split_notes, group_of = _split_rows(table, one, two, held_out, seed)
    said = (*table.notes, *notes[0], *notes[1], *_cut_notes(table.name, one, two, max_tokens), *split_notes)
    notes_once = tuple(dict.fromkeys(said))
    groups = tuple(group_of[one.text_of[pairs.t1]].tolist())
    corpus = Corpus(one.passages, two.passages, pairs, split_1, split_2, embargo, "pairs", notes_once, groups)
    if not len(corpus.pairs_in("train")):
        says = table.split_column or "every row repeats a text that is held out"
        raise InputError(f"'{table.name}': {says}, so no pair is left to train on; {SPLIT_REMEDY}.")
    return corpus


def _cut_texts(texts: Sequence[str], ids: Sequence[str], tokenizer: Any, max_tokens: int, side: Side) -> _SideOfRows:
    place = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    first_id = dict(zip(reversed(texts), reversed(ids), strict=True))
    cut = [_passages(text, tokenizer, max_tokens, side, first_id[text]) for text in place]
    return _SideOfRows(
        tuple(passage for own in cut for passage in own),
        np.repeat(np.arange(len(cut)), [len(own) for own in cut]),
        np.array([place[text] for text in texts], dtype=np.int64),
        tuple(place),
    )


def _passages(text: str, tokenizer: Any, max_tokens: int, side: Side, document: str) -> list[Passage]:
    options: dict[str, Any] = {"max_tokens": max_tokens, "side": side, "document": document}
    opening = first_passage(text, tokenizer, **options)
    if opening.end >= WHOLE * len(text):
        return [opening]
    return split_passages(text, tokenizer, **options) or [opening]


def _pair_rows(one: _SideOfRows, two: _SideOfRows, encode: Encode) -> AlignedPairs:
    rows_1, rows_2 = (encode([p.text for p in side.passages]) for side in (one, two))
    if not one.cut and not two.cut:
        return given_pairs(one.row, two.row, rows_1, rows_2)
    return pairs_within_rows(one.text_of, two.text_of, one.row, two.row, rows_1, rows_2)


def _cut_notes(name: str, one: _SideOfRows, two: _SideOfRows, max_tokens: int) -> list[str]:
    cut = one.cut + two.cut
    if not cut:
        return []
    passages = len(one.passages) + len(two.passages)
    texts = len(one.texts) + len(two.texts)
    return [
        f"'{name}': {cut} of {texts} texts are longer than {max_tokens} tokens: they are cut into passages, "
        f"{passages:,} in all, which are paired within their row."
    ]


def _split_rows(
    table: PairTable, one: _SideOfRows, two: _SideOfRows, held_out: float, seed: int
) -> tuple[Splits, Splits, list[str], Int[np.ndarray, " texts_1"]]:
    """The side of each passage: that of its text, which it shares with all copies of the text.

    Returns:
        The splits of T1 and of T2, what has to be told, and the group of each text of T1.
    """
    n_1, n_2 = len(one.texts), len(two.texts)
    texts = (*one.texts, *two.texts)
    equal, near = find_copies(texts)
    documents = _document_edges(table, one)
    shared = _edges_of_passages(one, two)
    ties = np.concatenate([equal, near, documents, shared])
    rows = AlignedPairs(one.row, two.row, *(np.ones(len(table)),) * 2, np.ones(len(table), dtype=bool), 1.0)
    sides = split_pairs(
        rows, n_1, n_2, splits=table.splits, topics=table.topics, ties=ties, held_out=held_out, seed=seed
    )
    notes = [*_copy_notes(table.name, texts, equal, near, shared), *_document_notes(table, documents)]
    if "held_out" in (table.splits or ()):
        train, held = (sum(side == name for side in table.splits or ()) for name in ("train", "held_out"))
        notes.append(f"'{table.name}': {table.split_column}: {train} rows are trained on, {held} held out.")
        sides, torn = _without_torn(sides, ties, n_1)
        notes += _torn_notes(table.name, texts, torn)
    split_1, split_2 = (
        tuple(np.array(side, dtype=object)[cut.text_of].tolist()) for side, cut in zip(sides, (one, two), strict=True)
    )
    group_of = np.zeros(n_1, dtype=np.int64)
    group_of[one.row] = groups_of_pairs(rows, n_1, n_2, topics=table.topics, ties=ties)
    return split_1, split_2, notes, group_of


def _edges_of_passages(one: _SideOfRows, two: _SideOfRows) -> Int[np.ndarray, "_ 2"]:
    """Texts that have a passage in common."""
    if not one.cut and not two.cut:
        return np.zeros((0, 2), dtype=np.int64)
    text = np.concatenate([one.text_of, len(one.texts) + two.text_of])
    edges = text[np.concatenate(find_copies([p.text for p in (*one.passages, *two.passages)]))]
    return np.unique(edges[edges[:, 0] != edges[:, 1]], axis=0)


def _document_edges(table: PairTable, one: _SideOfRows) -> Int[np.ndarray, "_ 2"]:
    """Articles whose rows are parts of one document, study or review."""
    edges = []
    for column in table.documents:
        first: dict[str, int] = {}
        for text, value in zip(one.row.tolist(), column, strict=True):
            if value is not None and first.setdefault(value, text) != text:
                edges.append((first[value], text))
    return np.array(edges, dtype=np.int64).reshape(-1, 2)


def _without_torn(
    sides: tuple[Splits, Splits], ties: Int[np.ndarray, "_ 2"], n_1: int
) -> tuple[tuple[Splits, Splits], list[int]]:
    """The split of a split column without texts that are trained on while a copy of them is held out."""
    whole = [*sides[0], *sides[1]]
    group = connected_groups(ties, len(whole))
    held = {group[i] for i, side in enumerate(whole) if side == "held_out"}
    torn = [i for i, side in enumerate(whole) if side == "train" and group[i] in held]
    for i in torn:
        whole[i] = None
    return (tuple(whole[:n_1]), tuple(whole[n_1:])), torn


def _torn_notes(name: str, texts: Sequence[str], torn: Sequence[int]) -> list[str]:
    if not torn:
        return []
    several = "texts repeat" if len(torn) > 1 else "text repeats"
    return [
        f"'{name}': {len(torn)} training {several} a held-out text, or a part of its document, such as "
        f"'{_short(texts[torn[0]])}': left out of training."
    ]


def _copy_notes(
    name: str,
    texts: Sequence[str],
    equal: Int[np.ndarray, "_ 2"],
    near: Int[np.ndarray, "_ 2"],
    shared: Int[np.ndarray, "_ 2"],
) -> list[str]:
    kinds = ((equal, "but for case and blanks"), (near, "but for a few words"), (shared, "in a passage"))
    # One text may repeat many others.
    told = [(np.unique(edges[:, 1]), edges, how) for edges, how in kinds if len(edges)]
    return [
        f"'{name}': {len(again)} text{'s repeat others' if len(again) > 1 else ' repeats another'} {how}, such as "
        f"'{_short(texts[int(edges[0, 1])])}': all copies are on one side of the split."
        for again, edges, how in told
    ]


def _document_notes(table: PairTable, edges: Int[np.ndarray, "_ 2"]) -> list[str]:
    if not len(edges):
        return []
    # Several columns may name the same documents, such as an id and a DOI: the one that names most is told.
    repeated = [[value for value, count in Counter(c).items() if value and count > 1] for c in table.documents]
    values = max(repeated, key=len)
    return [
        f"'{table.name}': {len(values)} document{'s have' if len(values) > 1 else ' has'} several rows, such as "
        f"'{_short(values[0])}': all rows of one are on one side of the split."
    ]


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
