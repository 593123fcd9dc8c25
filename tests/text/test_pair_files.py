"""Pair files: three formats give the same table, and every fault is named with its rows."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from topores.errors import InputError
from topores.text.code_pages import code_page
from topores.text.columns import PAIR_NAMES, REQUIRED
from topores.text.pair_files import PairTable, TextTable, read_pairs, read_rows

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
    assert "unknown split 'trian' in lines 2, 3; use train, and held_out" in message
    assert "the column 'split' has 'trian' (2 rows), 'train' (1 row)" in message
    assert "--columns split=" in message
    del rows[1]["split"]
    assert "no split in line 2" in refusal(jsonl(tmp_path, [rows[0], rows[1]]))
    assert read_pairs(jsonl(tmp_path, rows), columns={"split": ""}).splits is None


@pytest.mark.parametrize("name", ["set", "subset", "partition"])
def test_other_names_of_the_split_column(tmp_path: Path, name: str) -> None:
    rows = [
        dict(row, **{name: side}) for row, side in zip(pairs(4), ["train", "dev", "validation", "test"], strict=True)
    ]
    assert read_pairs(jsonl(tmp_path, rows)).splits == ("train", "held_out", "held_out", "held_out")
    # A column of such a name may mean anything else.
    assert read_pairs(jsonl(tmp_path, [dict(row, **{name: "algebra"}) for row in rows])).splits is None


@pytest.mark.parametrize("empty", [None, "", "nan"])
def test_a_split_column_without_values_is_none(tmp_path: Path, empty: str | None) -> None:
    assert read_pairs(jsonl(tmp_path, [dict(row, split=empty) for row in pairs(3)])).splits is None


@pytest.mark.parametrize("write", [jsonl, csv, parquet])
def test_missing_columns(tmp_path: Path, write: Any) -> None:
    path = write(tmp_path, [{"id": "1", "ru": "x", "en": "y"}, {"id": "2", "ru": "z", "en": "w"}])
    message = refusal(path)
    assert "no columns for the two texts, such as article and meta_analysis, query and document" in message
    assert "--columns article=" in message
    table = read_pairs(path, columns={"article": "ru", "meta_analysis": "en"})
    assert (table.articles, table.meta_analyses, table.notes) == (("x", "z"), ("y", "w"), ())


@pytest.mark.parametrize("names", PAIR_NAMES)
@pytest.mark.parametrize("write", [jsonl, csv])
def test_columns_of_common_names(tmp_path: Path, write: Any, names: tuple[str, str]) -> None:
    rows = [{"note": "n", names[0]: row["article"], names[1]: row["meta_analysis"]} for row in pairs(3)]
    table = read_pairs(write(tmp_path, rows))
    assert (table.articles, table.meta_analyses) == (
        tuple(row["article"] for row in pairs(3)), tuple(row["meta_analysis"] for row in pairs(3)),
    )  # fmt: skip
    if names != REQUIRED:
        assert f"the column '{names[0]}' is read as the article" in table.notes[0]


@pytest.mark.parametrize("names", [("Article", "Meta-Analysis"), ("META ANALYSIS", "ARTICLE"), ("Query ", " Document")])
def test_case_spaces_and_dashes_of_a_name_do_not_count(tmp_path: Path, names: tuple[str, str]) -> None:
    rows = [{names[0]: f"One {i}.", names[1]: f"Two {i}."} for i in range(2)]
    table = read_pairs(csv(tmp_path, rows))
    first, second = ("Two", "One") if names[0].startswith("META") else ("One", "Two")
    assert table.articles == (f"{first} 0.", f"{first} 1.")
    assert table.meta_analyses == (f"{second} 0.", f"{second} 1.")


def test_article_and_meta_analysis_go_before_other_names(tmp_path: Path) -> None:
    rows = [dict(row, query="q", document="d") for row in pairs(2)]
    assert read_pairs(jsonl(tmp_path, rows)).articles == ("Article 0.", "Article 1.")
    chosen = read_pairs(jsonl(tmp_path, rows), columns={"meta_analysis": "document", "article": "article"})
    assert chosen.meta_analyses == ("d", "d")


def test_a_named_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no column 'queri', which --columns names for article.*Did you mean 'query'"):
        read_pairs(jsonl(tmp_path, [{"query": "a", "x": "b"}] * 2), columns={"article": "queri"})


def test_a_table_without_header_shows_its_texts_shortened(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(f"{'long text ' * 50},other\nmore,texts\n")
    assert len(refusal(tmp_path / "p.csv")) < 450


def test_scitldr_is_read_by_its_own_names(real_texts: Path) -> None:
    table = read_pairs(real_texts / "scitldr" / "dev.jsonl")
    assert len(table) == 618
    assert any("a pair given before in line 572" in note for note in table.notes)


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


@pytest.mark.parametrize("missing", [None, "", " \n", "nan", "NaN", "null", "None", "NA", "N/A", "#N/A", "<NA>"])
@pytest.mark.parametrize(("write", "unit"), [(jsonl, "line"), (parquet, "row")])
def test_rows_without_a_text_are_left_out_and_told(tmp_path: Path, write: Any, unit: str, missing: str | None) -> None:
    rows = pairs(9)
    for row in rows[1:7]:
        row["meta_analysis"] = missing
    table = read_pairs(write(tmp_path, rows))
    assert table.articles == ("Article 0.", "Article 7.", "Article 8.")
    assert table.ids == ("1", "2", "3")
    (note,) = table.notes
    assert f"no text in the column 'meta_analysis' in {unit}s 2, 3, 4, 5, 6 and 1 more" in note
    assert "6 rows are left out" in note
    assert (f"the first has '{missing}'" if missing and missing.strip() else "the first has nothing") in note


def test_too_few_rows_with_texts(tmp_path: Path) -> None:
    rows = pairs(3)
    rows[0]["article"] = rows[2]["meta_analysis"] = "nan"
    message = refusal(jsonl(tmp_path, rows))
    assert "no text in the column 'article' in line 1" in message
    assert "1 row is left; give at least two" in message


def test_words_that_only_begin_like_null_words_are_texts(tmp_path: Path) -> None:
    rows = [
        {"article": "Nan", "meta_analysis": "x"},
        {"article": "Nan is a name.", "meta_analysis": "Null hypotheses."},
    ]
    assert read_pairs(jsonl(tmp_path, [*rows, *pairs(1)])).articles == ("Nan is a name.", "Article 0.")


def test_an_absent_field_is_a_missing_text(tmp_path: Path) -> None:
    table = read_pairs(jsonl(tmp_path, [*pairs(2), {"meta_analysis": "x"}]))
    assert len(table) == 2
    assert "no text in the column 'article' in line 3" in table.notes[0]


@pytest.mark.parametrize(("value", "kind"), [(3, "a number"), (["x"], "a list"), (True, "true or false")])
def test_texts_that_are_none(tmp_path: Path, value: Any, kind: str) -> None:
    rows = [*pairs(2), {"article": value, "meta_analysis": "x"}]
    assert f"{kind} for 'article' in line 3" in refusal(jsonl(tmp_path, rows))


@pytest.mark.parametrize("character", ["\0", "\ud800"])
def test_lost_characters_are_left_out_and_told(tmp_path: Path, character: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text("\n".join(map(json.dumps, [*pairs(9), {"article": f"a{character}b c", "meta_analysis": "x"}])))
    table = read_pairs(path)
    assert table.articles[-1] == "ab c"
    assert "1 lost character left out" in table.notes[0]


def test_repeated_pairs(tmp_path: Path) -> None:
    rows = [*pairs(3), dict(pairs(1)[0], article="Article 0. ")]
    table = read_pairs(jsonl(tmp_path, rows))
    assert len(table) == 3
    assert "a pair given before in line 4: 1 row is left out" in table.notes[0]


def test_a_review_may_stand_with_many_articles(tmp_path: Path) -> None:
    assert len(read_pairs(jsonl(tmp_path, [dict(row, meta_analysis="One review.") for row in pairs(3)]))) == 3


def test_repeated_ids_name_documents(tmp_path: Path) -> None:
    table = read_pairs(csv(tmp_path, [dict(row, id="x" if i else "y") for i, row in enumerate(pairs(3))]))
    assert table.ids == ("y", "x", "x#2")
    assert table.documents == (("y", "x", "x"),)
    assert "the column 'id' gives 1 value to several rows" in table.notes[0]


def test_columns_of_documents(tmp_path: Path) -> None:
    rows = [dict(row, review_id=i // 2, pmid=None, user_id=1) for i, row in enumerate(pairs(4))]
    assert read_pairs(jsonl(tmp_path, rows)).documents == (("0", "0", "1", "1"), (None,) * 4)


def test_a_text_identical_to_the_other(tmp_path: Path) -> None:
    table = read_pairs(jsonl(tmp_path, [*pairs(2), {"article": "same", "meta_analysis": " same"}]))
    assert len(table) == 2
    assert "the two texts are identical in line 3: 1 row is left out" in table.notes[0]


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


@pytest.mark.parametrize("separator", list(";,\t|^"))
@pytest.mark.parametrize("line", ["sep=", "SEP=", '"sep=%"'])
def test_the_separator_line_of_excel(tmp_path: Path, separator: str, line: str) -> None:
    path = csv(tmp_path, ROWS, separator)
    line = line.replace("%", separator) if "%" in line else line + separator
    path.write_bytes(b"\xef\xbb\xbf" + line.encode() + b"\r\n" + path.read_bytes())
    assert contents(read_pairs(path)) == contents(TABLE)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32"])
def test_tables_in_other_unicode_encodings(tmp_path: Path, encoding: str) -> None:
    for path in (csv(tmp_path, ROWS, "\t"), jsonl(tmp_path, ROWS)):
        path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
        assert contents(read_pairs(path)) == contents(TABLE)


def test_a_tsv_and_empty_fields_beyond_the_header(tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("article\tmeta_analysis\na, b\tc\t\t\nd\te\n")
    assert read_pairs(tmp_path / "p.tsv").articles == ("a, b", "d")


@pytest.mark.parametrize(
    "content",
    [
        ROWS,
        {"data": ROWS},
        {"version": "1", "rows": ROWS},
        {name: [row[name] for row in ROWS] for name in ROWS[0]},
        {name: {str(i): row[name] for i, row in enumerate(ROWS)} for name in ROWS[0]},
    ],
)
def test_arrays_and_columns_of_json(tmp_path: Path, content: Any) -> None:
    for name in ("p.json", "p.jsonl") if isinstance(content, list) else ("p.json",):
        (tmp_path / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
        assert contents(read_pairs(tmp_path / name)) == contents(TABLE)


def test_lines_of_json_and_arrays_of_two_in_a_json_file(tmp_path: Path) -> None:
    path = jsonl(tmp_path, ROWS)
    assert contents(read_pairs(path.rename(tmp_path / "p.json"))) == contents(TABLE)
    (tmp_path / "two.json").write_text(json.dumps([["a", "b"], ["c", "d"]]))
    assert read_pairs(tmp_path / "two.json").meta_analyses == ("b", "d")


@pytest.mark.parametrize("content", ["{", "5", '"x"', "[1, 2]", "[[1]]", "{}", '{"a": 1}', "[]", "", "[" * 100_000])
def test_json_of_other_shapes(tmp_path: Path, content: str) -> None:
    (tmp_path / "p.json").write_text(content)
    assert "p.json" in refusal(tmp_path / "p.json")


def test_a_corpus_of_one_column(tmp_path: Path) -> None:
    rows = [{"_id": f"d{i}", "title": "", "text": f"Text {i}."} for i in range(3)]
    corpus = read_rows(jsonl(tmp_path, rows))
    assert isinstance(corpus, TextTable)
    assert (corpus.ids, corpus.texts) == (("d0", "d1", "d2"), ("Text 0.", "Text 1.", "Text 2."))
    named = read_rows(jsonl(tmp_path, [{"a1": "x", "b1": "y"}, {"a1": "z", "b1": "w"}]), columns={"text": "b1"})
    assert isinstance(named, TextTable)
    assert named.texts == ("y", "w")
    assert isinstance(read_rows(csv(tmp_path, [{"anything": "x y"}, {"anything": "z"}])), TextTable)


def test_a_pair_file_is_read_as_rows_whatever_its_split_says(tmp_path: Path) -> None:
    table = read_rows(jsonl(tmp_path, [dict(row, split="fold 3") for row in pairs(2)]))
    assert isinstance(table, PairTable)
    assert table.splits is None


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
