"""The main job through the installed command, on the texts that ship with the project."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sentence_transformers import SentenceTransformer

TOPORES = str(Path(sys.executable).parent / "topores")
DATA = Path(__file__).parent.parent / "data"

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("packaged_encoder")]


def call(*arguments: object, cwd: Path) -> subprocess.CompletedProcess:
    done = subprocess.run([TOPORES, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("demo")
    done = call("demo", "--cycles", "1", "--json", cwd=folder)
    return folder, json.loads(done.stdout)


def test_the_demo_ends_with_a_verdict_and_a_page_that_says_it(demo: tuple[Path, dict]) -> None:
    folder, result = demo
    assert result["report"] == str(Path("reports") / "demo.html")
    page = (folder / result["report"]).read_text(encoding="utf-8")
    assert result["verdict"].startswith("After 1 cycle")
    assert result["verdict"] in page
    assert {"what", "value", "null", "p"} == result["claims"][0].keys()
    assert "http://" not in page.replace("http://www.w3.org/", "")


def test_the_sample_is_long_and_aligns_in_part(demo: tuple[Path, dict]) -> None:
    folder, _ = demo
    for name in ("article.md", "meta_analysis.md"):
        assert len((DATA / "sample" / name).read_text(encoding="utf-8").split()) >= 2500
    passages = pq.read_table(folder / "runs/demo/passages.parquet").to_pylist()
    pairs = pq.read_table(folder / "runs/demo/pairs.parquet")
    assert max(p["tokens"] for p in passages) <= 96
    aligned = set(pairs["t1"].to_pylist())
    sizes = {side: sum(p["side"] == side for p in passages) for side in ("t1", "t2")}
    assert 10 <= len(aligned) < sizes["t1"]
    texts = {
        s: (DATA / "sample" / f"{n}.md").read_text(encoding="utf-8")
        for s, n in (("t1", "article"), ("t2", "meta_analysis"))
    }
    assert all(texts[p["side"]][p["start"] : p["end"]] == p["text"] for p in passages)


def test_no_neighbour_within_the_embargo_stands_on_both_sides(demo: tuple[Path, dict]) -> None:
    passages = pq.read_table(demo[0] / "runs/demo/passages.parquet").to_pylist()
    for side in ("t1", "t2"):
        split = [p["split"] for p in passages if p["side"] == side]
        assert "held_out" in split
        assert not any({a, b} == {"train", "held_out"} for a, b in pairwise(split))


def test_the_last_checkpoint_encodes(demo: tuple[Path, dict]) -> None:
    last = max((demo[0] / "runs/demo/checkpoints").iterdir())
    rows = SentenceTransformer(str(last), device="cpu").encode(["aspirin after a heart attack", "streptokinase"])
    assert rows.shape == (2, 384)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)


def test_measures_hold_every_layer_and_cloud(demo: tuple[Path, dict]) -> None:
    table = pq.read_table(next((demo[0] / "runs/demo/topology").glob("*/measures.parquet")))
    assert set(table["layer"].to_pylist()) == set(range(7))
    assert set(table["cloud"].to_pylist()) == {"t1", "t2", "union"}
    assert set(table["cycle"].to_pylist()) == {0, 1}


def test_a_pair_of_russian_texts_trains_and_the_encoder_is_named(tmp_path: Path) -> None:
    texts = [DATA / "russian" / name for name in ("article.md", "meta_analysis.md")]
    done = call(
        "train", *texts, "--cycles", "1", "--checkpoints", "none", "--output", "runs/ru", "--json", cwd=tmp_path
    )
    assert "Cyrillic" in done.stderr
    assert "multilingual" in done.stderr
    result = json.loads(done.stdout)
    assert result["cycles"] == 1
    assert result["metrics"]["cycle"] == 1
    assert "Traceback" not in done.stderr
