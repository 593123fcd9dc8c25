"""`topores train`: what a run folder holds, exact resume, and that bad input leaves nothing behind."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer

from tests.conftest import WORDS
from topores import load_run, train
from topores.domain import PAIRINGS
from topores.errors import InputError, RunError, UsageError
from topores.runs import Run

METRICS = {
    "cycle", "loss", *(f"loss_{p}" for p in PAIRINGS), "alignment", "uniformity", "rank_me", "modality_gap", "seconds",
    "uniformity_t1", "rank_me_t1", "uniformity_t2", "rank_me_t2",
    "one_minus_p", "temperature",
    *(f"{s}_{m}_{d}" for s in ("train", "held_out") for m in ("mrr", "recall_at_1") for d in ("1to2", "2to1")),
}  # fmt: skip


def weights(run: Run, cycle: int) -> dict[str, torch.Tensor]:
    return load_file(next(run.checkpoints[cycle].rglob("model.safetensors")))


def same_weights(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def without_time(metrics: list[dict]) -> list[dict]:
    return [{k: v for k, v in line.items() if k != "seconds"} for line in metrics]


def test_the_run_folder(tiny_run: Run) -> None:
    assert list(tiny_run.checkpoints) == [0, 1, 2, 4]
    assert [line["cycle"] for line in tiny_run.metrics] == [0, 1, 2, 3, 4]
    assert all(line.keys() == METRICS for line in tiny_run.metrics)
    assert {"versions", "seeds", "device", "sha256", "argv"} <= tiny_run.facts.keys()
    assert tiny_run.options.cycles == 4
    passages = pq.read_table(tiny_run.folder / "passages.parquet").to_pylist()
    assert {p["split"] for p in passages} <= {"train", "held_out", None}
    assert {p["side"] for p in passages} == {"t1", "t2"}


def test_the_first_checkpoint_is_the_base_model_and_the_last_is_not(tiny_run: Run, tiny_model: Path) -> None:
    base = load_file(next(tiny_model.rglob("model.safetensors")))
    assert same_weights(weights(tiny_run, 0), base)
    assert not same_weights(weights(tiny_run, 4), base)


def test_a_checkpoint_is_a_sentence_transformers_folder(tiny_run: Run) -> None:
    rows = SentenceTransformer(str(tiny_run.checkpoints[4]), device="cpu").encode(["a trial of aspirin", "deaths"])
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)


def test_training_lowers_the_loss_and_finds_the_training_pairs(tiny_run: Run) -> None:
    first, last = tiny_run.metrics[0], tiny_run.metrics[-1]
    assert last["loss"] < first["loss"]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run(tiny_options: dict, tiny_run: Run, tmp_path: Path) -> None:
    again = train(**tiny_options, output=tmp_path / "again")
    assert same_weights(weights(tiny_run, 4), weights(again, 4))
    assert without_time(again.metrics) == without_time(tiny_run.metrics)


@pytest.mark.slow
def test_more_cycles_by_resume_equal_more_cycles_at_once(tiny_options: dict, tiny_run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(**{**tiny_options, "cycles": 2}, output=folder)
    resumed = train(resume=True, output=folder, cycles=4)
    assert same_weights(weights(tiny_run, 4), weights(resumed, 4))
    assert without_time(resumed.metrics) == without_time(tiny_run.metrics)
    assert resumed.options.cycles == 4


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_bits(tiny_options: dict, tiny_run: Run, tmp_path: Path) -> None:
    """SIGINT anywhere saves and ends with 130; --resume ends where the run that was never stopped ended."""
    folder = tmp_path / "run"
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in tiny_options.items() if "a" not in name[:1]]
    texts = [str(tiny_options["article"]), str(tiny_options["meta_analysis"])]
    flags = [flag for flag in flags if not flag.startswith("--meta")]
    command = [sys.executable, "-m", "topores", "train", *texts, *flags, "--output", str(folder)]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while running.poll() is None and not (folder / "metrics.jsonl").exists():
        time.sleep(0.005)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode in (0, 130)  # 0: it was quicker than the signal
    if running.returncode == 130:
        assert "and saved; continue with --resume." in said
        assert "Traceback" not in said
    resumed = train(resume=True, output=folder)
    assert same_weights(weights(tiny_run, 4), weights(resumed, 4))
    assert without_time(resumed.metrics) == without_time(tiny_run.metrics)


def test_resume_says_what_will_change_the_last_digits(
    tiny_options: dict, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = train(**{**tiny_options, "cycles": 1}, output=tmp_path / "run")
    threads = torch.get_num_threads()
    assert (run.facts["device"], run.facts["threads"], run.facts["processes"]) == ("cpu", threads, 1)
    train(resume=True, output=run.folder)
    assert not [r for r in caplog.records if "continues with" in r.message]
    torch.set_num_threads(threads + 1)
    try:
        train(resume=True, output=run.folder)
    finally:
        torch.set_num_threads(threads)
    (said,) = (r.message for r in caplog.records if "continues with" in r.message)
    assert f"continues with threads = {threads + 1}, but was started with {threads}: it will not end" in said


def test_resume_refuses_options_that_differ(tiny_run: Run) -> None:
    with pytest.raises(RunError, match=r"--seed is 5, but .* was started with 0"):
        train(resume=True, output=tiny_run.folder, seed=5)
    with pytest.raises(RunError, match=r"--cycles is 1, but .* goes to 4"):
        train(resume=True, output=tiny_run.folder, cycles=1)


def test_an_output_folder_that_holds_something_else_is_not_touched(
    tiny_options: dict, tiny_run: Run, tmp_path: Path
) -> None:
    before = sorted(p.stat().st_mtime_ns for p in tiny_run.folder.rglob("*"))
    with pytest.raises(RunError, match=r"holds another run; continue it with --resume, replace it with --force"):
        train(**tiny_options, output=tiny_run.folder)
    assert sorted(p.stat().st_mtime_ns for p in tiny_run.folder.rglob("*")) == before
    (tmp_path / "thesis.docx").write_text("years of work", encoding="utf-8")
    with pytest.raises(RunError, match=r"holds other files \(thesis\.docx\)"):
        train(**tiny_options, output=tmp_path, force=True)


@pytest.mark.slow
def test_force_replaces_a_run(tiny_options: dict, tmp_path: Path) -> None:
    train(**{**tiny_options, "cycles": 2}, output=tmp_path / "run")
    again = train(**{**tiny_options, "cycles": 1}, output=tmp_path / "run", force=True)
    assert list(again.checkpoints) == [0, 1]
    assert [line["cycle"] for line in again.metrics] == [0, 1]


def test_bad_input_leaves_nothing_behind(tiny_options: dict, tmp_path: Path) -> None:
    for change in ({"article": tmp_path / "missing.txt"}, {"model": str(tmp_path)}):
        with pytest.raises((InputError, UsageError)):
            train(**{**tiny_options, **change}, output=tmp_path / "run")
        assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_no_passage_is_longer_than_the_encoder_reads(tiny_options: dict, tmp_path: Path) -> None:
    run = train(**{**tiny_options, "passage_tokens": 4000, "cycles": 1}, output=tmp_path / "run")
    assert max(p.tokens for p in (*run.corpus.t1, *run.corpus.t2)) <= 128


@pytest.mark.slow
def test_a_text_identical_to_the_other(tiny_options: dict, tmp_path: Path) -> None:
    copy = tmp_path / "copy.txt"
    copy.write_text(tiny_options["article"].read_text(encoding="utf-8") + "\n\n", encoding="utf-8")
    with pytest.raises(InputError, match="have the same text"):
        train(**{**tiny_options, "meta_analysis": copy}, output=tmp_path / "run")


def test_a_text_of_one_passage(tiny_options: dict, tmp_path: Path) -> None:
    short = tmp_path / "short.txt"
    first_words = tiny_options["article"].read_text(encoding="utf-8").split()[:3]
    short.write_text(" ".join(first_words), encoding="utf-8")
    with pytest.raises(InputError, match=r"'short\.txt' gives 1 passage"):
        train(**{**tiny_options, "article": short}, output=tmp_path / "run")


@pytest.mark.slow
def test_a_pair_file(tiny_options: dict, tmp_path: Path) -> None:
    draw = random.Random(0)
    rows = [{side: " ".join(draw.sample(WORDS, 8)) for side in ("article", "meta_analysis")} for _ in range(30)]
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    options = {k: v for k, v in tiny_options.items() if k not in ("article", "meta_analysis")}
    run = train(**options, pairs=path, output=tmp_path / "run")
    assert len(run.corpus.pairs) == 30
    assert run.corpus.pairs.share == 1
    assert len(run.corpus.pairs_in("held_out")) == 6
    assert not set(np.flatnonzero([s == "train" for s in run.corpus.split_1])) & set(
        run.corpus.pairs.t1[run.corpus.pairs_in("held_out")]
    )
    assert np.array_equal(run.corpus.pairs.t1, np.arange(30))


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["infonce", "decoupled"])
def test_both_losses_train(tiny_options: dict, tmp_path: Path, loss: str) -> None:
    run = train(**tiny_options, loss=loss, checkpoints="none", output=tmp_path / "run")
    assert list(run.checkpoints) == [4]
    assert run.metrics[-1]["loss"] < run.metrics[0]["loss"]


def test_load_run_says_what_is_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a folder"):
        load_run(tmp_path / "nothing")
    with pytest.raises(RunError, match=r"has no run\.json"):
        load_run(tmp_path)
