"""Odd files of embeddings: each is read, or refused in one line; none fails inside topores."""

import io
import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as shapes
from safetensors.numpy import save as safetensors_bytes

from topores.analysis.analyse import analyse_source
from topores.analysis.opening import open_source
from topores.config import TopologyConfig
from topores.errors import ToporesError

KINDS = (".npy", ".NPY", ".npz", ".parquet", ".safetensors", ".csv", ".tsv", ".pt", ".pth", ".h5", ".bin", "")

numbers = st.one_of(
    st.floats(width=32), st.floats(-10, 10), st.sampled_from([0.0, -0.0, 1e308, 1e-308, 5e-324, np.inf, np.nan, 1.0])
)
arrays = st.one_of(
    shapes.arrays(
        st.sampled_from(["f2", "f4", "f8", ">f4", "i1", "i8", "u2", "?", "c8", "U3", "S2", "M8[s]"]),
        shapes.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6),
    ),
    shapes.arrays("f8", st.tuples(st.integers(0, 8), st.integers(0, 5)), elements=numbers),
    st.integers(2, 12).map(np.eye),
    st.tuples(st.integers(2, 30), st.integers(1, 8), st.integers(0, 99)).map(
        lambda size: np.random.default_rng(size[2]).normal(size=size[:2])
    ),
)
entries = st.one_of(st.none(), st.text(max_size=4), numbers, st.lists(numbers, max_size=3), st.integers())
tables = st.dictionaries(
    st.sampled_from(["id", "text", "embedding", "x", "y", "", "0"]),
    st.lists(entries, min_size=3, max_size=3),
    max_size=4,
)
cells = st.one_of(st.text("[](),;. -+eE0123456789abNaif\"'\t", max_size=6), numbers.map(str), st.just("[1, 2]"))
lines = st.lists(st.lists(cells, max_size=4), max_size=6).map(lambda rows: "\n".join(",".join(row) for row in rows))


def content(kind: str, array: np.ndarray, table: dict[str, list[object]], text: str, form: int) -> bytes:
    """A file of this kind, or something else under its name."""
    file = io.BytesIO()
    if form == 0:
        return text.encode("utf-8", "surrogatepass")
    if form == 1 or kind.lower() in (".npy", ".bin", ""):
        np.save(file, array)
    elif kind == ".npz":
        np.savez(file, array, **({"ids": np.arange(len(array))} if array.ndim else {}))
    elif kind == ".parquet":
        pq.write_table(pa.table(table), file)
    elif kind == ".safetensors":
        return safetensors_bytes({"rows": np.ascontiguousarray(array)})
    elif kind in (".pt", ".pth"):
        torch.save(torch.as_tensor(array) if form == 2 else {"rows": torch.as_tensor(array), **table}, file)
    else:
        return text.encode("utf-8", "surrogatepass")
    return file.getvalue()


files = st.tuples(
    st.sampled_from(KINDS), arrays, tables, lines, st.integers(0, 3), st.one_of(st.none(), st.floats(0, 1))
)


def write(
    folder: Path, name: str, made: tuple[str, np.ndarray, dict[str, list[object]], str, int, float | None]
) -> Path:
    kind, array, table, text, form, cut = made
    try:
        data = content(kind, array, table, text, form)
    except Exception:
        data = text.encode("utf-8", "surrogatepass")  # no library writes this
    path = folder / f"{name}{kind}"
    path.write_bytes(data if cut is None else data[: int(cut * len(data))])
    return path


def judge(made: list[tuple[object, ...]], texts: str | None, ids: str | None) -> None:
    """Analyse the files as states: a verdict, or one line that says what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        given: dict[str, object] = {"nulls": "none", "cache": "none"}
        given["checkpoint"] = [str(write(Path(folder), f"e{place}", each)) for place, each in enumerate(made)]  # type: ignore[arg-type]
        for name, lines in (("texts", texts), ("ids", ids)):
            if lines is not None:
                (Path(folder) / f"{name}.txt").write_text(lines, encoding="utf-8", errors="replace")
                given[name] = [str(Path(folder) / f"{name}.txt")]
        check_verdict_or_line(given)


def check_verdict_or_line(given: dict[str, object]) -> None:
    said = ""
    try:
        config = TopologyConfig.from_mapping(given)
        found = analyse_source(open_source(config), config, cache=None)
    except ToporesError as fault:
        said = str(fault) or "nothing\n"
    if said:
        assert "\n" not in said
        assert len(said) < 700
    else:
        assert found.verdict.sentence
        json.dumps([m.value for m in found.measurements], allow_nan=False)


odd = given(
    st.lists(files, min_size=1, max_size=2),
    st.one_of(st.none(), st.text(max_size=20)),
    st.one_of(st.none(), st.text("ab\n", max_size=20)),
)
calm = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@settings(max_examples=200, suppress_health_check=calm)
@odd
def test_odd_files_are_read_or_refused_in_one_line(made, texts, ids) -> None:
    judge(made, texts, ids)


@pytest.mark.slow
@settings(max_examples=10_000, suppress_health_check=calm)
@odd
def test_ten_thousand_odd_files(made, texts, ids) -> None:
    judge(made, texts, ids)


def test_an_archive_that_names_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w"):
        pass
    with pytest.raises(ToporesError, match="no matrix of numbers"):
        open_source(TopologyConfig.from_mapping({"checkpoint": [str(tmp_path / "a.npz")]}))
