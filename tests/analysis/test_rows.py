"""Rows of arrays: files told apart by their paths, rows matched by id, texts as labels."""

import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from topores.analysis.opening import open_source
from topores.analysis.rows import labels_of, read_row_texts
from topores.commands.topology import default_report
from topores.config import TopologyConfig
from topores.errors import InputError, ToporesError, UsageError

ROWS = np.random.default_rng(0).normal(size=(10, 4))


def source_of(*checkpoints: Path, **options: object):
    return open_source(TopologyConfig.from_mapping({"checkpoint": [str(c) for c in checkpoints], **options}))


def save(path: Path, rows: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, rows)
    return path


def write_lines(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("paths", "labels"),
    [
        (("e1/emb.npy", "e2/emb.npy"), ["e1/emb.npy", "e2/emb.npy"]),
        (("a/x/emb.npy", "b/x/emb.npy"), ["a/x/emb.npy", "b/x/emb.npy"]),
        (("e1/a.npy", "e2/b.npy"), ["a.npy", "b.npy"]),
        (("emb.npy", "emb.npy"), ["emb.npy", "emb.npy"]),
    ],
)
def test_equal_names_are_told_apart_by_their_folders(paths: tuple[str, ...], labels: list[str]) -> None:
    assert labels_of([Path(path) for path in paths]) == labels


def test_states_and_report_are_named_by_what_differs(tmp_path: Path) -> None:
    source = source_of(*(save(tmp_path / name / "emb.npy", ROWS) for name in ("e1", "e2")))
    assert [state.label for state in source.states] == ["e1/emb.npy", "e2/emb.npy"]
    assert source.name == "e1-emb"


def test_a_second_report_does_not_replace_one_of_other_arrays(tmp_path: Path) -> None:
    first, second = (source_of(save(tmp_path / name / "emb.npy", ROWS)) for name in ("e1", "e2"))
    report = default_report(first, tmp_path)
    assert report.name == "emb.html"
    report.write_text("")
    facts = report.with_suffix(".topology") / "protocol" / "protocol.json"
    facts.parent.mkdir(parents=True)
    facts.write_text(f'{{"states": [{{"path": "{first.states[0].path.as_posix()}"}}]}}')
    assert default_report(first, tmp_path) == report
    assert default_report(second, tmp_path).name == "e2-emb.html"


def test_rows_are_matched_by_ids_in_the_order_of_the_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    arrays = save(tmp_path / "a.npy", ROWS), save(tmp_path / "b.npy", ROWS[::-1][:7])
    names = [f"d{place}" for place in range(10)]
    ids = write_lines(tmp_path / "a.txt", *names), write_lines(tmp_path / "b.txt", *names[::-1][:7])
    with caplog.at_level(logging.INFO):
        source = source_of(*arrays, ids=list(ids))
    first, last = (source.layers_of(state, "all", None)[0] for state in source.states)
    assert np.array_equal(first, ROWS[3:])
    assert np.array_equal(last, first)
    assert "7 passages are in all arrays; up to 3 are left out" in caplog.text


def test_ids_that_the_files_hold_match_rows_too(tmp_path: Path) -> None:
    for name, order in (("a", range(10)), ("b", range(8, 1, -1))):
        lists = pa.FixedSizeListArray.from_arrays(ROWS[list(order)].ravel(), 4)
        pq.write_table(pa.table({"id": list(order), "embedding": lists}), tmp_path / f"{name}.parquet")
    source = source_of(tmp_path / "a.parquet", tmp_path / "b.parquet")
    first, last = (source.layers_of(state, "all", None)[0] for state in source.states)
    assert np.array_equal(first, ROWS[2:9])
    assert np.array_equal(last, first)


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ((["a"] * 10,), "name 'a' more than once"),
        ((["a", "b"],), "has 2 ids, and .* has 10 rows"),
        ((list("abcdefghij"), list("klmnopqrst")), "share 0 ids"),
        ((list("abcdefghij"),) * 3, "--ids was given 3 times for 2 arrays"),
    ],
)
def test_ids_that_match_nothing(ids: tuple[list[str], ...], said: str, tmp_path: Path) -> None:
    arrays = save(tmp_path / "a.npy", ROWS), save(tmp_path / "b.npy", ROWS)
    given = [write_lines(tmp_path / f"{place}.txt", *own) for place, own in enumerate(ids)]
    if len(ids) == 1:
        other = write_lines(tmp_path / "other.txt", *map(str, range(10)))
        given = [*given, other] if "more than once" in said else given
    with pytest.raises(ToporesError, match=said):
        source_of(*arrays, ids=given)


def test_without_ids_other_numbers_of_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"The arrays have 7 and 10 rows.*--ids"):
        source_of(save(tmp_path / "a.npy", ROWS), save(tmp_path / "b.npy", ROWS[:7]))


def test_texts_beside_an_array_are_its_labels(tmp_path: Path) -> None:
    lines = [f"sentence {place}" for place in range(9)]
    source = source_of(save(tmp_path / "a.npy", ROWS), texts=[write_lines(tmp_path / "t.txt", *lines, "")])
    assert source.corpus is not None
    assert [passage.text for passage in source.corpus.t1] == [*lines, ""]
    assert {name: len(rows) for name, rows in source.clouds.items()} == {"union": 10}


def test_two_texts_are_two_clouds(tmp_path: Path) -> None:
    texts = [write_lines(tmp_path / f"{n}.txt", *["words"] * n) for n in (4, 6)]
    source = source_of(save(tmp_path / "a.npy", ROWS), texts=texts)
    assert {name: len(rows) for name, rows in source.clouds.items()} == {"t1": 4, "t2": 6, "union": 10}


@pytest.mark.parametrize("count", [9, 11])
def test_another_number_of_texts_is_refused(count: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"--texts has {count} texts, and .* has 10 rows"):
        source_of(save(tmp_path / "a.npy", ROWS), texts=[write_lines(tmp_path / "t.txt", *["words"] * count)])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.txt", "one\ntwo, three\n"),
        ("t.jsonl", '"one"\n"two, three"\n'),
        ("t.jsonl", '{"id": 1, "text": "one"}\n{"id": 2, "text": "two, three"}\n'),
        ("t.csv", 'id,text\n1,one\n2,"two, three"\n'),
        ("t.csv", 'title\none\n"two, three"\n'),
    ],
)
def test_one_text_a_row(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read_row_texts(tmp_path / name) == ["one", "two, three"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", "a,b\n1,2\n", "--columns text=NAME"),
        ("t.jsonl", "{\n", "line 1"),
        ("t.jsonl", '"one"\n{"text": "two"}\n', "line 1"),
        ("t.parquet", "PAR1", "parquet"),
    ],
)
def test_texts_that_are_not_one_a_row(name: str, content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_row_texts(tmp_path / name)


def test_the_column_of_labels_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("kept,said\n1,one\n0,\n", encoding="utf-8")
    assert read_row_texts(tmp_path / "t.csv", {"text": "said"}) == ["one", ""]


def test_arrays_and_models_do_not_go_together(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(UsageError, match="give one kind of them"):
        source_of(tiny_model, save(tmp_path / "a.npy", ROWS))


def test_a_file_of_another_kind_is_named_with_the_kinds_that_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"0")
    with pytest.raises(InputError, match=r"a\.bin' is a file that topores cannot read .*\.npy, \.npz, .* and \.hdf5"):
        source_of(tmp_path / "a.bin")


def test_storage_decides_what_rounding_may_move(tmp_path: Path) -> None:
    kinds = [np.float64, np.float32, np.float16]
    source = source_of(*(save(tmp_path / f"{kind.__name__}.npy", ROWS.astype(kind)) for kind in kinds))
    assert source.roundings == (2.0**-19, 2.0**-19, 2.0**-10)
