"""Files of embeddings: every common kind is read alike, and what is no matrix is named with the remedy."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

from topores.analysis.arrays import is_array_file, read_embeddings
from topores.errors import InputError, ToporesError

ROWS = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)
IDS = [f"d{place}" for place in range(9)]


def h5(path: Path, **arrays: object) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


def table(path: Path, **columns: object) -> None:
    pq.write_table(pa.table(columns), path)


LISTS = pa.FixedSizeListArray.from_arrays(ROWS.ravel(), 5)
NUMBERED = {f"x{place}": ROWS[:, place] for place in range(5)}
CSV = "\n".join(",".join(map(repr, row)) for row in ROWS.tolist())

FORMS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "npy": ("a.npy", lambda p: np.save(p, ROWS)),
    "upper case": ("A.NPY", lambda p: np.save(p.open("wb"), ROWS)),
    "column order": ("a.npy", lambda p: np.save(p, np.asfortranarray(ROWS))),
    "big endian": ("a.npy", lambda p: np.save(p, ROWS.astype(">f8"))),
    "npz": ("a.npz", lambda p: np.savez(p, emb=ROWS, ids=np.array(IDS))),
    "npz of one": ("a.NPZ", lambda p: np.savez_compressed(p.open("wb"), ROWS)),
    "parquet lists": ("a.parquet", lambda p: table(p, id=IDS, text=IDS, embedding=LISTS)),
    "parquet columns": ("a.parquet", lambda p: table(p, id=IDS, **NUMBERED)),
    "safetensors": ("a.safetensors", lambda p: save_file({"embeddings": ROWS}, p)),
    "csv": ("a.csv", lambda p: p.write_text(CSV)),
    "csv with names": ("a.csv", lambda p: p.write_text("a,b,c,d,e\n" + CSV)),
    "csv of pandas": ("a.csv", lambda p: p.write_text("0,1,2,3,4\n" + CSV)),
    "csv with ids": ("a.csv", lambda p: p.write_text("\n".join(
        ["id,a,b,c,d,e", *(f"{i},{line}" for i, line in zip(IDS, CSV.splitlines(), strict=True))]
    ))),
    "csv of lists": ("a.csv", lambda p: p.write_text("id;embedding\n" + "\n".join(
        f"{i};{json.dumps(row)}" for i, row in zip(IDS, ROWS.tolist(), strict=True)
    ))),
    "decimal commas": ("a.csv", lambda p: p.write_text(CSV.replace(",", ";").replace(".", ","))),
    "tabs": ("a.tsv", lambda p: p.write_text(CSV.replace(",", "\t"))),
    "tensor": ("a.pt", lambda p: torch.save(torch.as_tensor(ROWS), p)),
    "tensor with gradient": ("a.pth", lambda p: torch.save(torch.nn.Parameter(torch.as_tensor(ROWS)), p)),
    "tensors": ("a.pt", lambda p: torch.save([torch.as_tensor(row) for row in ROWS], p)),
    "dictionary": ("a.pt", lambda p: torch.save({"embeddings": torch.as_tensor(ROWS), "ids": IDS}, p)),
    "hdf5": ("a.h5", lambda p: h5(p, vectors=ROWS, ids=IDS)),
    "hdf5 group": ("a.hdf5", lambda p: h5(p, **{"group/vectors": ROWS})),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_what_is_plainly_a_matrix_is_read(form: str, tmp_path: Path) -> None:
    name, write = FORMS[form]
    write(tmp_path / name)
    assert is_array_file(tmp_path / name)
    found = read_embeddings(tmp_path / name)
    assert found.rows.dtype == np.float64
    assert np.array_equal(found.rows, ROWS.astype(np.float64))
    has_ids = form in ("npz", "parquet lists", "parquet columns", "csv with ids", "csv of lists", "dictionary", "hdf5")
    assert found.ids == (tuple(IDS) if has_ids else None)


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i1", "u2", "i8", "g"])
def test_every_type_of_numbers(kind: str, tmp_path: Path) -> None:
    rows = (10 * np.abs(ROWS) + 1).astype(kind)
    np.save(tmp_path / "a.npy", rows)
    assert np.array_equal(read_embeddings(tmp_path / "a.npy").rows, rows.astype(np.float64))


def test_bfloat16_is_read_as_the_numbers_that_it_holds(tmp_path: Path) -> None:
    half = torch.as_tensor(ROWS).to(torch.bfloat16)
    save_torch_file({"rows": half}, tmp_path / "a.safetensors")
    torch.save(half, tmp_path / "a.pt")
    np.save(tmp_path / "a.npy", half.view(torch.int16).numpy().view("V2"))
    for name in ("a.safetensors", "a.pt", "a.npy"):
        assert np.array_equal(read_embeddings(tmp_path / name).rows, half.double().numpy())


@pytest.mark.parametrize("size", [1e-200, 1e200, 1e300])
def test_tiny_and_huge_rows_keep_their_directions(size: float, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ROWS.astype(np.float64) * size)
    rows = read_embeddings(tmp_path / "a.npy").rows
    unit, own = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (rows, ROWS.astype(np.float64)))
    assert unit == pytest.approx(own, rel=1e-12)


FAULTS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "objects": ("a.npy", lambda p: np.save(p, np.array([{}], dtype=object)), "Python objects"),
    "booleans": ("a.npy", lambda p: np.save(p, ROWS > 0), "of bool; give numbers"),
    "complex": ("a.npy", lambda p: np.save(p, ROWS * 1j), "of complex64; give numbers"),
    "three axes": ("a.npy", lambda p: np.save(p, ROWS[None]), r"shape \(1, 9, 5\)"),
    "no columns": ("a.npy", lambda p: np.save(p, ROWS[:, :0]), r"shape \(9, 0\)"),
    "empty file": ("a.npy", lambda p: p.write_bytes(b""), "cannot be read as an array"),
    "archive by another name": ("a.npy", lambda p: np.savez(p.open("wb"), ROWS), "name it .npz"),
    "two matrices": ("a.npz", lambda p: np.savez(p, a=ROWS, b=ROWS), r"holds 2 matrices \(a \(9, 5\), b \(9, 5\)\)"),
    "no matrix": ("a.npz", lambda p: np.savez(p, a=ROWS[0]), r"no matrix of numbers \(a \(5,\)\)"),
    "objects in an archive": ("a.npz", lambda p: np.savez(p, a=np.array([{}])), "no matrix of numbers"),
    "sparse": ("a.npz", lambda p: np.savez(p, indices=[0], indptr=[0], data=[0], shape=[1]), "toarray"),
    "a model": ("a.safetensors", lambda p: save_file({"w": ROWS, "v": ROWS}, p), "give the model's folder"),
    "damaged": ("a.safetensors", lambda p: p.write_bytes(b"\x08"), "cannot be read as an array"),
    "text columns": ("a.parquet", lambda p: table(p, text=IDS, more=IDS), "no column of numbers"),
    "ragged lists": ("a.parquet", lambda p: table(p, e=[[1.0], [1.0, 2.0]]), "have 1 to 2 entries"),
    "empty entries": ("a.parquet", lambda p: table(p, x=[1.0, None], y=[1.0, 2.0]), "has 1 empty entries"),
    "two columns of lists": ("a.parquet", lambda p: table(p, a=LISTS, b=LISTS), "several columns of lists"),
    "no parquet": ("a.parquet", lambda p: p.write_text("PAR1"), "cannot be read as an array"),
    "ragged": ("a.csv", lambda p: p.write_text("1,2\n3\n"), "have 1 to 2 entries"),
    "cut lists": ("a.csv", lambda p: p.write_text("e\n[0.1 0.2 ... 0.3]\n[0.1 0.2 ... 0.4]\n"), "lists that are cut"),
    "words": ("a.csv", lambda p: p.write_text("a b\nc d\n"), "no column of numbers"),
    "nothing": ("a.csv", lambda p: p.write_text("\n\n"), "is empty"),
    "a header alone": ("a.csv", lambda p: p.write_text("a,b,c\n"), "has 0 rows"),
    "code": ("a.pt", lambda p: torch.save(FAULTS, p, pickle_module=__import__("pickle")) if False
             else torch.save(np.zeros, p), "only tensors are read"),
    "text": ("a.pt", lambda p: torch.save("hello", p), "holds a str, not a tensor"),
    "unequal tensors": ("a.pt", lambda p: torch.save([torch.ones(2), torch.ones(3)], p), "several shapes"),
    "no hdf5": ("a.h5", lambda p: p.write_text("text"), "cannot be read as an array"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_matrix_is_named(fault: str, tmp_path: Path) -> None:
    name, write, said = FAULTS[fault]
    write(tmp_path / name)
    with pytest.raises(InputError, match=said) as raised:
        read_embeddings(tmp_path / name)
    assert str(tmp_path / name) in str(raised.value)


def test_without_h5py_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.h5").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ToporesError, match="needs h5py; run pip install"):
        read_embeddings(tmp_path / "a.h5")
