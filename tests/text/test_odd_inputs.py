"""Readers under odd files: each is read, or refused in one line; nothing that was read is a word for no text."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.text.words import TOKENIZER
from topores.errors import ToporesError
from topores.text.corpus import corpus_from_texts
from topores.text.files import read_text
from topores.text.null_words import NULL_WORDS
from topores.text.pair_corpus import corpus_from_pairs
from topores.text.pair_files import PairTable, read_pairs, read_rows

WORDS = [
    "bees",
    "rest",
    "at",
    "night",
    "Iron",
    "rusts",
    "slowly",
    "пчёлы",
    "спят",
    "蜂",
    "é",
    "ﬁ",
    "I\u0307",
    "12",
    "p<0.05",
]
SENTENCE = st.lists(st.sampled_from(WORDS), min_size=1, max_size=30).map(lambda words: " ".join(words) + ".")
ODD = st.one_of(
    SENTENCE,
    st.sampled_from(sorted(NULL_WORDS)),
    st.text(max_size=40),
    st.sampled_from(
        ["a\0b", "\ud800", "\ufffd" * 5, "<p>x</p>", "<!--", "![](data:image/png;base64,", "\ufeff", "\f", "—"]
    ),
    SENTENCE.map(lambda sentence: (sentence + " ") * 40),
)
CELL = st.one_of(ODD, ODD, ODD, st.none(), st.integers(), st.floats(), st.booleans(), st.lists(ODD, max_size=2))
NAME = st.one_of(
    st.sampled_from(
        [
            "article",
            "meta_analysis",
            "query",
            "document",
            "text",
            "split",
            "id",
            "topic",
            "title",
            "Meta-Analysis",
            "doi",
            "",
        ]
    ),
    st.text(max_size=8),
)
SIDE = st.sampled_from(["train", "dev", "validation", "Test", "fold1", "", "nan"])


@st.composite
def row_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows of a table; most have two columns of texts."""
    names = draw(
        st.sampled_from([["article", "meta_analysis"], ["query", "document"], ["text"], ["Anchor", "Positive "]])
    )
    others = draw(st.lists(NAME, max_size=2))
    rows = []
    for _ in range(draw(st.sampled_from([*range(12), *range(4, 12)]))):
        row = {name: draw(draw(st.sampled_from([SENTENCE, SENTENCE, ODD, ODD, CELL]))) for name in names}
        rows.append(row | {name: draw(SIDE if name == "split" else CELL) for name in others})
    return rows


ENCODING = st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1251", "utf-16-le"])


def as_csv(rows: list[dict[str, Any]], delimiter: str) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(names)
    writer.writerows([row.get(name) for name in names] for row in rows)
    return file.getvalue()


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, bytes]:
    """Name and bytes of a table, at times damaged."""
    rows, encoding = draw(row_lists()), draw(ENCODING)
    kind = draw(st.sampled_from(["jsonl", "json", "csv", "tsv", "parquet"]))
    if kind == "parquet":
        data = as_parquet(rows)
    else:
        delimiter = draw(st.sampled_from(",;\t|"))
        text = {
            "jsonl": lambda: "\n".join(map(json.dumps, rows)),
            "json": lambda: json.dumps(draw(st.sampled_from([rows, {"data": rows}, rows[:1], [rows]]))),
            "csv": lambda: draw(st.sampled_from(["", f"sep={delimiter}\r\n"])) + as_csv(rows, delimiter),
            "tsv": lambda: as_csv(rows, "\t"),
        }[kind]()
        data = text.encode(encoding, errors="replace")
    if draw(st.integers(0, 9)) == 0:
        data = damaged(draw, data)
    return f"table.{kind}", data


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    plain = [{name: value if isinstance(value, str) else None for name, value in row.items()} for row in rows]
    names = list(dict.fromkeys(name for row in plain for name in row))
    columns = {n: pa.array([_whole(row.get(n)) for row in plain], pa.string()) for n in names}
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def _whole(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", errors="replace").decode()


def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    place = draw(st.integers(0, len(data)))
    return draw(
        st.sampled_from(
            [data[:place], data[:place] + b"\0\xff" + data[place:], data[:place] + data, b"\x1f\x8b" + data]
        )
    )


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, bytes]:
    """Name and bytes of a text file, at times damaged."""
    parts = draw(st.lists(ODD, max_size=30))
    text = draw(st.sampled_from(["\n", "\n\n", " ", "-\n", "\n\f"])).join(parts)
    data = text.encode(draw(ENCODING), errors="replace")
    if draw(st.integers(0, 9)) == 0:
        data = damaged(draw, data)
    return "text." + draw(st.sampled_from(["txt", "txt", "md", "html", "pdf", "docx"])), data


def encode(texts: Sequence[str]) -> np.ndarray:
    """Unit rows that follow from the texts."""
    hashes = [hashlib.sha512(text.encode("utf-8", "replace")).digest() for text in texts]
    rows = np.array([np.frombuffer(one, dtype=np.int8) for one in hashes], dtype=np.float32).reshape(-1, 64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


OPTIONS: dict[str, Any] = {"max_tokens": 24, "held_out": 0.2, "embargo": 1, "seed": 0}


def read_or_refuse(read: Callable[[], Any]) -> Any:
    """What is read, or None if it is refused in one line that says more than a Python error does."""
    try:
        return read()
    except ToporesError as refused:
        message = str(refused)
        assert message.strip()
        assert "\n" not in message.strip()
        assert len(message) < 1500
        return None


def check_table(folder: Path, table: tuple[str, bytes]) -> None:
    path = folder / table[0]
    path.write_bytes(table[1])
    read_or_refuse(lambda: read_rows(path))
    pairs = read_or_refuse(lambda: read_pairs(path))
    if pairs is None:
        return
    assert isinstance(pairs, PairTable)
    for text in (*pairs.articles, *pairs.meta_analyses):
        assert text.strip().lower() not in NULL_WORDS
        assert any(map(str.isalnum, text))
        assert "\0" not in text
        text.encode()
    corpus = read_or_refuse(lambda: corpus_from_pairs(pairs, TOKENIZER, encode, **OPTIONS))
    if corpus is not None:
        assert len(corpus.pairs_in("train")) > 0
        assert np.isfinite(corpus.pairs.weight).all()
        total = np.bincount(corpus.pairs.t1, corpus.pairs.weight, minlength=len(corpus.t1))
        np.testing.assert_allclose(total[total > 0], 1)


def check_texts(folder: Path, files: list[tuple[str, bytes]]) -> None:
    found = []
    for place, (name, data) in enumerate(files):
        path = folder / f"{place}-{name}"
        path.write_bytes(data)
        found.append(read_or_refuse(lambda path=path: read_text(path)))
    if None not in found:
        assert all(any(not character.isspace() for character in text.content) for text in found)
        read_or_refuse(lambda: corpus_from_texts(found[0], found[1], TOKENIZER, encode, **OPTIONS))


@given(table=tables())
@settings(max_examples=40)
def test_odd_tables(tmp_path_factory: pytest.TempPathFactory, table: tuple[str, bytes]) -> None:
    check_table(tmp_path_factory.getbasetemp(), table)


@given(files=st.lists(texts(), min_size=2, max_size=2))
@settings(max_examples=200)
def test_odd_texts(tmp_path_factory: pytest.TempPathFactory, files: list[tuple[str, bytes]]) -> None:
    check_texts(tmp_path_factory.getbasetemp(), files)


# In parts, because a test that takes many minutes is taken for one that hangs.
@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
@given(table=tables())
@settings(max_examples=700)
def test_thousands_of_odd_tables(
    tmp_path_factory: pytest.TempPathFactory,
    part: int,  # noqa: ARG001
    table: tuple[str, bytes],
) -> None:
    check_table(tmp_path_factory.getbasetemp(), table)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(5))
@given(files=st.lists(texts(), min_size=2, max_size=2))
@settings(max_examples=600)
def test_thousands_of_odd_texts(
    tmp_path_factory: pytest.TempPathFactory,
    part: int,  # noqa: ARG001
    files: list[tuple[str, bytes]],
) -> None:
    check_texts(tmp_path_factory.getbasetemp(), files)
