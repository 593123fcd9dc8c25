"""Every command reads what topores 0.1.0 wrote (tests/before): runs, checkpoints, an analysis and its report."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from topores import load_run, train
from topores.backbones.loading import open_model
from topores.cli import main

pytestmark = pytest.mark.slow

BEFORE = Path(__file__).parent / "before"
ALIAS = "topores.encoders._interventions.IntervenedTransformer"

Call = Callable[..., dict]


@pytest.fixture
def before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it; its runs name their texts and model from there."""
    folder = Path(shutil.copytree(BEFORE, tmp_path / "before"))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def call(before: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """What a command prints under --json."""

    def called(*arguments: str) -> dict:
        assert Path.cwd() == before
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([*arguments, "--json", "-q"])
        printed = capsys.readouterr()
        assert not end.value.code, printed.err
        return json.loads(printed.out)

    return called


def test_they_are_what_they_are_said_to_be() -> None:
    for name in ("within", "nulls"):
        run = load_run(BEFORE / name)
        assert run.facts["versions"]["topores"] == "0.1.0"
        assert run.options.encoder == "loreft"
        assert list(run.checkpoints) == [0, 2]
    assert list(load_run(BEFORE / "nulls").nulls) == ["frozen", "shuffled-1", "shuffled-2"]
    named = (load_run(BEFORE / "within").checkpoints[2] / "modules.json").read_text(encoding="utf-8")
    assert f'"{ALIAS}"' in named


def test_sentence_transformers_loads_a_checkpoint_through_the_alias() -> None:
    checkpoint = load_run(BEFORE / "within").checkpoints[2]
    texts = [passage.text for passage in load_run(BEFORE / "within").corpus.t1]
    rows = SentenceTransformer(str(checkpoint), device="cpu", trust_remote_code=True).encode(texts)
    assert np.abs(open_model(str(checkpoint), "cpu").encode(texts) - rows).max() < 1e-6
    assert np.abs(open_model(str(BEFORE / "model"), "cpu").encode(texts) - rows).max() > 1e-3


def test_topology(call: Call) -> None:
    said = call("topology", "--checkpoint", "within", "-o", "within.html", "--nulls", "dropout")
    assert Path(said["report"]).is_file()
    assert said["claims"]


def test_report(call: Call, before: Path) -> None:
    call("report", "nulls", "-o", "again.html")
    assert (before / "again.html").stat().st_size > 100_000


def test_compare_of_folders_and_of_the_report(call: Call) -> None:
    for first in ("nulls", "nulls.html"):
        shutil.rmtree("other", ignore_errors=True)
        shutil.copytree("nulls", "other")
        assert Path(call("compare", first, "other", "-o", "both.html")["report"]).is_file()
        Path("both.html").unlink()


@pytest.mark.parametrize("name", ["within", "nulls"])
def test_export(call: Call, before: Path, name: str) -> None:
    said = call("export", name, "-o", "model-of-it")
    assert said["needs_topores"] == (name == "within")
    assert said["difference"] < 1e-6
    model = SentenceTransformer(str(before / "model-of-it"), device="cpu", trust_remote_code=said["needs_topores"])
    assert model.encode("a").shape == (32,)


@pytest.mark.parametrize("name", ["within", "nulls"])
def test_a_run_goes_on(before: Path, name: str) -> None:
    kept = [line["loss"] for line in load_run(name).metrics]
    run = train(resume=True, output=before / name, cycles=4)
    assert [line["loss"] for line in run.metrics][: len(kept)] == kept
    assert max(run.checkpoints) == run.metrics[-1]["cycle"] == 4
    assert all(null.metrics[-1]["cycle"] == 4 for null in run.nulls.values())
    assert ALIAS not in (run.checkpoints[4] / "modules.json").read_text(encoding="utf-8")
