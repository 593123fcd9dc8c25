"""Read and check pair files (.jsonl, .csv, .parquet), whose rows hold an article and a meta-analysis each."""

import csv
import difflib
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from topores.domain import Split
from topores.errors import InputError
from topores.text.encoding import diagnose, repair
from topores.text.files import describe_damage, known_suffix, read_unicode, unix_newlines

REQUIRED = ("article", "meta_analysis")
COLUMNS = (*REQUIRED, "id", "topic", "split")
SUFFIXES = (".jsonl", ".csv", ".parquet")

_HELD_OUT = ("held_out", "heldout", "held-out", "test", "dev", "validation", "valid", "val")
_SPLITS: dict[str, Split] = {"train": "train", **dict.fromkeys(_HELD_OUT, "held_out")}
_DELIMITERS = ",;\t"
_SHOWN = 5
_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")

Row = dict[str, Any]


@dataclass(frozen=True)
class PairTable:
    """The columns of a pair file; entry i of every column belongs to row i."""

    name: str
    """Name of the file, for messages."""
    ids: tuple[str, ...]
    """Ids from the file, or row numbers from "1" if there is no such column."""
    articles: tuple[str, ...]
    meta_analyses: tuple[str, ...]
    topics: tuple[str | None, ...] | None
    """Topics, with None for rows without one; None if there is no such column."""
    splits: tuple[Split, ...] | None
    """Splits; None if there is no such column."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class _Sheet:
    """Rows as read, before their contents are checked."""

    path: Path
    unit: str
    """Name of a row in messages: 'line' for .jsonl, 'row' for tables."""
    numbers: tuple[int, ...]
    rows: tuple[Row, ...]

    def refuse(self, faulty: Iterable[int], problem: str, remedy: str) -> None:
        """Raise `InputError` if `faulty`, a list of row indices from 0, is not empty."""
        places = [self.numbers[i] for i in faulty]
        if places:
            shown = ", ".join(map(str, places[:_SHOWN]))
            more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
            unit = self.unit if len(places) == 1 else f"{self.unit}s"
            raise InputError(f"'{self.path}': {problem} in {unit} {shown}{more}; {remedy}")


def read_pairs(path: Path, *, repair: bool = False) -> PairTable:
    """Read a pair file with the columns article and meta_analysis, and optionally id, topic and split.

    Args:
        path: A .jsonl, .csv (comma, semicolon or tab) or .parquet file. Other columns are ignored.
        repair: Undo a wrong decoding of the texts instead of refusing them.

    Raises:
        InputError: The file, its columns or some of its rows cannot be used; the message names the rows and the
            remedy.
    """
    suffix = known_suffix(path, SUFFIXES)
    readers: dict[str, Callable[[Path], _Sheet]] = {
        ".jsonl": _read_jsonl, ".csv": _read_csv, ".parquet": _read_parquet,
    }  # fmt: skip
    sheet = readers[suffix](path)
    _check_texts(sheet)
    texts = [unix_newlines(row[column]) for column in REQUIRED for row in sheet.rows]
    texts = _check_or_repair(sheet, texts, repair_them=repair)
    articles, meta_analyses = tuple(texts[: len(sheet.rows)]), tuple(texts[len(sheet.rows) :])
    _check_pairs(sheet, articles, meta_analyses)
    return PairTable(path.name, _ids(sheet), articles, meta_analyses, _topics(sheet), _splits(sheet))


def _read_jsonl(path: Path) -> _Sheet:
    # Only "\n" ends a line: JSON strings may contain other Unicode line separators.
    lines = [(i, line) for i, line in enumerate(read_unicode(path).split("\n"), 1) if line.strip()]
    rows = [_json_object(path, number, line) for number, line in lines]
    seen = sorted({column for row in rows for column in row})
    _check_columns(path, seen, len(rows))
    return _Sheet(path, "line", tuple(number for number, _ in lines), tuple(rows))


def _json_object(path: Path, number: int, line: str) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as fault:
        reason = getattr(fault, "msg", str(fault))
        raise InputError(f"'{path}': line {number} is not JSON ({reason}); write one object per line.") from fault
    if not isinstance(row, dict):
        raise InputError(f"'{path}': line {number} is {_kind(row)}, not an object with the texts; fix the line.")
    return row


def _read_csv(path: Path) -> _Sheet:
    text = read_unicode(path)
    delimiter = max(_DELIMITERS, key=lambda d: _columns_found(text, d))
    records = _csv_records(path, text, delimiter)
    header = [name.strip() for name in records[0]] if records else []
    body = [record for record in records[1:] if record]
    _check_columns(path, header, len(body))
    sheet = _Sheet(path, "row", tuple(range(1, len(body) + 1)), tuple(dict(zip(header, r, strict=False)) for r in body))
    wrong = [i for i, record in enumerate(body) if len(record) != len(header)]
    sheet.refuse(wrong, f"more or fewer than the {len(header)} fields of the header", "put texts in double quotes.")
    return sheet


def _csv_records(path: Path, text: str, delimiter: str) -> list[list[str]]:
    limit = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return list(reader)
    except csv.Error as fault:
        raise InputError(
            f"'{path}': damaged CSV up to line {reader.line_num} ({fault}); write quotes within a text twice."
        ) from fault
    finally:
        csv.field_size_limit(limit)


def _columns_found(text: str, delimiter: str) -> tuple[int, int]:
    """Number of known columns, and of all columns, that the header has with a delimiter."""
    header = [name.strip().strip('"') for name in text.split("\n", 1)[0].split(delimiter)]
    return len(set(header) & set(COLUMNS)), len(header)


def _read_parquet(path: Path) -> _Sheet:
    try:
        with pq.ParquetFile(path) as file:
            seen = file.schema_arrow.names
            _check_columns(path, seen, file.metadata.num_rows)
            rows = file.read([name for name in COLUMNS if name in seen]).to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as fault:
        reason = str(fault).split("\n")[0][:100]
        raise InputError(f"'{path}' is not a valid parquet file ({reason}); write it again.") from fault
    return _Sheet(path, "row", tuple(range(1, len(rows) + 1)), tuple(rows))


def _check_columns(path: Path, seen: Sequence[str], rows: int) -> None:
    if rows == 0:
        raise InputError(f"'{path}' has no rows; give at least two, with the columns {' and '.join(REQUIRED)}.")
    twice = [name for name in COLUMNS if list(seen).count(name) > 1]
    if twice:
        raise InputError(f"'{path}' has the column '{twice[0]}' twice; remove one.")
    missing = [name for name in REQUIRED if name not in seen]
    if missing:
        near = difflib.get_close_matches(missing[0], [name for name in seen if name not in REQUIRED], n=1)
        remedy = f"rename '{near[0]}' to '{missing[0]}'" if near else f"name the two texts {' and '.join(REQUIRED)}"
        raise InputError(
            f"'{path}' has no column {' and no column '.join(repr(m) for m in missing)}; its columns are "
            f"{', '.join(seen)}; {remedy}."
        )
    if rows == 1:
        raise InputError(f"'{path}' has one row; give at least two.")


def _check_texts(sheet: _Sheet) -> None:
    for column in REQUIRED:
        texts = [row.get(column) for row in sheet.rows]
        missing = [i for i, t in enumerate(texts) if t is None or (isinstance(t, str) and not t.strip())]
        sheet.refuse(missing, f"no text for '{column}'", "fill them in or leave the rows out.")
        others = [i for i, t in enumerate(texts) if not isinstance(t, str)]
        if others:
            sheet.refuse(others, f"{_kind(texts[others[0]])} for '{column}'", "give texts.")
        broken = [i for i, t in enumerate(texts) if _NO_CHARACTER.search(str(t))]
        sheet.refuse(broken, f"NUL or half characters (lone surrogates) in '{column}'", "export the file again.")


def _check_pairs(sheet: _Sheet, articles: Sequence[str], meta_analyses: Sequence[str]) -> None:
    pairs = [(a.strip(), m.strip()) for a, m in zip(articles, meta_analyses, strict=True)]
    same = [i for i, (article, meta_analysis) in enumerate(pairs) if article == meta_analysis]
    sheet.refuse(same, "the article is identical to the meta-analysis", "give two different texts.")
    sheet.refuse(_repeats(pairs), "an article and a meta-analysis already given", "leave the repeats out.")


def _check_or_repair(sheet: _Sheet, texts: list[str], *, repair_them: bool) -> list[str]:
    """The correctly decoded texts. They are checked together, since evidence in one row applies to the others."""
    whole = "\n".join(texts)
    damage = None if repair_them else diagnose(whole)
    if not repair_them and damage is None:
        return texts
    # A repair changes no line breaks, so the texts can be separated again by their number of lines.
    lines = iter(repair(whole).split("\n"))
    mended = ["\n".join(next(lines) for _ in range(text.count("\n") + 1)) for text in texts]
    if damage:
        changed = {i % len(sheet.rows) for i, text in enumerate(texts) if text != mended[i]}
        sheet.refuse(sorted(changed), "text decoded wrongly", f"it was {describe_damage(damage)}")
    return mended


def _ids(sheet: _Sheet) -> tuple[str, ...]:
    given = [row.get("id") for row in sheet.rows]
    ids = [str(number) if value in (None, "") else str(value) for number, value in enumerate(given, 1)]
    sheet.refuse(_repeats(ids), "an id already given", "give every row its own, or leave the column out.")
    return tuple(ids)


def _topics(sheet: _Sheet) -> tuple[str | None, ...] | None:
    if not any("topic" in row for row in sheet.rows):
        return None
    topics = [row.get("topic") for row in sheet.rows]
    return tuple(None if topic in (None, "") else str(topic) for topic in topics)


def _splits(sheet: _Sheet) -> tuple[Split, ...] | None:
    if not any("split" in row for row in sheet.rows):
        return None
    seen = [str(row.get("split") or "").strip() for row in sheet.rows]
    unknown = [i for i, value in enumerate(seen) if value.lower() not in _SPLITS]
    if unknown:
        first = seen[unknown[0]]
        sheet.refuse(unknown, f"unknown split '{first}'" if first else "no split", f"use {', '.join(_SPLITS)}.")
    return tuple(_SPLITS[value.lower()] for value in seen)


def _repeats(values: Sequence[Any]) -> list[int]:
    """Indices of values that occurred before."""
    first: dict[Any, int] = {}
    return [i for i, value in enumerate(values) if first.setdefault(value, i) != i]


def _kind(value: Any) -> str:
    names = {
        dict: "an object",
        list: "a list",
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
    }
    return "null" if value is None else names.get(type(value), f"a {type(value).__name__}")
