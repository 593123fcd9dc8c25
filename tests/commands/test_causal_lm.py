"""The control from the command line: trained, resumed, exported, analysed, and its page says what the terminal says."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from transformers import AutoModelForCausalLM

from topores import load_run, train
from topores.analysis.by_heart import by_heart
from topores.cli import main
from topores.errors import UsageError

pytestmark = pytest.mark.slow


def called(*arguments: object) -> str:
    done = CliRunner().invoke(main, [*map(str, arguments), "-q"])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_whole_job(tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "control"
    options = ["--model", tiny_model, "--passage-tokens", 24, "--encoder", "causal_lm", "--depth", 1, "--width", 32]
    called("train", *two_texts, *options, "--canaries", 2, "--cycles", 1, "--device", "cpu", "-o", folder)
    words = called("train", "--resume", "--cycles", 3, "-o", folder)
    run = load_run(folder)
    assert run.options.objective == "next_token"
    said = by_heart(run.metrics)
    assert len(said) == 6
    assert all(sentence in words for sentence in said)
    assert "exposure of canaries" in words
    page = tmp_path / "page.html"
    called("topology", "--checkpoint", folder, "--device", "cpu", "--output", page)
    assert all(sentence in page.read_text(encoding="utf-8") for sentence in said)
    called("export", folder, "-o", tmp_path / "model")
    tokens = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "model").get_input_embeddings().num_embeddings == tokens


def test_an_encoder_without_a_head_is_refused_before_anything_is_written(
    tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(
        UsageError, match=r"cannot train --encoder full: it predicts tokens, .* give --encoder causal_lm"
    ):
        train(
            article=two_texts[0], meta_analysis=two_texts[1], model=str(tiny_model), objective="next_token",
            output=tmp_path / "run",
        )  # fmt: skip
    assert not (tmp_path / "run").exists()
