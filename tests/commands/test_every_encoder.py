"""Every encoder through every command: trained, resumed, analysed, exported, compared, reported."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from sentence_transformers import SentenceTransformer

from topores import load_run, variants
from topores.backbones.loading import open_model
from topores.cli import main

pytestmark = pytest.mark.slow

ENCODERS = variants.names("topores.encoders")
OPTIONS: dict[str, list[object]] = {
    "causal_lm": ["--depth", 1, "--width", 32],
    "gla": ["--transfer-steps", 2],
    "rwkv": ["--transfer-steps", 2],
    "feedback": ["--rank", 4],
    "lora": ["--rank", 4],
    "loreft": ["--rank", 4],
}


def called(*arguments: object) -> dict[str, Any]:
    """What a command prints under --json."""
    done = CliRunner().invoke(main, [*map(str, arguments), "--json", "-q"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_whole_job(encoder: str, tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path) -> None:
    run, again = tmp_path / "one", tmp_path / "two"
    cycles = 1 if encoder == "relative_rotation" else 2
    for folder, seed in ((run, 0), (again, 1)):
        called(
            "train", *two_texts, "--model", tiny_model, "--encoder", encoder.replace("_", "-"), "--passage-tokens", 16,
            "--cycles", 1, "--seed", seed, "--folds", 1, "--null", "none", "--device", "cpu", "-o", folder,
            *OPTIONS.get(encoder, []),
        )  # fmt: skip
    resumed = called("train", "--resume", "--cycles", cycles, "-o", run)
    assert resumed["cycles"] == cycles
    assert [line["cycle"] for line in load_run(run).metrics] == list(range(cycles + 1))
    page = tmp_path / "page.html"
    found = called("topology", "--checkpoint", run, "--nulls", "resample", "--device", "cpu", "--output", page)
    assert found["verdict"].startswith(f"After {cycles} cycle")
    written = page.read_text(encoding="utf-8")
    page.unlink()
    called("report", run, "--output", page)
    assert len(page.read_text(encoding="utf-8")) == pytest.approx(len(written), rel=0.01)
    model = tmp_path / "model"
    called("export", run, "--output", model)
    texts = [passage.text for passage in load_run(run).corpus.t1[:4]]
    sides = ["t1"] * len(texts)
    last = list(load_run(run).checkpoints.values())[-1]
    rows = [open_model(str(folder), "cpu").encode(texts, sides) for folder in (last, model)]
    assert np.abs(rows[0] - rows[1]).max() < 1e-5
    assert SentenceTransformer(str(model), device="cpu", trust_remote_code=True).encode(texts[:1], task="t1").any()
    called("topology", "--checkpoint", again, "--nulls", "none", "--device", "cpu", "--output", tmp_path / "other.html")
    compared = called("compare", run, again, "--output", tmp_path / "compared.html")
    assert "one" in compared["verdict"]
    assert Path(compared["report"]).stat().st_size > 10_000
