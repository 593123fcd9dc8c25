"""Two processes that gather their texts learn the same as one process with all texts."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import topores

SCRIPT = Path(__file__).parent / "training_in_processes.py"


@pytest.mark.slow
def test_two_processes_equal_one(tiny_model: Path, sentences: tuple[list[str], list[str]], tmp_path: Path) -> None:
    one, two = (list(texts) for texts in sentences)
    # Lengths differ, so that the processes pad differently; equal texts, so that one must know those of the other.
    one[3], one[5], two[9] = one[0], "Bafid.", two[1]
    pairs = tmp_path / "pairs.json"
    pairs.write_text(json.dumps([one, two]), encoding="utf-8")
    root = str(Path(topores.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0",
         "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", str(SCRIPT), str(tiny_model), str(pairs),
         str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    train = runpy.run_path(str(SCRIPT))["train"]
    weights, losses = train(str(tiny_model), pairs, tmp_path, processes=1, gather=True)
    gathered, gathered_losses = torch.load(tmp_path / "gathered.pt", weights_only=True)
    apart, apart_losses = torch.load(tmp_path / "apart.pt", weights_only=True)
    assert gathered_losses == pytest.approx(losses, abs=1e-6)
    assert apart_losses[0] < losses[0] - 0.3  # fewer negatives
    start = _weights(tiny_model)
    moved = {name: (weights[name] - start[name]).abs().max().item() for name in start}
    assert max(moved.values()) > 1e-2
    for name, values in weights.items():
        torch.testing.assert_close(gathered[name], values, rtol=0, atol=1e-9)
    assert max((apart[name] - weights[name]).abs().max().item() for name in weights) > 1e-3


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu").state_dict()
