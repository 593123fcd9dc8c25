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
from topores.commands.export import PROBES, in_words, run_export, summary
from topores.errors import InputError, RunError
from topores.modules.loreft import LoReFT
from topores.runs import Run

PLAIN = ("full", "linear", "lora", "loreft", "oft", "rotation")


@pytest.fixture(scope="module")
def trained(tiny_options: dict, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    folder, runs = tmp_path_factory.mktemp("runs"), {}

    def of(encoder: str, **options: object) -> Run:
        name = f"{encoder}{options}"
        if name not in runs:
            output = folder / str(len(runs))
            rank = {"rank": 4} if encoder in ("lora", "loreft", "oft") else {}
            runs[name] = train(**{**tiny_options, "cycles": 2, **rank, **options}, encoder=encoder, output=output)
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
    assert not done.needs_topores
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
def test_a_module_that_no_stock_module_can_stand_for_is_kept(trained: Callable[..., Run], tmp_path: Path) -> None:
    run = trained("loreft", layers="all", positions="first:2")
    done = run_export(run.folder, tmp_path / "model")
    assert done.needs_topores
    assert summary(done)["needs_topores"] is True
    assert done.texts == len(run.corpus.t1) + len(run.corpus.t2)
    assert f'SentenceTransformer("{done.folder}", trust_remote_code=True).encode(texts)' in in_words(done)
    assert "loads where topores is installed" in in_words(done)
    texts = [p.text for p in run.corpus.t1]
    rows = SentenceTransformer(str(done.folder), device="cpu", trust_remote_code=True).encode(texts)
    assert np.abs(open_model(str(run.checkpoints[2]), "cpu").encode(texts) - rows).max() < 1e-6


def test_a_module_that_can_be_replaced_is(tiny_model: Path, tmp_path: Path) -> None:
    """A head that was saved as it is, and not through an encoder."""
    transformer, pooling, last = list(open_model(str(tiny_model), "cpu").model)
    head = LoReFT(32, 4)
    torch.nn.init.normal_(head.source.weight)
    model = SentenceTransformer(modules=[transformer, pooling, head, last], device="cpu")
    model.save(str(tmp_path / "own"), create_model_card=False)
    done = run_export(tmp_path / "own", tmp_path / "stock")
    assert not done.needs_topores
    assert "trust_remote_code" not in in_words(done)
    assert "topores" not in (tmp_path / "stock" / "modules.json").read_text(encoding="utf-8")
    rows = SentenceTransformer(str(tmp_path / "stock"), device="cpu").encode(PROBES)
    assert np.abs(rows - model.encode(PROBES)).max() < 1e-6
    assert np.abs(rows - open_model(str(tiny_model), "cpu").encode(PROBES)).max() > 1e-2


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


def with_settings(tiny_model: Path, folder: Path, **settings: object) -> Path:
    """The tiny model with settings of the model as a whole, such as prompts."""
    modules = list(open_model(str(tiny_model), "cpu").model)
    SentenceTransformer(modules=modules, device="cpu", **settings).save(str(folder), create_model_card=False)
    return folder


@pytest.mark.parametrize("encoder", ["full", "linear"])
def test_what_a_model_is_besides_its_weights_is_kept(
    encoder: str, tiny_model: Path, tiny_options: dict, tmp_path: Path
) -> None:
    prompts = {"query": "bafid: ", "document": ""}
    settings = {"prompts": prompts, "default_prompt_name": "query", "truncate_dim": 12, "similarity_fn_name": "dot"}
    base = with_settings(tiny_model, tmp_path / "base", **settings)
    run = train(**{**tiny_options, "model": str(base), "cycles": 1}, encoder=encoder, output=tmp_path / "run")
    done = run_export(run.folder, tmp_path / "plain")
    model = SentenceTransformer(str(tmp_path / "plain"), device="cpu")
    assert {name: getattr(model, name) for name in settings} == settings
    assert done.prompts == dict.fromkeys(("t1", "t2"), "bafid: ")
    assert "Prompts: T1 'bafid: '" in in_words(done)
    texts = [p.text for p in run.corpus.t1]
    rows = model.encode(texts)
    assert rows.shape == (len(texts), 12)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert np.abs(rows - open_model(str(run.checkpoints[1]), "cpu").encode(texts)).max() < 1e-6
    bare = model.encode(texts, prompt="")
    assert np.abs(rows - bare / np.linalg.norm(bare, axis=1, keepdims=True)).max() > 1e-2


def test_texts_with_prompts_of_their_own(tiny_model: Path, tiny_options: dict, tmp_path: Path) -> None:
    base = with_settings(tiny_model, tmp_path / "base", prompts={"ask": "bafid: "})
    asked = {**tiny_options, "model": str(base), "cycles": 1, "prompt_1": "ask", "prompt_2": "kegol kegol: "}
    run = train(**asked, output=tmp_path / "run")
    done = run_export(run.folder, tmp_path / "plain")
    assert 'encode(texts, prompt_name="t1"), or "t2"' in in_words(done)
    model = SentenceTransformer(str(tmp_path / "plain"), device="cpu")
    assert (model.prompts["t1"], model.prompts["t2"]) == ("bafid: ", "kegol kegol: ")
    both = [*run.corpus.t1, *run.corpus.t2]
    rows = open_model(str(run.checkpoints[1]), "cpu").encode([p.text for p in both], [p.side for p in both])
    by_hand = [model.encode(p.text, prompt={"t1": "bafid: ", "t2": "kegol kegol: "}[p.side]) for p in both]
    assert np.abs(rows - np.stack(by_hand)).max() < 1e-6


def test_the_model_at_the_output_stays_if_the_copy_differs(
    trained: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained("linear")
    run_export(run.folder, tmp_path / "model", 0)
    before = (tmp_path / "model" / "modules.json").read_bytes(), (tmp_path / "model").stat().st_ino

    def spoil(_encoder: object, checkpoint: Path, aside: Path) -> None:
        """A copy whose encode() puts something before each text, and whose weights are equal."""
        model = SentenceTransformer(str(checkpoint), device="cpu")
        model.prompts["query"], model.default_prompt_name = "bafid: ", "query"
        model.save(str(aside), create_model_card=False)

    monkeypatch.setattr("topores.commands.export._write", spoil)
    with pytest.raises(InputError, match=r"embeds texts differently, by .* so '.*model' is not written"):
        run_export(run.folder, tmp_path / "model", force=True)
    assert ((tmp_path / "model" / "modules.json").read_bytes(), (tmp_path / "model").stat().st_ino) == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
