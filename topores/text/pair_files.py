"""Read and check pair files, whose rows hold an article and a meta-analysis each, or one text of a corpus."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from topores.domain import Split
from topores.errors import InputError
from topores.text.columns import REQUIRED, Columns, choose_columns
from topores.text.encoding import diagnose, repair
from topores.text.files import describe_damage, unix_newlines
from topores.text.leftovers import Removed, remove_leftovers
from topores.text.null_words import is_no_text
from topores.text.sheets import Row, Sheet, kind_of, open_sheet
from topores.text.split_names import named_split

_HALF_CHARACTERS = re.compile("[\ud800-\udfff]+")
_MOST_VALUES = 6

SPLIT_REMEDY = "rename its values, or leave it out with --columns split="
_FEWEST_ROWS = 2


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
    documents: tuple[tuple[str | None, ...], ...] = ()
    """Columns that say which document, study or review a row is part of."""
    notes: tuple[str, ...] = ()
    """What was left out or read otherwise than it stands, one sentence each."""
    split_column: str = ""
    """The split column and its values, for messages."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class TextTable:
    """A corpus: a table with one column of texts."""

    name: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Table:
    """The rows that are left, with what was said about the others."""

    sheet: Sheet
    rows: tuple[Row, ...]
    columns: Columns
    notes: tuple[str, ...]

    @property
    def roles(self) -> list[str]:
        """Roles of the columns that hold texts."""
        return [role for role in (*REQUIRED, "text") if role in self.columns.of]

    def column(self, role: str) -> list[str]:
        return [str(row[self.columns.of[role]]) for row in self.rows]

    def keep(self, kept: Sequence[int], *notes: str) -> "_Table":
        numbers = tuple(self.sheet.numbers[i] for i in kept)
        rows = tuple(self.rows[i] for i in kept)
        return _Table(replace(self.sheet, numbers=numbers), rows, self.columns, (*self.notes, *notes))


def read_pairs(path: Path, *, repair: bool = False, columns: Mapping[str, str] | None = None) -> PairTable:
    """Read a table with two columns of texts, and optionally id, topic, split and ids of documents.

    Args:
        path: One of `topores.config.PAIR_FILES`. Columns that are not needed are ignored.
        repair: Undo a wrong decoding of the texts instead of refusing them.
        columns: Names of columns by role, where they are none of `topores.text.columns.PAIR_NAMES`.

    Raises:
        InputError: The file, its columns or too many of its rows cannot be used; the message names the rows and the
            remedy.
    """
    table = _read(path, columns or {}, repair_them=repair, corpus=False)
    assert table.roles == list(REQUIRED)  # choose_columns refuses otherwise
    return _pair_table(table, with_splits=True)


def read_rows(path: Path, *, repair: bool = False, columns: Mapping[str, str] | None = None) -> PairTable | TextTable:
    """Read a pair file, whatever its split, or a corpus with one column of texts; see `read_pairs`."""
    table = _read(path, columns or {}, repair_them=repair, corpus=True)
    if table.roles == list(REQUIRED):
        return _pair_table(table, with_splits=False)
    ids, _, notes = _ids(table)
    return TextTable(path.name, ids, tuple(table.column("text")), (*table.notes, *notes))


def _read(path: Path, given: Mapping[str, str], *, repair_them: bool, corpus: bool) -> _Table:
    sheet = open_sheet(path, named=given.values())
    columns = choose_columns(path.name, sheet.seen, given, corpus=corpus)
    if len(sheet.numbers) < _FEWEST_ROWS:
        raise InputError(f"'{path}' has one row; give at least two.")
    table = _Table(sheet, tuple(sheet.read(columns.names)), columns, _column_notes(path.name, columns))
    table = _without_missing(table)
    table = _clean(_decode_texts(table, repair_them=repair_them))
    return _without_missing(table)


def _column_notes(name: str, columns: Columns) -> tuple[str, ...]:
    """Which columns were taken for the texts, where that had to be guessed."""
    guessed = {role: column for role, column in columns.of.items() if role not in columns.chosen and role in REQUIRED}
    if not guessed or all(role == column for role, column in guessed.items()):
        return ()
    return (
        f"'{name}': the column '{columns.of['article']}' is read as the article and '{columns.of['meta_analysis']}' "
        "as the meta-analysis; --columns article=NAME,meta_analysis=NAME chooses others.",
    )


def _pair_table(table: _Table, *, with_splits: bool) -> PairTable:
    table = _without_equal_texts(table)
    table = _without_repeats(table)
    ids, groups, id_notes = _ids(table)
    splits, split_column = _splits(table) if with_splits else (None, "")
    documents = [_labels([row.get(column) for row in table.rows]) for column in table.columns.documents]
    documents += [groups] if groups else []
    return PairTable(
        table.sheet.path.name, ids, tuple(table.column("article")), tuple(table.column("meta_analysis")),
        _topics(table), splits, tuple(documents), (*table.notes, *id_notes), split_column,
    )  # fmt: skip


def _without_missing(table: _Table) -> _Table:
    """The table without rows that lack a text."""
    notes, missing = [], set()
    for role in table.roles:
        column = table.columns.of[role]
        rows = [i for i, row in enumerate(table.rows) if i not in missing and is_no_text(row.get(column))]
        if rows:
            missing |= set(rows)
            value = table.rows[rows[0]].get(column)
            seen = f"'{str(value)[:40]}'" if str(value or "").strip() else "nothing"
            notes.append(
                f"no text in the column '{column}' in {table.sheet.places(rows)} (the first has {seen} there): "
                f"{_rows(len(rows))} left out."
            )
        others = [i for i, row in enumerate(table.rows) if i not in missing and not isinstance(row[column], str)]
        if others:
            table.sheet.refuse(others, f"{kind_of(table.rows[others[0]][column])} for '{column}'", "give texts.")
    return _leave_out(table, missing, notes)


def _leave_out(table: _Table, rows: set[int], notes: Sequence[str]) -> _Table:
    """The table without some rows.

    Raises:
        InputError: Too few are left.
    """
    if not rows:
        return table
    kept = [i for i in range(len(table.rows)) if i not in rows]
    if len(kept) < _FEWEST_ROWS:
        raise InputError(
            f"'{table.sheet.path}': {' '.join(notes)} {_rows(len(kept))} left; give at least two with "
            f"{'two different texts' if table.roles == list(REQUIRED) else 'a text'}."
        )
    return table.keep(kept, *(f"'{table.sheet.path.name}': {note}" for note in notes))


def _rows(count: int) -> str:
    return f"{count} row is" if count == 1 else f"{count} rows are"


def _decode_texts(table: _Table, *, repair_them: bool) -> _Table:
    """The table with correctly decoded texts. They are checked together: evidence in one row applies to the others."""
    texts = [_whole(unix_newlines(text)) for role in table.roles for text in table.column(role)]
    return _with_texts(table, _check_or_repair(table, texts, repair_them=repair_them))


def _whole(text: str) -> str:
    # Half of a character, as JSON can hold it, is as lost as one that a converter could not read.
    return _HALF_CHARACTERS.sub("\ufffd", text)


def _with_texts(table: _Table, texts: Sequence[str]) -> _Table:
    """The table with other texts: those of the first role, then those of the second."""
    count = len(table.rows)
    rows = [dict(row) for row in table.rows]
    for place, role in enumerate(table.roles):
        for row, text in zip(rows, texts[place * count : (place + 1) * count], strict=True):
            row[table.columns.of[role]] = text
    return replace(table, rows=tuple(rows))


def _check_or_repair(table: _Table, texts: list[str], *, repair_them: bool) -> list[str]:
    whole = "\n".join(texts)
    damage = None if repair_them else diagnose(whole)
    if not repair_them and damage is None:
        return texts
    # A repair changes no line breaks, so the texts can be separated again by their number of lines.
    lines = iter(repair(whole).split("\n"))
    mended = ["\n".join(next(lines) for _ in range(text.count("\n") + 1)) for text in texts]
    if damage:
        changed = {i % len(table.rows) for i, text in enumerate(texts) if text != mended[i]}
        table.sheet.refuse(sorted(changed), "text decoded wrongly", f"it was {describe_damage(damage)}")
    return mended


def _clean(table: _Table) -> _Table:
    """The table without what converters leave in texts."""
    removed = Removed()
    texts = [remove_leftovers(text, removed) for role in table.roles for text in table.column(role)]
    if not removed:
        return table
    table = _with_texts(table, texts)
    return replace(table, notes=(*table.notes, *removed.notes(table.sheet.path.name)))


def _without_equal_texts(table: _Table) -> _Table:
    """The table without rows whose two texts are equal."""
    pairs = zip(table.column("article"), table.column("meta_analysis"), strict=True)
    same = [i for i, (article, meta_analysis) in enumerate(pairs) if article.strip() == meta_analysis.strip()]
    said = f"the two texts are identical in {table.sheet.places(same)}: {_rows(len(same))} left out."
    return _leave_out(table, set(same), [said])


def _without_repeats(table: _Table) -> _Table:
    """The table without pairs given before."""
    texts = [map(str.strip, table.column(role)) for role in table.roles]
    again = _repeats(list(zip(*texts, strict=True)))
    said = f"a pair given before in {table.sheet.places(again)}: {_rows(len(again))} left out."
    return _leave_out(table, set(again), [said])


def _ids(table: _Table) -> tuple[tuple[str, ...], tuple[str | None, ...], list[str]]:
    """An id of its own for each row; if the column names documents, these; and what is to be said."""
    column = table.columns.of.get("id", "")
    given = _labels([row.get(column) for row in table.rows])
    ids = [str(number) if value is None else value for number, value in enumerate(given, 1)]
    again = _repeats([value for value in given if value is not None])
    if not again:
        return _distinct(ids), (), []
    count = len({value for value, times in Counter(v for v in given if v is not None).items() if times > 1})
    note = (
        f"'{table.sheet.path.name}': the column '{column}' gives {count} value{'s' if count > 1 else ''} to several "
        "rows; rows with one id are taken for parts of one document."
    )
    return _distinct(ids), given, [note]


def _distinct(ids: list[str]) -> tuple[str, ...]:
    """The ids, those that occurred before with a number behind."""
    seen: set[str] = set()
    for place, value in enumerate(ids):
        name, number = value, 1
        while name in seen:
            number += 1
            name = f"{value}#{number}"
        ids[place] = name
        seen.add(name)
    return tuple(ids)


def _labels(values: Sequence[object]) -> tuple[str | None, ...]:
    """Values of a column of ids or topics as texts; None where there is none."""
    return tuple(None if is_no_text(value) else str(value) for value in values)


def _topics(table: _Table) -> tuple[str | None, ...] | None:
    column = table.columns.of.get("topic")
    return None if column is None else _labels([row.get(column) for row in table.rows])


def _splits(table: _Table) -> tuple[tuple[Split, ...] | None, str]:
    """The sides that a split column gives, and the column with its values in words.

    Raises:
        InputError: A value names no side.
    """
    column = table.columns.of.get("split", "")
    values = [str(row.get(column) or "").strip() for row in table.rows]
    if not column or all(map(is_no_text, values)):
        return None, ""
    sides = [named_split(value) for value in values]
    unknown = [i for i, side in enumerate(sides) if side is None]
    # A column called "set" or "subset" may mean anything.
    if unknown and column.strip().lower() != "split" and "split" not in table.columns.chosen:
        return None, ""
    says = f"the column '{column}' has {_count_values(values)}"
    if unknown:
        first = values[unknown[0]]
        table.sheet.refuse(
            unknown, f"unknown split '{first[:40]}'" if first else "no split",
            f"use train, and held_out, test, dev or validation. Here {says}: {SPLIT_REMEDY}.",
        )  # fmt: skip
    return tuple(side for side in sides if side is not None), says


def _count_values(values: Sequence[str]) -> str:
    """
    >>> _count_values(["dev", "dev", "", "test"])
    "'dev' (2 rows), nothing (1 row), 'test' (1 row)"
    """
    counts = Counter(values).most_common()
    more = f" and {len(counts) - _MOST_VALUES} other values" if len(counts) > _MOST_VALUES else ""
    named = [(f"'{value[:40]}'" if value else "nothing", n) for value, n in counts[:_MOST_VALUES]]
    return ", ".join(f"{value} ({n} row{'s' if n > 1 else ''})" for value, n in named) + more


def _repeats(values: Sequence[object]) -> list[int]:
    """Indices of values that occurred before."""
    first: dict[object, int] = {}
    return [i for i, value in enumerate(values) if first.setdefault(value, i) != i]
