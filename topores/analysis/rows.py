"""What stands for the rows of arrays: names of the files, ids that match rows, and the texts behind them."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from topores.config import PAIR_FILES
from topores.domain import SIDES, AlignedPairs, Corpus, Passage
from topores.errors import InputError
from topores.text.columns import choose_columns
from topores.text.files import read_unicode
from topores.text.sheets import open_sheet

log = logging.getLogger(__name__)

RowTexts = Sequence[Sequence[str]]
"""One text per row, in order: of one side, or of both."""


def labels_of(paths: Sequence[Path]) -> list[str]:
    """The name of each path, with as many of its folders as tell equal names apart.

    >>> labels_of([Path("e1/emb.npy"), Path("e2/emb.npy")]), labels_of([Path("runs/a.npy"), Path("runs/b.npy")])
    (['e1/emb.npy', 'e2/emb.npy'], ['a.npy', 'b.npy'])
    """
    whole = [path.expanduser().absolute().parts for path in paths]
    longest = max(map(len, whole))
    for count in range(1, longest + 1):
        labels = ["/".join(parts[-count:]) for parts in whole]
        if len(set(labels)) == len(set(whole)):
            return labels
    return [path.name for path in paths]


def matched_rows(
    paths: Sequence[Path], counts: Sequence[int], ids: Sequence[Sequence[str] | None]
) -> list[Int[np.ndarray, " rows"]]:
    """For each array, the rows that stand for the passages that all arrays have, in the order of the first.

    Args:
        counts: Rows of each array.
        ids: Id of each row, by array; None where they are unknown.

    Raises:
        InputError: Different numbers of rows without ids, repeated ids, or fewer than two that all arrays have.
    """
    known = [own for own in ids if own is not None]
    if len(known) < len(paths) or len(paths) == 1 or all(list(own) == list(known[0]) for own in known):
        if len(set(counts)) > 1:
            raise InputError(
                f"The arrays have {' and '.join(map(str, sorted(set(counts))))} rows; give arrays of the same passages "
                "in the same order, or the ids of their rows with --ids FILE, once for each."
            )
        return [np.arange(count) for count in counts]
    places = [_place_of_each(path, own) for path, own in zip(paths, known, strict=True)]
    shared = [one for one in known[0] if all(one in own for own in places)]
    if len(shared) < 2:
        raise InputError(f"'{paths[0]}' and the other arrays share {len(shared)} ids; give ids of the same passages.")
    left_out = max(len(own) for own in known) - len(shared)
    log.info("Rows are matched by id: %d passages are in all arrays; up to %d are left out.", len(shared), left_out)
    return [np.array([own[one] for one in shared]) for own in places]


def _place_of_each(path: Path, ids: Sequence[str]) -> dict[str, int]:
    places = {one: place for place, one in enumerate(ids)}
    if len(places) < len(ids):
        twice = next(one for place, one in enumerate(ids) if places[one] != place)
        raise InputError(f"The ids of '{path}' name '{twice}' more than once; give each row an id of its own.")
    return places


def read_ids(path: Path, count: int, of: Path) -> list[str]:
    """One id a line, for each row of the array `of`.

    Raises:
        InputError: Another number of ids than rows.
    """
    ids = [line.strip() for line in _lines(path)]
    if len(ids) == count + 1 and ids[0].lower() in ("id", "ids"):
        ids = ids[1:]
    if len(ids) != count:
        raise InputError(f"'{path}' has {len(ids)} ids, and '{of}' has {count} rows; give one id a line.")
    return ids


def read_row_texts(path: Path, columns: Mapping[str, str] | None = None) -> list[str]:
    """One text a row: the lines of a text file, JSON strings, or one column of a table.

    Args:
        columns: What --columns says: {"text": NAME}.

    Raises:
        InputError: The file is unreadable, or it does not tell which column has the texts.
    """
    if path.suffix.lower() not in PAIR_FILES:
        return _lines(path)
    if path.suffix.lower() in (".jsonl", ".ndjson") and (strings := _json_strings(path)) is not None:
        return strings
    sheet = open_sheet(path, named=(columns or {}).values())
    text = choose_columns(path.name, sheet.seen, columns or {}, corpus=True).of.get("text")
    if text is None:
        raise InputError(f"'{path}' has two columns of texts; say which labels the rows with --columns text=NAME.")
    return ["" if row.get(text) is None else str(row[text]) for row in sheet.read([text])]


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f"'{path}' does not exist; give a file with one line for each row of the array.")
    # An empty line is the empty text of its row; only the newline that ends the file is none.
    return read_unicode(path).removesuffix("\n").split("\n")


def _json_strings(path: Path) -> list[str] | None:
    """The strings of a file with one JSON string a line; None if it holds something else."""
    try:
        rows = [json.loads(line) for line in _lines(path)]
    except (ValueError, RecursionError):
        return None
    return rows if all(isinstance(row, str) for row in rows) else None


def corpus_of_rows(texts: RowTexts, kept: Int[np.ndarray, " rows"]) -> Corpus:
    """A corpus whose passages are the texts of the rows that are kept; nothing is aligned or split."""
    whole = [(side, place, text) for side, own in zip(SIDES, texts, strict=False) for place, text in enumerate(own)]
    sides: dict[Any, list[Passage]] = {side: [] for side in SIDES}
    # Rows of the first side come first, as everywhere.
    for side, place, text in (whole[row] for row in kept.tolist()):
        sides[side].append(Passage(side, "texts", place, 0, len(text), text, len(text.split())))
    return corpus_without_pairs(*sides.values())


def corpus_without_pairs(passages_1: list[Passage], passages_2: list[Passage]) -> Corpus:
    """A corpus without pairs or split: its passages can be read, not retrieved."""
    nothing, none = np.zeros(0, dtype=np.int64), np.zeros(0)
    pairs = AlignedPairs(nothing, nothing, none, none, np.zeros(0, dtype=bool), 0.0)
    splits = ((None,) * len(passages_1), (None,) * len(passages_2))
    return Corpus(tuple(passages_1), tuple(passages_2), pairs, *splits, 0, "texts")
