"""`topores topology` on arrays: rounding is no finding, a collapse is one, and JSON stays JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from topores.cli import main


def cloud(points: int = 60, dim: int = 16) -> np.ndarray:
    rows = np.random.default_rng(0).normal(size=(points, dim)) * np.arange(1, dim + 1) ** -0.5
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def not_a_number(name: str) -> None:
    pytest.fail(f"{name} in JSON")


def run(folder: Path, *arrays: np.ndarray, options: tuple[str, ...] = ()) -> Result:
    given: list[str] = []
    for place, array in enumerate(arrays):
        np.save(folder / f"{place}.npy", array)
        given += ["--checkpoint", str(folder / f"{place}.npy")]
    report = ["--output", str(folder / "report.html"), "--cache", "none"]
    return CliRunner().invoke(main, ["topology", *given, *report, *options])


def result(folder: Path, *arrays: np.ndarray) -> dict[str, object]:
    done = run(folder, *arrays, options=("--json", "-q"))
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout, parse_constant=not_a_number)
    return found


BY_ROUNDING = {
    "half precision": lambda rows: rows.astype(np.float16),
    "bfloat16": lambda rows: (rows.view(np.uint32) & 0xFFFF0000).view(np.float32),
    "another batch": lambda rows: rows + 1e-7 * np.random.default_rng(1).normal(size=rows.shape).astype(np.float32),
    "scale": lambda rows: 3 * rows,
    "float64": lambda rows: rows.astype(np.float64) / 7,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", BY_ROUNDING)
def test_what_rounding_moves_is_unchanged(kind: str, tmp_path: Path) -> None:
    found = result(tmp_path, cloud(), BY_ROUNDING[kind](cloud()))
    assert found["movement"] == "unchanged"
    assert "no further than rounding of the stored numbers" in str(found["verdict"])
    assert "deformed" not in str(found["verdict"])
    assert "dropout" not in str(found["verdict"])
    assert "ropout noise" not in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_moves_further_than_rounding_is_reported(tmp_path: Path) -> None:
    moved = cloud() + 1e-2 * np.random.default_rng(1).normal(size=(60, 16))
    assert result(tmp_path, cloud(), moved)["movement"] == "deformed"


@pytest.mark.slow
def test_all_rows_at_one_point_are_collapsed(tmp_path: Path) -> None:
    point = np.zeros((60, 16))
    point[:, 0] = 1
    for collapsed in (point, point + 1e-8 * cloud()):
        done = run(tmp_path, cloud(), collapsed, options=("--fail-on", "collapsed"))
        assert done.exit_code == 1
        assert "the space collapsed" in done.output


@pytest.mark.slow
@pytest.mark.parametrize(
    "rows", [np.eye(30), np.vstack([np.eye(15)] * 2), np.ones((12, 3)), np.arange(1, 13.0)[:, None]]
)
@pytest.mark.parametrize("states", [1, 2])
def test_json_has_no_infinity(rows: np.ndarray, states: int, tmp_path: Path) -> None:
    found = result(tmp_path, *[rows, rows[::-1]][:states])
    for claim in found["claims"]:  # type: ignore[attr-defined]
        assert all(name in claim for name in ("what", "value", "null", "p"))
        assert None not in (claim["value"],) or "why" in claim


@pytest.mark.slow
def test_arrays_of_other_widths_have_a_linear_cka(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    result(tmp_path, cloud(), np.hstack([cloud(), cloud()[:, :3]]))
    table = pq.read_table(next(tmp_path.rglob("measures.parquet"))).to_pylist()
    (found,) = [row["value"] for row in table if row["measure"] == "linear_cka"]
    assert 0.5 < found < 1
    assert "procrustes.residual" not in {row["measure"] for row in table}


def test_texts_are_labels_in_the_page(tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(f"Sentence number {place}.\n" for place in range(60)), encoding="utf-8")
    done = run(tmp_path, cloud(), options=("--texts", str(texts)))
    assert done.exit_code == 0, done.output
    assert next(tmp_path.rglob("passages.parquet")).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("dimension", ["persistent_homology_dimension", "intrinsic_dimension"])
def test_no_dimension_beyond_the_space_is_reported(dimension: str, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    sphere = np.random.default_rng(0).normal(size=(40, 40))
    result(tmp_path, sphere, np.eye(40))
    rows = pq.read_table(next(tmp_path.rglob("measures.parquet"))).to_pylist()
    found = [row["value"] for row in rows if row["measure"] == dimension]
    assert all(0 < value <= 39 for value in found)
    assert len(found) < 2
