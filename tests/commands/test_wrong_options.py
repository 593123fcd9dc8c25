"""No wrong option, text or model costs a file: what stood in the place of the output is there to the byte."""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from topores import train
from topores.cli import main
from topores.config import ClockConfig, TopologyConfig, TrainConfig
from topores.config.by_variant import PACKAGES, option_classes
from topores.options import choices

WRONG_TEXT = {
    "article": ["missing.txt", "empty.txt", "folder.txt", "short.txt"],
    "meta_analysis": ["missing.md", "empty.txt", "binary.txt"],
    "pairs": ["missing.csv", "no_columns.csv", "broken.jsonl", "broken.parquet", "pairs.xyz"],
    "output": ["file.txt"],
    "model": ["./missing", "damaged", "folder.txt", "nobody/has-this-model"],
    "reader": ["./missing", "damaged", "folder.txt", "nobody/has-this-model"],
    "prompt_1": ["bafid " * 125],  # no room for a passage in a model that reads 128 tokens
    "prompt_2": ["bafid " * 125],
    "checkpoints": ["often", "every:0", "1,x"],
    "layers": ["first", "-1", "99"],
    "positions": ["middle:3", "first:0", "first:99"],
    "temperature_bounds": ["wide", "0.5,0.1"],
    "weights": ["1to1", "1to3=1", "1to1=0,2to2=0,1to2=0,2to1=0"],
    # of topores topology
    "checkpoint": ["./missing", "folder.txt", "damaged"],
    "texts": ["missing.txt", "empty.txt"],
    "ids": ["missing.txt", "one.txt"],
    "nulls": ["shuffle"],
    "columns": ["article", "nothing=x", "article=no-such-column"],
    "cache": [],  # one that cannot be read or written costs time, and a warning says so
    "scheduler": ["no-address"],
    # of topores clock
    "temperatures": ["warm", "9"],
}
"""Values that cannot be, for each option of text that is not one of a few names. A new one has to be added here."""


def wrong_values(field: dataclasses.Field) -> list[str]:
    if choices(field):
        return ["no-such-name"]
    kind = str(getattr(field.type, "__name__", field.type))
    if field.type is bool:
        return []
    if "int" in kind or "float" in kind:
        return ["many", "-1"]
    return WRONG_TEXT[field.name]


def cases(fields: list[dataclasses.Field], *before: str) -> Iterator[list[str]]:
    for field in fields:
        for value in wrong_values(field):
            yield [*before, f"--{field.name.replace('_', '-')}", value]


def training_cases() -> Iterator[list[str]]:
    common = [f for f in TrainConfig.common_fields() if f.name not in ("article", "meta_analysis", "output")]
    yield from cases(common)
    for kind in PACKAGES:
        for name, config in option_classes(kind).items():
            yield from cases(list(dataclasses.fields(config)), f"--{kind}", name)
    for encoder in ("lora", "oft", "loreft"):
        yield ["--encoder", encoder, "--rank", "4000"]
    yield ["--encoder", "full", "--rank", "4"]
    yield ["--stop-at-turn"]
    yield ["--keep", "best", "--held-out", "0"]
    yield ["--device", "mps"]
    yield ["--no-such-option", "1"]
    yield ["--temperature", "1e-44"]  # the loss is not finite


@pytest.fixture(scope="module")
def place(tiny_options: dict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, and with texts and models of which nothing can be made."""
    place = tmp_path_factory.mktemp("place")
    shutil.copy(tiny_options["article"], place / "one.txt")
    shutil.copy(tiny_options["meta_analysis"], place / "two.txt")
    shutil.copytree(tiny_options["model"], place / "model")
    shutil.copytree(tiny_options["model"], place / "damaged")
    weights = next((place / "damaged").rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:1000])
    (place / "empty.txt").write_text("")
    (place / "short.txt").write_text("One sentence.")
    (place / "folder.txt").mkdir()
    (place / "file.txt").write_text("a file")
    (place / "binary.txt").write_bytes(bytes(range(256)))
    (place / "no_columns.csv").write_text("one,two\n1,2\n")
    (place / "broken.jsonl").write_text("{\n")
    (place / "broken.parquet").write_bytes(b"PAR1 and no more")
    (place / "pairs.xyz").write_text("?")
    run = train(**{**tiny_options, "cycles": 2, "null": "frozen"}, output=place / "run")
    assert (run.folder / "nulls" / "frozen").is_dir()
    return place


@pytest.fixture
def inside(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(place)
    return place


def files(folder: Path) -> dict[str, tuple[str, int]]:
    """Content and time of every file but the locks, which a command that may have to write takes."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"]
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in found
    }


def refused(folder: Path, *arguments: object, codes: tuple[int, ...] = (2, 3, 4, 5)) -> str:
    """The one line that the command says, having changed nothing in `folder`."""
    before = files(folder)
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code in codes, done.output
    assert files(folder) == before, arguments
    said = [line for line in done.stderr.splitlines() if line.startswith(("topores: ", "Error: "))]
    assert said, done.output
    return said[-1]


def start(options: list[str], *, texts: tuple[str, ...] = ("one.txt", "two.txt")) -> list[str]:
    usual = {"model": "model", "batch-size": "8", "passage-tokens": "16", "device": "cpu", "cycles": "2"}
    kept = [part for name, value in usual.items() if f"--{name}" not in options for part in (f"--{name}", value)]
    return ["train", *texts, *kept, *options, "--force", "--output", "run"]


@pytest.mark.parametrize("options", training_cases(), ids=" ".join)
def test_training(options: list[str], inside: Path) -> None:
    texts = () if "--pairs" in options else ("one.txt", "two.txt")
    said = refused(inside, *start(options, texts=texts))
    assert ("No such option" in said) == ("--no-such-option" in options)


@pytest.mark.parametrize("side", ["article", "meta_analysis"])
def test_training_on_texts_that_cannot_be(side: str, inside: Path) -> None:
    for text in WRONG_TEXT[side]:
        texts = (text, "two.txt") if side == "article" else ("one.txt", text)
        assert text.partition(".")[0] in refused(inside, *start([], texts=texts))
    refused(inside, *start([], texts=("one.txt", "one.txt")))
    refused(inside, *start([], texts=("one.txt",)))
    refused(inside, *start(["--pairs", "two.txt"]))


@pytest.mark.parametrize(
    "content", ["cycels: 3\n", "cycles: [\n", "- 3\n", "encoder: full\nrank: 4\n", "repair: perhaps\n", "loss: none\n"]
)
def test_training_with_a_file_of_options(content: str, inside: Path) -> None:
    (inside / "options.yaml").write_text(content)
    refused(inside, *start(["--config", "options.yaml"]))
    refused(inside, *start(["--config", "missing.yaml"]))


def test_every_yes_or_no_is_refused_if_it_is_neither(inside: Path) -> None:
    for field in TrainConfig.common_fields():
        if field.type is bool:
            (inside / "options.yaml").write_text(yaml.safe_dump({field.name: "perhaps"}))
            assert f"--{field.name.replace('_', '-')}" in refused(inside, *start(["--config", "options.yaml"]))


def test_training_with_a_tracker_that_is_not_there(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("topores.training.tracking.NEEDS", {"trackio": ("no_such_module",)})
    refused(inside, *start(["--track", "trackio"]))


def test_training_with_nulls_that_cannot_be(inside: Path) -> None:
    rows = [{"article": f"text {i % 2}", "meta_analysis": f"claim {i // 2}", "topic": str(i)} for i in range(4)]
    (inside / "dense.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    said = refused(inside, *start(["--pairs", "dense.jsonl", "--null", "shuffled", "--held-out", "0"], texts=()))
    assert "cannot be permuted" in said


@pytest.mark.slow
@pytest.mark.parametrize("fault", [RuntimeError("a bug"), MemoryError(), KeyboardInterrupt()], ids=repr)
def test_training_that_fails_before_it_has_trained(
    fault: BaseException, inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("topores.training.loop.take_step", fail)
    refused(inside, *start([]), codes=(70, 5, 130))


def test_training_without_memory_for_cached_views(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("topores.backbones.pooled_views.available_memory", lambda: 0)
    assert "--cached-views" in refused(inside, *start(["--encoder", "linear"]), codes=(5,))


def test_going_on_with_other_options(inside: Path) -> None:
    for options in (["--encoder", "lora"], ["--seed", "3"], ["--rank", "3"], ["--objective", "foo"], ["--cycles", "1"]):
        refused(inside, "train", "--resume", "--output", "run", *options)


def test_the_sample(inside: Path) -> None:
    (inside / "runs").mkdir(exist_ok=True)
    shutil.copytree(inside / "run", inside / "runs" / "demo", dirs_exist_ok=True)
    for options in (["--cycles", "many"], ["--cycles", "0"], ["--lang", "fr"], ["--no-such-option"]):
        refused(inside, "demo", *options)
    refused(inside, "demo", "--output", "run")  # not the place that a demo may replace


@pytest.fixture
def report(inside: Path) -> Path:
    (inside / "report.html").write_text("an old report")
    return inside / "report.html"


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", cases([f for f in dataclasses.fields(TopologyConfig) if f.name != "output"]), ids=" ".join
)
def test_the_topology(options: list[str], report: Path) -> None:
    source = [] if "--checkpoint" in options else ["--checkpoint", "model" if "--texts" in options else "run"]
    refused(report.parent, "topology", *source, *options, "-o", "report.html")


def test_the_topology_of_nothing(report: Path) -> None:
    refused(report.parent, "topology", "-o", "report.html")


def test_a_report_and_a_comparison(report: Path) -> None:
    for arguments in (["run"], ["missing"], ["run", "--lang", "fr"], ["file.txt"]):
        refused(report.parent, "report", *arguments, "-o", "report.html")
        refused(report.parent, "compare", "run", *arguments, "-o", "report.html")


def test_an_export(inside: Path) -> None:
    wrong = [["run", "--cycle", "77"], ["run", "--cycle", "x"], ["missing"], ["damaged"], ["file.txt"]]
    for arguments in wrong:
        refused(inside, "export", *arguments, "--force", "-o", "model")
    refused(inside, "export", "run", "--force", "-o", "run")


@pytest.mark.parametrize(
    "options", cases([f for f in dataclasses.fields(ClockConfig) if f.name != "output"]), ids=" ".join
)
def test_a_clock(options: list[str], inside: Path) -> None:
    done = CliRunner().invoke(
        main, ["clock", "--temperatures", "0.5", "--cycles", "10", "-o", "clock", "--report", "clock.html", "-q"]
    )
    assert done.exit_code == 0, done.output
    refused(inside, "clock", *options, "--force", "-o", "clock", "--report", "clock.html")
