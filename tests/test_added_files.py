"""A folder is a registry: files added to a copy of the package, and nothing else edited, work in every command."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import topores

ADDED = Path(__file__).parent / "added"
WHERE = {"scaled": "encoders", "follower": "objectives", "spread": "evaluations"}

pytestmark = pytest.mark.slow

Command = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package that has the added files."""
    folder = tmp_path_factory.mktemp("added")
    shutil.copytree(Path(topores.__file__).parent, folder / "topores", ignore=shutil.ignore_patterns("__pycache__"))
    for name, package in WHERE.items():
        shutil.copy(ADDED / f"{name}.py", folder / "topores" / package)
    return folder


@pytest.fixture(scope="module")
def run(place: Path) -> Command:
    def called(*arguments: object, python: str | None = None) -> subprocess.CompletedProcess:
        command = [sys.executable, *(["-c", python] if python else ["-m", "topores"]), *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(place)}
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (arguments, done.stderr[-3000:])
        return done

    return called


@pytest.fixture(scope="module")
def trained(run: Command, place: Path, tiny_model: Path, two_texts: tuple[Path, Path]) -> Path:
    """Two seeds; the first trained whole, and once more in two parts."""
    options = [*two_texts, "--model", tiny_model, "--passage-tokens", 16, "--encoder", "scaled", "--device", "cpu"]
    options += ["--objective", "follower"]
    run("train", *options, "--cycles", 3, "-o", "runs/whole")
    run("train", *options, "--cycles", 3, "--seed", 1, "-o", "runs/other")
    run("train", *options, "--cycles", 1, "-o", "runs/parts")
    run("train", "--resume", "--cycles", 3, "-o", "runs/parts")
    for name in ("whole", "other"):
        run("topology", "--checkpoint", f"runs/{name}", "--device", "cpu", "-q")
    return place / "runs"


def metrics(folder: Path) -> list[dict]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) | {"seconds": 0} for line in lines]


def test_it_trains_and_resumes_to_the_bit(trained: Path) -> None:
    whole, parts = metrics(trained / "whole"), metrics(trained / "parts")
    assert whole == [line for line in parts if line["cycle"] in {one["cycle"] for one in whole}]
    checkpoints = [sorted((trained / name).glob("checkpoints/*3/**/*.safetensors")) for name in ("whole", "parts")]
    assert [f.read_bytes() for f in checkpoints[0]] == [f.read_bytes() for f in checkpoints[1]]
    untrained = sorted((trained / "whole").glob("checkpoints/*0/**/*.safetensors"))
    assert [f.read_bytes() for f in checkpoints[0]] != [f.read_bytes() for f in untrained]
    assert len({line["agreement"] for line in whole}) == len(whole)


def test_it_is_evaluated(trained: Path) -> None:
    for line in metrics(trained / "whole"):
        assert line["spread_1"] > 0
        assert 0 <= line["held_out_mrr_1to2"] <= 1


def test_it_is_analysed_and_reported(run: Command, trained: Path) -> None:
    page = trained.parent / "reports" / "whole.html"
    assert "spread_1" in page.read_text(encoding="utf-8")
    run("report", "runs/whole", "-o", "again.html")
    assert (trained.parent / "again.html").is_file()


def test_it_is_compared(run: Command, trained: Path) -> None:
    found = json.loads(run("compare", "runs/whole", "reports/other.html", "--json").stdout)
    assert found["run"] == ["whole", "other"]
    assert Path(trained.parent, found["report"]).is_file()


def test_it_is_exported_and_loads_as_any_model(run: Command, trained: Path, tmp_path: Path) -> None:
    run("export", "runs/whole", "-o", tmp_path / "model")
    python = (
        "import sys, numpy\n"
        "from sentence_transformers import SentenceTransformer\n"
        "models = [SentenceTransformer(p, device='cpu', trust_remote_code=True) for p in sys.argv[1:3]]\n"
        "numpy.save(sys.argv[3], numpy.stack([m.encode(['bafid kegod', 'a trial']) for m in models]))"
    )
    checkpoint = next(trained.glob("whole/checkpoints/*3"))
    run(tmp_path / "model", checkpoint, tmp_path / "rows.npy", python=python)
    exported, own = np.load(tmp_path / "rows.npy")
    assert np.abs(exported - own).max() < 1e-6
