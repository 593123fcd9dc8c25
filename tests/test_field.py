"""What people brought and what failed once: each input gives an answer or one plain line, and what it must give."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from topores import analyse, load_run
from topores.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("packaged_encoder")]


@pytest.fixture(scope="module")
def field() -> Path:
    """Folder of collected inputs that lies beside a checkout in development, and is not part of the project."""
    folder = Path(__file__).parent.parent.parent / "shared" / "field"
    if not folder.is_dir():
        pytest.skip("the collected inputs of development are not beside this checkout")
    return folder


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def call(*arguments: object) -> tuple[int, dict[str, Any], str]:
    """Exit code, the object on stdout, and what was said."""
    done = CliRunner().invoke(main, [*map(str, arguments), "--json"])
    assert "Something inside topores failed" not in done.output, done.output
    found = json.loads(done.stdout, parse_constant=no_constant) if done.exit_code == 0 else {}
    return done.exit_code, found, done.stderr


def analysed(folder: Path, *given: object) -> dict[str, Any]:
    options = [part for one in given for part in ("--checkpoint", one)]
    code, found, said = call(
        "topology", *options, "--output", folder / "page.html", "--layers", "last", "--nulls", "dropout,resample",
        "--cache", "none",
    )  # fmt: skip
    assert code == 0, said
    return found


@pytest.mark.parametrize(
    "name",
    ["pairs12.jsonl", "pairs24.jsonl", "neardup.jsonl", "excel_sep.csv", "array.json", "nullstrings.csv"],
)
def test_pair_files_train_and_are_analysed(field: Path, tmp_path: Path, name: str) -> None:
    run = tmp_path / "run"
    code, _, said = call(
        "train", "--pairs", field / "texts" / name, "--encoder", "linear", "--cycles", 2, "--output", run
    )
    assert code == 0, said
    corpus = load_run(run).corpus
    assert not {"nan", "null", "none"} & {passage.text.strip().lower() for passage in (*corpus.t1, *corpus.t2)}
    assert analysed(tmp_path, run)["verdict"]


def test_one_licence_in_front_of_all_texts_is_named(field: Path, tmp_path: Path) -> None:
    pairs = field / "texts" / "boilerplate_all.jsonl"
    code, _, said = call("train", "--pairs", pairs, "--encoder", "linear", "--cycles", 1, "--output", tmp_path / "run")
    assert code in (0, 3)
    assert said


@pytest.mark.parametrize("name", ["art.txt", "base64.md", "nul_few.txt"])
def test_texts_train_on_what_is_text(field: Path, tmp_path: Path, name: str) -> None:
    texts, run = field / "texts", tmp_path / "run"
    code, _, said = call(
        "train", texts / name, texts / "meta.txt", "--encoder", "linear", "--cycles", 1, "--output", run
    )
    assert code == 0, said
    passages = load_run(run).corpus.t1
    assert 10 < len(passages) < 60
    assert not any("\x00" in passage.text or "base64" in passage.text for passage in passages)


@pytest.mark.parametrize(("name", "passages"), [("lines24.txt", 24), ("corpus.jsonl", 12)])
def test_a_corpus_keeps_its_rows(field: Path, name: str, passages: int) -> None:
    found = analyse("all-MiniLM-L6-v2", texts=field / "texts" / name, layers="last", nulls="none", cache="none")
    assert max(map(len, found.members.values())) == passages


@pytest.mark.parametrize("other", ["once16.npy", "onceb.npy"])
def test_storage_and_batches_are_no_change(field: Path, tmp_path: Path, other: str) -> None:
    found = analysed(tmp_path, field / "arrays" / "once32.npy", field / "arrays" / other)
    assert "deformed" not in found["verdict"]
    assert found["movement"] in ("unchanged", "")


def test_twins_are_one_text(field: Path, tmp_path: Path) -> None:
    twins = field / "arrays" / "twins"
    found = analysed(tmp_path, twins / "st_single.npy", twins / "st_chunks.npy")
    assert found["movement"] in ("unchanged", "")
    assert found["outcome"] in ("", "frozen")
