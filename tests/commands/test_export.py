"""`topores export`: a plain model that does what the checkpoint does."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from topores import train
from topores.backbones.loading import open_model
from topores.commands.export import run_export
from topores.errors import InputError, RunError
from topores.runs import Run

PLAIN = ("full", "linear", "lora", "loreft", "oft", "rotation")


@pytest.fixture(scope="module")
def trained(tiny_options: dict, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    folder, runs = tmp_path_factory.mktemp("runs"), {}

    def of(encoder: str, **options: object) -> Run:
        name = f"{encoder}{options}"
        if name not in runs:
            output = folder / str(len(runs))
            runs[name] = train(**{**tiny_options, "cycles": 2, "rank": 4, **options}, encoder=encoder, output=output)
        return runs[name]

    return of


@pytest.mark.slow
@pytest.mark.parametrize("encoder", PLAIN)
def test_it_gives_the_rows_of_the_checkpoint(encoder: str, trained: Callable[..., Run], tmp_path: Path) -> None:
    run = trained(encoder)
    done = run_export(run.folder, tmp_path / "plain")
    assert done.checkpoint == run.checkpoints[2]
    assert done.difference < 1e-6
    assert done.texts == len(run.corpus.t1) + len(run.corpus.t2)
    assert done.by_side == (encoder == "rotation")
    texts = [p.text for p in run.corpus.t1]
    task = {"task": "t1"} if done.by_side else {}
    rows = SentenceTransformer(str(tmp_path / "plain"), device="cpu").encode(texts, **task)
    ours = open_model(str(run.checkpoints[2]), "cpu").encode(texts, ["t1"] * len(texts))
    assert np.abs(rows - ours).max() < 1e-6
    assert not (tmp_path / "plain" / "adapter").exists()


@pytest.mark.slow
def test_it_needs_no_topores(trained: Callable[..., Run], tmp_path: Path) -> None:
    for encoder in PLAIN:
        run_export(trained(encoder).folder, tmp_path / encoder)
    code = (
        "import sys\nfrom sentence_transformers import SentenceTransformer\n"
        f"for name in {PLAIN}: SentenceTransformer(name, device='cpu').encode('one')\n"
        "assert not [m for m in sys.modules if m.startswith('topores')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


@pytest.mark.slow
def test_a_cycle_or_a_checkpoint_may_be_named(trained: Callable[..., Run], tmp_path: Path) -> None:
    run = trained("linear")
    first = run_export(run.folder, tmp_path / "a", 0)
    assert first.checkpoint == run.checkpoints[0]
    assert run_export(run.checkpoints[1], tmp_path / "b").texts == first.texts
    with pytest.raises(RunError, match=r"keeps no checkpoint of cycle 7; it has 0, 1, 2\.$"):
        run_export(run.folder, tmp_path / "c", 7)


def test_only_a_model_is_replaced(trained: Callable[..., Run], tmp_path: Path) -> None:
    run = trained("linear")
    run_export(run.folder, tmp_path / "model")
    with pytest.raises(RunError, match="exists; give another --output, or --force"):
        run_export(run.folder, tmp_path / "model")
    run_export(run.folder, tmp_path / "model", 0, force=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(RunError, match=r"'.*mine' exists; give another --output\.$"):
        run_export(run.folder, tmp_path / "mine", force=True)
    assert (tmp_path / "mine" / "thesis.txt").exists()


@pytest.mark.slow
def test_loreft_inside_the_transformer_has_no_plain_form(trained: Callable[..., Run], tmp_path: Path) -> None:
    run = trained("loreft", layers="all", positions="first:2")
    with pytest.raises(InputError, match="LoReFT inside the transformer, which no stock module does"):
        run_export(run.folder, tmp_path / "plain")
    assert not (tmp_path / "plain").exists()
    texts = [p.text for p in run.corpus.t1]
    known = SentenceTransformer(str(run.checkpoints[2]), device="cpu", trust_remote_code=True).encode(texts)
    assert np.abs(open_model(str(run.checkpoints[2]), "cpu").encode(texts) - known).max() < 1e-6


def test_a_map_that_cannot_be_undone_is_told(
    trained: Callable[..., Run], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = SentenceTransformer(str(trained("linear").checkpoints[2]), device="cpu")
    run_export(trained("linear").folder, tmp_path / "sound")
    assert "condition number" not in caplog.text
    with torch.no_grad():
        model[2].linear.weight[0] = model[2].linear.weight[1]
    model.save(str(tmp_path / "singular"), create_model_card=False)
    run_export(tmp_path / "singular", tmp_path / "plain")
    assert "condition number" in caplog.text


@pytest.mark.slow
def test_the_command(trained: Callable[..., Run], topores: Callable, tmp_path: Path) -> None:
    run = trained("rotation")
    done = topores("export", run.folder, "-o", tmp_path / "plain", "--json", "-q")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["folder"] == str(tmp_path / "plain")
    assert said["by_side"]
    again = topores("export", run.folder, "-o", tmp_path / "plain")
    assert again.returncode == 4
    assert again.stderr.count("\n") == 1
