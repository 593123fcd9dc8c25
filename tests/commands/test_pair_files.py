"""Pair files from the command line to the report: few pairs, other names, and a split that leaves nothing."""

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import WORDS
from topores.cli import main
from topores.runs import load_run


def rows(count: int, **others: Any) -> list[dict[str, Any]]:
    draw = random.Random(0)
    found = []
    for i in range(count):
        words = draw.sample(WORDS, 12)
        again = [*draw.sample(WORDS, 4), *words[4:]]
        texts = {"question": " ".join(words).capitalize() + ".", "answer": " ".join(again).capitalize() + "."}
        found.append({**texts, **others, "number": i})
    return found


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    "count", [pytest.param(2, marks=pytest.mark.slow), pytest.param(4, marks=pytest.mark.slow), 12]
)
def test_few_pairs_train_and_give_a_report(tmp_path: Path, tiny_model: Path, count: int) -> None:
    pairs = tmp_path / "qa.jsonl"
    pairs.write_text("\n".join(map(json.dumps, rows(count))))
    run, page = tmp_path / "run", tmp_path / "page.html"
    options = ["--model", tiny_model, "--encoder", "linear", "--cycles", 2, "--device", "cpu", "-q"]
    assert call("train", "--pairs", pairs, "--output", run, *options) == 0
    options = ["--device", "cpu", "-q", "--cache", "none", "--layers", "last", "--nulls", "none"]
    assert call("topology", "--checkpoint", run, "--output", page, *options) == 0
    assert "the column" in json.loads((run / "run.json").read_text())["texts"][0]
    assert "What was left out or changed when the texts were read" in page.read_text(encoding="utf-8")


def test_a_split_that_leaves_nothing_to_train_on_leaves_no_folder(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = tmp_path / "qa.csv"
    with pairs.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["question", "answer", "split", "number"], delimiter=";")
        writer.writeheader()
        writer.writerows(rows(8, split="dev"))
    assert call("train", "--pairs", pairs, "--output", tmp_path / "run", "--model", tiny_model, "--device", "cpu") == 3
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert "the column 'split' has 'dev' (8 rows), so no pair is left to train on" in told
    assert not (tmp_path / "run").exists()
    options = ["--columns", "split=", "--model", tiny_model, "--encoder", "linear", "--cycles", 1, "--device", "cpu"]
    assert call("train", "--pairs", pairs, "--output", tmp_path / "run", *options) == 0


@pytest.mark.slow
def test_models_beside_pairs_give_retrieval(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs, run = tmp_path / "qa.jsonl", tmp_path / "run"
    pairs.write_text("\n".join(map(json.dumps, rows(12))))
    common = ["--texts", pairs, "--output", tmp_path / "x.html", "--device", "cpu", "--quiet"]
    common += ["--layers", "last", "--nulls", "none", "--cache", "none"]
    assert call("topology", "--checkpoint", tiny_model, *common) == 0
    assert "the given pairs are found with MRR" in capsys.readouterr().out
    options = ["--output", run, "--model", tiny_model, "--encoder", "linear", "--cycles", 5, "--device", "cpu", "-q"]
    assert call("train", "--pairs", pairs, *options) == 0
    states = [option for path in load_run(run).checkpoints.values() for option in ("--checkpoint", path)]
    assert call("topology", *states, *common) == 0
    told = capsys.readouterr().out
    assert "From cycle-000000000000 to cycle-000000000005 retrieval of the given pairs went from MRR" in told
    assert "over 24 queries" in told
