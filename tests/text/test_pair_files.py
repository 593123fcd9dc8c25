"""Pair files: three formats give the same table, and every fault is named with its rows."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from topores.errors import InputError
from topores.text.code_pages import code_page
from topores.text.pair_files import PairTable, read_pairs

ROWS = [
    {"id": "a", "topic": "heart", "split": "train", "article": "Aspirin helped.", "meta_analysis": "Aspirin helps."},
    {"id": "b", "topic": "heart", "split": "dev", "article": 'A "quoted",\nlong; text', "meta_analysis": "Much, so."},
    {"id": "c", "topic": "brain", "split": "held-out", "article": "Третья статья.", "meta_analysis": "Обзор."},
]
TABLE = PairTable(
    name="",
    ids=("a", "b", "c"),
    articles=("Aspirin helped.", 'A "quoted",\nlong; text', "Третья статья."),
    meta_analyses=("Aspirin helps.", "Much, so.", "Обзор."),
    topics=("heart", "heart", "brain"),
    splits=("train", "held_out", "held_out"),
)


def jsonl(folder: Path, rows: list[Any]) -> Path:
    path = folder / "pairs.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", encoding="utf-8")
    return path


def csv(folder: Path, rows: list[dict[str, str]], delimiter: str = ",") -> Path:
    lines = [rows[0].keys(), *(row.values() for row in rows)]
    quoted = [delimiter.join('"' + str(v).replace('"', '""') + '"' for v in line) for line in lines]
    path = folder / "pairs.csv"
    path.write_text("\r\n".join(quoted), encoding="utf-8")
    return path


def parquet(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "pairs.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def pairs(count: int) -> list[dict[str, Any]]:
    return [{"article": f"Article {i}.", "meta_analysis": f"Review {i}."} for i in range(count)]


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read_pairs(path)
    message = str(refused.value)
    assert "\n" not in message
    assert refused.value.exit_code == 3
    return message


def contents(table: PairTable) -> list[Any]:
    return [table.ids, table.articles, table.meta_analyses, table.topics, table.splits]


@pytest.mark.parametrize("write", [jsonl, csv, parquet])
def test_three_formats_give_one_table(tmp_path: Path, write: Any) -> None:
    path = write(tmp_path, ROWS)
    table = read_pairs(path)
    assert contents(table) == contents(TABLE)
    assert table.name == path.name
    assert len(table) == 3


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_by_any_delimiter_with_a_mark(tmp_path: Path, delimiter: str) -> None:
    path = csv(tmp_path, ROWS, delimiter)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert contents(read_pairs(path)) == contents(TABLE)


def test_csv_with_a_header_that_is_mostly_one_word(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("note, the first;article;meta_analysis\nx,y,z;A, b;C, d\nx;E;F\n")
    assert read_pairs(tmp_path / "p.csv").articles == ("A, b", "E")


def test_csv_with_a_field_beyond_the_usual_limit(tmp_path: Path) -> None:
    import csv as standard

    usual = standard.field_size_limit(1000)
    long = "word " * 100_000
    try:
        assert read_pairs(csv(tmp_path, [*ROWS, dict(ROWS[0], id="d", article=long)])).articles[-1] == long
        assert standard.field_size_limit() == 1000
    finally:
        standard.field_size_limit(usual)


def test_optional_columns_may_be_absent(tmp_path: Path) -> None:
    table = read_pairs(jsonl(tmp_path, pairs(3)))
    assert (table.ids, table.topics, table.splits) == (("1", "2", "3"), None, None)


def test_other_columns_are_left_out_and_numbers_are_ids(tmp_path: Path) -> None:
    rows = [dict(row, id=i, topic=None, year=2001) for i, row in enumerate(pairs(2))]
    table = read_pairs(parquet(tmp_path, rows))
    assert (table.ids, table.topics) == (("0", "1"), (None, None))


def test_blank_lines_and_unicode_separators_in_jsonl(tmp_path: Path) -> None:
    rows = [{"article": "one\u2028two\u0085three", "meta_analysis": "a\r\nb"}, *pairs(1)]
    path = jsonl(tmp_path, rows)
    path.write_text("\n" + path.read_text(encoding="utf-8") + "\n \n", encoding="utf-8")
    table = read_pairs(path)
    assert table.articles[0] == "one\u2028two\u0085three"
    assert table.meta_analyses[0] == "a\nb"


@pytest.mark.parametrize(
    ("said", "meant"),
    [("train", "train"), ("TRAIN", "train"), *((s, "held_out") for s in ("held_out", "heldout", "held-out"))]
    + [(s, "held_out") for s in ("test", "dev", "validation", "valid", "val", "Dev ")],
)
def test_names_of_the_split(tmp_path: Path, said: str, meant: str) -> None:
    assert read_pairs(jsonl(tmp_path, [dict(row, split=said) for row in pairs(2)])).splits == (meant, meant)


def test_an_unknown_split(tmp_path: Path) -> None:
    rows = pairs(3)
    rows[0]["split"], rows[1]["split"], rows[2]["split"] = "train", "trian", "trian"
    message = refusal(jsonl(tmp_path, rows))
    assert "unknown split 'trian' in lines 2, 3; use train, held_out" in message
    del rows[1]["split"]
    assert "no split in line 2" in refusal(jsonl(tmp_path, [rows[0], rows[1]]))


@pytest.mark.parametrize("write", [jsonl, csv, parquet])
def test_missing_columns(tmp_path: Path, write: Any) -> None:
    message = refusal(write(tmp_path, [{"id": "1", "Article": "x", "summary": "y"}] * 2))
    assert "no column 'article' and no column 'meta_analysis'" in message
    assert "Article" in message
    assert "summary" in message
    assert "rename 'Article' to 'article'" in message


def test_scitldr_is_not_a_pair_file(real_texts: Path) -> None:
    message = refusal(real_texts / "scitldr" / "dev.jsonl")
    assert "no column 'meta_analysis'" in message
    assert "article, id, summary" in message


def test_a_column_twice(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("article,article,meta_analysis\na,b,c\nd,e,f\n")
    assert "the column 'article' twice" in refusal(tmp_path / "p.csv")


@pytest.mark.parametrize("line", ['{"article": "a"', "nonsense", "[" * 100_000])
def test_a_broken_line(tmp_path: Path, line: str) -> None:
    path = jsonl(tmp_path, pairs(2))
    path.write_text(path.read_text() + line + "\n")
    assert "line 3 is not JSON" in refusal(path)


@pytest.mark.parametrize(("row", "kind"), [(["a"], "a list"), ("text", "a text"), (None, "null"), (5, "a number")])
def test_a_line_that_is_not_an_object(tmp_path: Path, row: Any, kind: str) -> None:
    assert f"line 3 is {kind}" in refusal(jsonl(tmp_path, [*pairs(2), row]))


@pytest.mark.parametrize("missing", [None, "", " \n"])
@pytest.mark.parametrize(("write", "unit"), [(jsonl, "line"), (parquet, "row")])
def test_missing_texts(tmp_path: Path, write: Any, unit: str, missing: str | None) -> None:
    rows = pairs(9)
    for row in rows[1:8]:
        row["meta_analysis"] = missing
    message = refusal(write(tmp_path, rows))
    assert f"no text for 'meta_analysis' in {unit}s 2, 3, 4, 5, 6 and 2 more" in message


def test_an_absent_field_is_a_missing_text(tmp_path: Path) -> None:
    assert "no text for 'article' in line 3" in refusal(jsonl(tmp_path, [*pairs(2), {"meta_analysis": "x"}]))


@pytest.mark.parametrize(("value", "kind"), [(3, "a number"), (["x"], "a list"), (True, "true or false")])
def test_texts_that_are_none(tmp_path: Path, value: Any, kind: str) -> None:
    rows = [*pairs(2), {"article": value, "meta_analysis": "x"}]
    assert f"{kind} for 'article' in line 3" in refusal(jsonl(tmp_path, rows))


@pytest.mark.parametrize("character", ["\0", "\ud800"])
def test_invalid_characters_are_refused(tmp_path: Path, character: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text("\n".join(map(json.dumps, [*pairs(2), {"article": f"a{character}b", "meta_analysis": "x"}])))
    assert "in 'article' in line 3" in refusal(path)


def test_repeated_pairs(tmp_path: Path) -> None:
    rows = [*pairs(3), dict(pairs(1)[0], article="Article 0. ")]
    assert "already given in line 4" in refusal(jsonl(tmp_path, rows))


def test_a_review_may_stand_with_many_articles(tmp_path: Path) -> None:
    assert len(read_pairs(jsonl(tmp_path, [dict(row, meta_analysis="One review.") for row in pairs(3)]))) == 3


def test_repeated_ids(tmp_path: Path) -> None:
    assert "an id already given in row 3" in refusal(
        csv(tmp_path, [dict(row, id="x" if i else "y") for i, row in enumerate(pairs(3))])
    )


def test_a_text_identical_to_the_other(tmp_path: Path) -> None:
    assert "identical" in refusal(jsonl(tmp_path, [*pairs(2), {"article": "same", "meta_analysis": " same"}]))


@pytest.mark.parametrize(("count", "said"), [(0, "has no rows"), (1, "has one row")])
@pytest.mark.parametrize("name", ["p.jsonl", "p.csv", "p.parquet"])
def test_too_few_rows(tmp_path: Path, name: str, count: int, said: str) -> None:
    if name == "p.jsonl":
        (tmp_path / name).write_text("\n".join(map(json.dumps, pairs(count))))
    elif name == "p.csv":
        (tmp_path / name).write_text("article,meta_analysis\n" + "a,b\n" * count)
    else:
        kinds = pa.schema([("article", pa.string()), ("meta_analysis", pa.string())])
        pq.write_table(pa.Table.from_pylist(pairs(count), schema=kinds), tmp_path / name)
    assert said in refusal(tmp_path / name)


def test_an_empty_csv(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("")
    assert "has no rows" in refusal(tmp_path / "p.csv")


@pytest.mark.parametrize("body", ['a,b\n"c,d\n', 'a,b\n"c"x,d\n'])
def test_damaged_csv(tmp_path: Path, body: str) -> None:
    (tmp_path / "p.csv").write_text("article,meta_analysis\n" + body)
    assert "damaged CSV up to line 3" in refusal(tmp_path / "p.csv")


@pytest.mark.parametrize("record", ["c", "c,d,e"])
def test_a_row_of_another_length(tmp_path: Path, record: str) -> None:
    (tmp_path / "p.csv").write_text(f"article,meta_analysis\na,b\n{record}\n")
    assert "than the 2 fields of the header in row 2" in refusal(tmp_path / "p.csv")


@pytest.mark.parametrize("kept", [0, 10, 300])
def test_damaged_parquet(tmp_path: Path, kept: int) -> None:
    path = parquet(tmp_path, ROWS)
    path.write_bytes(path.read_bytes()[:kept])
    assert "not a valid parquet file" in refusal(path)


def test_another_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "p.xlsx").write_text("x")
    assert ".jsonl, .csv, .parquet" in refusal(tmp_path / "p.xlsx")


def test_another_encoding(tmp_path: Path) -> None:
    path = csv(tmp_path, ROWS)
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp1251"))
    assert "iconv -f CP1251" in refusal(path)


@pytest.mark.parametrize("write", [jsonl, csv, parquet])
def test_texts_decoded_wrongly(tmp_path: Path, write: Any) -> None:
    rows = [
        *pairs(2),
        *({"article": f"Статья {i} о лекарстве.\nВывод.", "meta_analysis": f"Обзор {i}."} for i in range(2)),
    ]
    damaged = [*rows[:3], {key: code_page("cp1251").misread(text) for key, text in rows[3].items()}]
    path = write(tmp_path, damaged)
    message = refusal(path)
    assert "text decoded wrongly in" in message
    assert " 4; it was decoded as cp1251" in message
    mended = read_pairs(path, repair=True)
    assert mended.articles == tuple(row["article"] for row in rows)
    assert mended.meta_analyses == tuple(row["meta_analysis"] for row in rows)


def test_the_real_pairs(real_texts: Path) -> None:
    table = read_pairs(real_texts / "article_review" / "matched_train.jsonl")
    assert len(table) == len(set(table.articles)) == len(set(table.meta_analyses)) == 114
    assert len(set(table.topics)) > 100
