"""Tables as rows: .jsonl, .json, .csv, .tsv and .parquet, as programs export them."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from topores.config.common import PAIR_FILES
from topores.errors import InputError
from topores.text.columns import REQUIRED, is_known
from topores.text.files import known_suffix, read_unicode

_DELIMITERS = ",;\t|"
# The first line that Excel reads as the separator, and writes on request.
_SEPARATOR_LINE = re.compile(r'"?sep=(?P<separator>[^\n"])"?\n', re.IGNORECASE)
_SHOWN = 5

Row = dict[str, Any]


@dataclass(frozen=True)
class Sheet:
    """The rows of a table before their contents are checked."""

    path: Path
    unit: str
    """Name of a row in messages: 'line' for .jsonl, 'row' for tables."""
    seen: tuple[str, ...]
    """Its columns."""
    numbers: tuple[int, ...]
    """Number of each row in the file, from 1."""
    read: Callable[[Sequence[str]], list[Row]]
    """The rows, with the named columns at least."""

    def places(self, rows: Iterable[int]) -> str:
        """Rows, counted from 0, as a message names them: "lines 2, 3 and 4 more"."""
        numbers = [self.numbers[i] for i in rows]
        more = f" and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else ""
        unit = self.unit if len(numbers) == 1 else f"{self.unit}s"
        return f"{unit} {', '.join(map(str, numbers[:_SHOWN]))}{more}"

    def refuse(self, faulty: Sequence[int], problem: str, remedy: str) -> None:
        """Raise `InputError` if `faulty`, a list of row indices from 0, is not empty."""
        if faulty:
            raise InputError(f"'{self.path}': {problem} in {self.places(faulty)}; {remedy}")


def open_sheet(path: Path, *, named: Iterable[str] = ()) -> Sheet:
    """A table, ready to be read.

    Args:
        path: The file.
        named: Column names that the user gave; they tell a header's separator, as known names do.

    Raises:
        InputError: The file is none of `PAIR_FILES`, is damaged, or has no rows.
    """
    suffix = known_suffix(path, PAIR_FILES)
    if suffix in (".csv", ".tsv"):
        return _csv_sheet(path, frozenset(named))
    return {".parquet": _parquet_sheet, ".json": _json_sheet}.get(suffix, _jsonl_sheet)(path)


def _no_rows(path: Path) -> InputError:
    return InputError(f"'{path}' has no rows; give at least two, with the columns {' and '.join(REQUIRED)}.")


def _sheet(path: Path, unit: str, numbers: Sequence[int], rows: list[Row], seen: Sequence[str]) -> Sheet:
    if not rows:
        raise _no_rows(path)
    return Sheet(path, unit, tuple(seen), tuple(numbers), lambda _: rows)


def _columns_of(rows: Iterable[Row]) -> list[str]:
    return sorted({column for row in rows for column in row})


def _jsonl_sheet(path: Path) -> Sheet:
    text = read_unicode(path)
    # Only "\n" ends a line: JSON strings may contain other Unicode line separators.
    lines = [(i, line) for i, line in enumerate(text.split("\n"), 1) if line.strip()]
    if lines and lines[0][1].lstrip().startswith("[") and _is_json(text):
        return _json_sheet(path)
    rows = [_json_object(path, number, line) for number, line in lines]
    return _sheet(path, "line", [number for number, _ in lines], rows, _columns_of(rows))


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False


def _json_object(path: Path, number: int, line: str) -> Row:
    try:
        # Not strict: a control character within a text is no reason to lose the table.
        row = json.loads(line, strict=False)
    except (ValueError, RecursionError) as fault:
        reason = getattr(fault, "msg", str(fault))
        raise InputError(f"'{path}': line {number} is not JSON ({reason}); write one object per line.") from fault
    if not isinstance(row, dict):
        raise InputError(f"'{path}': line {number} is {kind_of(row)}, not an object with the texts; fix the line.")
    return row


def _json_sheet(path: Path) -> Sheet:
    """An array of objects or of pairs, columns by name, or either within one object; or lines of JSON."""
    text = read_unicode(path)
    try:
        content = json.loads(text, strict=False)
    except (ValueError, RecursionError) as fault:
        if path.suffix.lower() == ".json" and _has_objects_by_line(text):
            return _jsonl_sheet(path)
        reason = getattr(fault, "msg", str(fault))
        raise InputError(f"'{path}' is not JSON ({reason}); give an array of objects.") from fault
    rows = _rows_of(content)
    if rows is None:
        raise InputError(
            f"'{path}' is {kind_of(content)} of another shape; give an array of objects, one for each pair of texts."
        )
    return _sheet(path, "row", range(1, len(rows) + 1), rows, _columns_of(rows))


def _has_objects_by_line(text: str) -> bool:
    first = text.lstrip().split("\n", 1)[0]
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _rows_of(content: Any) -> list[Row] | None:
    if isinstance(content, list):
        if all(isinstance(row, dict) for row in content):
            return content
        if all(isinstance(row, list) and len(row) == len(REQUIRED) for row in content):
            return [dict(zip(REQUIRED, row, strict=True)) for row in content]
        return None
    if not isinstance(content, dict):
        return None
    columns = {str(name): _values(column) for name, column in content.items()}
    lists = [column for column in columns.values() if column is not None]
    if len(lists) == len(columns) > 1 and len({len(column) for column in lists}) == 1:
        return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]
    inside = [rows for column in lists if column and (rows := _rows_of(column))]
    return inside[0] if len(inside) == 1 else None


def _values(column: Any) -> list[Any] | None:
    """A column as a list: pandas writes one as an object by row number."""
    if isinstance(column, dict) and column and all(str(key).isdigit() for key in column):
        return list(column.values())
    return column if isinstance(column, list) else None


def _csv_sheet(path: Path, named: frozenset[str]) -> Sheet:
    text = read_unicode(path)
    line = _SEPARATOR_LINE.match(text)
    text = text[line.end() :] if line else text
    delimiters = "\t" if path.suffix.lower() == ".tsv" and "\t" in text else _DELIMITERS
    delimiter = line["separator"] if line else max(delimiters, key=lambda d: _columns_found(text, d, named))
    records = _csv_records(path, text, delimiter)
    header = [name.strip() for name in records[0]] if records else []
    body = [_without_empty_end(record, len(header)) for record in records[1:] if record]
    rows = [dict(zip(header, record, strict=False)) for record in body]
    sheet = _sheet(path, "row", range(1, len(body) + 1), rows, header)
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


def _without_empty_end(record: list[str], fields: int) -> list[str]:
    """The record without empty fields beyond the header's, which spreadsheets add."""
    return record[:fields] if len(record) > fields and not any(map(str.strip, record[fields:])) else record


def _columns_found(text: str, delimiter: str, named: frozenset[str]) -> tuple[int, int]:
    """Number of known columns, and of all columns, that the header has with a delimiter."""
    header = [name.strip().strip('"') for name in text.split("\n", 1)[0].split(delimiter)]
    return len({name for name in header if name in named or is_known(name)}), len(header)


def _parquet_sheet(path: Path) -> Sheet:
    def read(columns: Sequence[str]) -> list[Row]:
        with _refused_if_damaged(path), pq.ParquetFile(path) as file:
            return file.read(list(columns)).to_pylist()

    with _refused_if_damaged(path), pq.ParquetFile(path) as file:
        seen, count = file.schema_arrow.names, file.metadata.num_rows
    if not count:
        raise _no_rows(path)
    return Sheet(path, "row", tuple(seen), tuple(range(1, count + 1)), read)


@contextmanager
def _refused_if_damaged(path: Path) -> Iterator[None]:
    """Errors of a damaged parquet file, as an `InputError`."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as fault:
        reason = str(fault).split("\n")[0][:100]
        raise InputError(f"'{path}' is not a valid parquet file ({reason}); write it again.") from fault


def kind_of(value: Any) -> str:
    """A JSON value in words."""
    names = {
        dict: "an object",
        list: "a list",
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
    }
    return "null" if value is None else names.get(type(value), f"a {type(value).__name__}")
