"""One trained tiny run for all tests that only read it, and the command as a user calls it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from topores import train
from topores.runs import Run

Call = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="session")
def tiny_options(tiny_model: Path, two_texts: tuple[Path, Path]) -> dict:
    article, meta_analysis = two_texts
    return {
        "article": article, "meta_analysis": meta_analysis, "model": str(tiny_model), "cycles": 4, "batch_size": 8,
        "learning_rate": 1e-3, "passage_tokens": 16, "device": "cpu",
    }  # fmt: skip


@pytest.fixture(scope="session")
def tiny_run(tiny_options: dict, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(**tiny_options, output=tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture
def topores(tmp_path: Path) -> Call:
    """Run the installed command in an empty folder."""

    def call(*arguments: object, cwd: Path = tmp_path, timeout: float = 300) -> subprocess.CompletedProcess:
        command = [str(Path(sys.executable).parent / "topores"), *map(str, arguments)]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False)

    return call
