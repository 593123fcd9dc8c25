"""Files of embeddings: what is plainly a matrix is read; anything else is named, with the remedy."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from topores.errors import InputError, ToporesError, UsageError
from topores.topology.rounding import row_rounding

ID_NAMES = ("id", "ids", "_id", "key", "keys", "name", "names", "index", "__index_level_0__")
"""Names of columns and arrays that tell rows apart, and are no coordinates."""

HUGE = 1e100
"""Coordinates beyond this, or below its inverse, are scaled, so that their squares stay in range."""

MODEL = "; if this holds a model's weights, give the model's folder to --checkpoint"


class Embeddings(NamedTuple):
    """What a file holds: one row per passage, and their ids where it has some."""

    rows: np.ndarray
    """As stored; `check_rows` makes float64 of it."""
    ids: tuple[str, ...] | None = None
    rounding: float = 0.0
    """How far rounding may move a row of length 1, by how the file stores it."""


def is_array_file(path: Path) -> bool:
    """Whether the name is that of a file of embeddings."""
    return path.suffix.lower() in READERS and not path.is_dir()


def read_embeddings(path: Path) -> Embeddings:
    """The matrix in a file, checked.

    Raises:
        InputError: The file is missing or damaged, or holds no matrix of numbers, or more than one.
    """
    if not path.is_file():
        raise InputError(f"'{path}' does not exist; give a .npy file of embeddings, or one of {kinds()}.")
    try:
        found = READERS[path.suffix.lower()](path)
    except (ToporesError, MemoryError):
        raise
    except Exception as fault:
        raise InputError(
            f"'{path}' cannot be read as an array ({_first_line(fault)}); save one with numpy.save."
        ) from fault
    rows = check_rows(path, found.rows)
    return Embeddings(rows, found.ids, row_rounding(found.rows))


def kinds() -> str:
    """All suffixes that are read, in words."""
    *most, last = READERS
    return f"{', '.join(most)} and {last}"


def check_rows(path: Path, array: np.ndarray) -> Float[np.ndarray, "rows dim"]:
    """`array` as float64 rows that have a direction.

    Raises:
        InputError: Not a matrix of finite numbers, fewer than two rows, or a row of zeros.
    """
    if array.ndim != 2 or array.dtype.kind not in "iuf" or not array.shape[1]:
        raise InputError(f"'{path}' has shape {array.shape} of {array.dtype}; give numbers as (passages, dim).")
    if len(array) < 2:
        raise InputError(f"'{path}' has {len(array)} rows; give at least 2.")
    with np.errstate(over="ignore"):
        array = array.astype(np.float64)
    broken = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(broken):
        raise InputError(
            f"'{path}' has NaN or infinity in {len(broken)} rows, the first is row {broken[0]}; remove them."
        )
    largest = np.abs(array).max(axis=1)
    if not largest.all():
        raise InputError(f"Row {int(np.argmin(largest))} of '{path}' is all zeros, so it has no direction; remove it.")
    if largest.max() > HUGE or largest.min() < 1 / HUGE:
        array = np.ldexp(array, -np.frexp(largest)[1][:, None])
    return array


# One function per kind of file.


def _npy(path: Path) -> Embeddings:
    try:
        array = np.load(path, allow_pickle=False)
    except ValueError as fault:
        if "allow_pickle" in str(fault):
            raise InputError(
                f"'{path}' cannot be read as an array, because it holds Python objects, which may run code; save "
                "np.stack(rows) with numpy.save."
            ) from fault
        raise
    if not isinstance(array, np.ndarray):
        raise InputError(f"'{path}' cannot be read as an array (it is an archive); name it .npz.")
    return Embeddings(_from_bfloat16(array))


def _from_bfloat16(array: np.ndarray) -> np.ndarray:
    """Numbers of ml_dtypes.bfloat16, which NumPy stores as two bytes without a type; else `array`."""
    if array.dtype != np.dtype("V2"):
        return array
    return (np.ascontiguousarray(array).view(np.uint16).astype(np.uint32) << 16).view(np.float32)


def _npz(path: Path) -> Embeddings:
    with np.load(path, allow_pickle=False) as stored:
        names = set(stored.files)
        if {"indices", "indptr", "data", "shape"} <= names:
            raise InputError(f"'{path}' holds a sparse matrix; save matrix.toarray() with numpy.save.")
        arrays = {name: _readable(lambda name=name: stored[name]) for name in stored.files}  # type: ignore[misc]
    return _only_matrix(path, {name: _from_bfloat16(array) for name, array in arrays.items() if array is not None})


def _readable(read: Callable[[], np.ndarray]) -> np.ndarray | None:
    """An array of an archive; None if it holds Python objects, which are not read."""
    try:
        return read()
    except ValueError as fault:
        if "allow_pickle" in str(fault):
            return None
        raise


def _safetensors(path: Path) -> Embeddings:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as stored:
        return _only_matrix(path, {name: _of_tensor(stored.get_tensor(name)) for name in stored.keys()})  # noqa: SIM118


def _torch(path: Path) -> Embeddings:
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as fault:
        # By name: no module of topores imports pickle.
        if type(fault).__name__ != "UnpicklingError":
            raise
        raise InputError(
            f"'{path}' holds more than tensors, or is damaged; only tensors are read, since others may run code. "
            "Save one with torch.save(torch.as_tensor(rows), path)."
        ) from fault
    if isinstance(found, torch.Tensor):
        return Embeddings(_of_tensor(found))
    if isinstance(found, list | tuple) and found and all(isinstance(row, torch.Tensor) for row in found):
        if len({tuple(row.shape) for row in found}) > 1 or found[0].ndim != 1:
            raise InputError(f"'{path}' holds tensors of several shapes; save torch.stack(rows) of equally long rows.")
        return Embeddings(_of_tensor(torch.stack(list(found))))
    if isinstance(found, Mapping):
        flat = {str(name): value for name, value in found.items()}
        ids = next(
            (tuple(map(str, flat[n])) for n in flat if n.lower() in ID_NAMES and isinstance(flat[n], list)), None
        )
        tensors = {name: _of_tensor(value) for name, value in flat.items() if isinstance(value, torch.Tensor)}
        matrix = _only_matrix(path, tensors)
        return matrix if ids is None or len(ids) != len(matrix.rows) else Embeddings(matrix.rows, ids)
    raise InputError(f"'{path}' holds a {type(found).__name__}, not a tensor; save one with torch.save(rows, path).")


def _of_tensor(tensor: Any) -> np.ndarray:
    """A tensor as NumPy reads it: types that it lacks, such as bfloat16, as float32."""
    import torch

    dense = tensor.detach()
    dense = dense.dequantize() if dense.is_quantized else dense
    dense = (dense.to_dense() if dense.layout != torch.strided else dense).cpu()
    lacking = dense.is_floating_point() and dense.dtype not in (torch.float16, torch.float32, torch.float64)
    found: np.ndarray = (dense.float() if lacking else dense).resolve_conj().resolve_neg().numpy()
    return found


def _hdf5(path: Path) -> Embeddings:
    try:
        import h5py
    except ImportError as fault:
        raise UsageError(
            f"'{path}' needs h5py; run pip install 'topores[hdf5]', or save it with numpy.save."
        ) from fault
    found: dict[str, np.ndarray] = {}

    def take(name: str, part: Any) -> None:
        if isinstance(part, h5py.Dataset) and part.shape is not None:
            found[name] = part.asstr()[...] if h5py.check_string_dtype(part.dtype) else part[...]

    with h5py.File(path, "r") as stored:
        stored.visititems(take)
    return _only_matrix(path, found)


def _parquet(path: Path) -> Embeddings:
    import pyarrow.parquet as pq

    table = pq.ParquetFile(path).read()
    columns = {name: table.column(place) for place, name in enumerate(table.column_names)}
    return _of_columns(path, {name: _values_of(path, name, column) for name, column in columns.items()})


def _values_of(path: Path, name: str, column: Any) -> np.ndarray:
    """A column as numbers, as rows of numbers where it holds lists, or as text."""
    import pyarrow as pa

    kind = column.type
    if column.null_count and not pa.types.is_string(kind):
        raise InputError(
            f"Column '{name}' of '{path}' has {column.null_count} empty entries; fill or remove those rows."
        )
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _stack_lists(path, name, column.to_pylist())
    return np.asarray(column.to_numpy(zero_copy_only=False) if hasattr(column, "to_numpy") else column.to_pylist())


def _stack_lists(path: Path, name: str, rows: Sequence[Any]) -> np.ndarray:
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise InputError(
            f"Rows of column '{name}' of '{path}' have {min(lengths)} to {max(lengths)} entries; make them equal."
        )
    found = np.array(rows)
    if found.dtype.kind not in "iuf":
        raise InputError(f"Column '{name}' of '{path}' holds lists of other things than numbers; remove or repair it.")
    return found


def _csv(path: Path) -> Embeddings:
    text = path.read_text(encoding="utf-8-sig")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError(f"'{path}' is empty; give one row of numbers per passage.")
    alone = any(line.lstrip(' "').startswith("[") for line in lines[:2])
    delimiter = next((mark for mark in "\t;," if mark in lines[0]), "," if alone else " ")
    records = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    widths = {len(record) for record in records}
    if len(widths) > 1:
        raise InputError(f"Rows of '{path}' have {min(widths)} to {max(widths)} entries; give every row the same.")
    if delimiter in ";\t":
        records = [[_with_point(entry) for entry in record] for record in records]
    names = records.pop(0) if _names_columns(records[0]) else [f"column {k + 1}" for k in range(len(records[0]))]
    columns = list(zip(*records, strict=True)) or [()] * len(names)
    told_apart = _told_apart([name or "index" for name in names])
    return _of_columns(path, {n: _parse_column(path, n, column) for n, column in zip(told_apart, columns, strict=True)})


def _with_point(entry: str) -> str:
    """A number with a decimal comma, as spreadsheets write it in many countries, with a point."""
    pointed = entry.replace(",", ".")
    return pointed if entry.count(",") == 1 and _is_number(pointed) else entry


def _names_columns(first: Sequence[str]) -> bool:
    """Whether a first line is a header: no number in it, or 0, 1, 2, ... as pandas names columns."""
    counted = [str(place) for place in range(len(first))]
    if len(first) > 2 and (list(first) == counted or list(first) == ["", *counted[:-1]]):
        return True
    return not any(_is_number(entry) or entry.startswith("[") for entry in first)


def _told_apart(names: Sequence[str]) -> list[str]:
    return [name if names.count(name) == 1 else f"{name} {place + 1}" for place, name in enumerate(names)]


def _is_number(entry: str) -> bool:
    try:
        float(entry)
    except ValueError:
        return False
    return True


def _parse_column(path: Path, name: str, entries: Sequence[str]) -> np.ndarray:
    """A column of a table of text: numbers, lists of numbers in brackets, or text."""
    if entries and all(entry.strip().startswith("[") for entry in entries):
        try:
            return _stack_lists(path, name, [json.loads(entry) for entry in entries])
        except (ValueError, TypeError) as fault:
            raise InputError(
                f"Column '{name}' of '{path}' has lists that are cut or not separated by commas; save the rows with "
                "numpy.save."
            ) from fault
    if all(_is_number(entry) for entry in entries):
        return np.array([float(entry) for entry in entries])
    return np.array(entries, dtype=object)


def _of_columns(path: Path, columns: Mapping[str, np.ndarray]) -> Embeddings:
    """The matrix of a table: its only column of lists, or else its columns of numbers."""
    named = {
        name: values for name, values in columns.items() if name.lower() in ID_NAMES or values.dtype.kind not in "iufb"
    }
    ids = _ids_among(named)
    lists = [name for name, values in columns.items() if values.ndim == 2]
    if len(lists) > 1:
        raise InputError(f"'{path}' has several columns of lists ({', '.join(lists[:5])}); keep the one that is meant.")
    if lists:
        return Embeddings(columns[lists[0]], ids)
    numbers = [name for name in columns if name not in named and columns[name].dtype.kind in "iuf"]
    if not numbers:
        raise InputError(
            f"'{path}' has no column of numbers (it has {', '.join(list(columns)[:5]) or 'none'}); give one row of "
            "numbers per passage."
        )
    unclear = [name for name in named if name.lower() not in ID_NAMES and len(numbers) > 1]
    if len(unclear) > max(2, len(numbers)):
        raise InputError(f"'{path}' has text in most columns ({', '.join(unclear[:5])}); keep the numbers and an id.")
    return Embeddings(np.column_stack([columns[name] for name in numbers]), ids)


def _ids_among(named: Mapping[str, np.ndarray]) -> tuple[str, ...] | None:
    """The first column or array by a name for ids, as text."""
    found = next((values for name, values in named.items() if name.lower() in ID_NAMES and values.ndim == 1), None)
    return None if found is None else tuple(_as_id(value) for value in found.tolist())


def _as_id(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _only_matrix(path: Path, arrays: Mapping[str, np.ndarray]) -> Embeddings:
    """The only matrix among named arrays, with the ids that have as many rows."""
    matrices = {name: array for name, array in arrays.items() if array.ndim == 2 and array.dtype.kind in "iuf"}
    if len(matrices) != 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in list((matrices or arrays).items())[:4])
        what = f"{len(matrices)} matrices" if matrices else "no matrix of numbers"
        raise InputError(
            f"'{path}' holds {what} ({shapes or 'nothing'}); save the one that is meant alone with numpy.save{MODEL}."
        )
    rows = next(iter(matrices.values()))
    ids = _ids_among({name.split("/")[-1]: array for name, array in arrays.items() if len(array.shape) == 1})
    return Embeddings(rows, ids if ids is not None and len(ids) == len(rows) else None)


def _first_line(fault: Exception) -> str:
    return (str(fault) or type(fault).__name__).split("\n")[0][:120]


READERS: dict[str, Callable[[Path], Embeddings]] = {
    ".npy": _npy, ".npz": _npz, ".parquet": _parquet, ".safetensors": _safetensors, ".csv": _csv, ".tsv": _csv,
    ".pt": _torch, ".pth": _torch, ".h5": _hdf5, ".hdf5": _hdf5,
}  # fmt: skip
"""By suffix, in lower case."""
