"""What is told of texts before anything is trained."""

import json
from pathlib import Path

import pytest

from tests.conftest import WORDS
from topores import train


def test_rows_made_from_one_template_are_trained_on_and_told(
    tiny_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    start, end = " ".join(WORDS[:12]), " ".join(WORDS[12:24])
    rows = [
        {"article": f"{start} {word} {end}", "meta_analysis": f"{end} {word} {start}"} for word in WORDS[30:54]
    ]  # fmt: skip
    (tmp_path / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    run = train(
        pairs=tmp_path / "pairs.jsonl", model=str(tiny_model), cycles=1, device="cpu", output=tmp_path / "run"
    )  # fmt: skip
    assert len(run.corpus.pairs_in("train")) == 24
    assert "Nothing is held out, because all 24 pairs repeat one another but for a few words, or are of" in caplog.text
    assert "too short" not in caplog.text
    # All 48 texts are of the same words, so one of them repeats none. They are joined by far more pairs of texts.
    assert "'pairs.jsonl': 47 texts repeat others but for a few words" in caplog.text
