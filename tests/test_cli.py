"""The command as users meet it: bad input ends in one line and the documented exit code."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from topores.cli import main

TOPORES = str(Path(sys.executable).parent / "topores")


def call(*arguments: object, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run([TOPORES, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["train"], 2, "No texts were given; give ARTICLE and META_ANALYSIS, or --pairs FILE."),
        (["train", "a.txt", "b.txt", "--cycles", "1.5"], 2, "--cycles is '1.5'; give a whole number."),
        (["train", "a.txt", "b.txt", "--loss", "infonse"], 2, "--loss is 'infonse'. Did you mean 'infonce'?"),
        (["train", "a.txt", "b.txt", "--encoder", "full2"], 2, "No encoder is called 'full2'. Did you mean 'full'?"),
        (["train", "a.txt", "b.txt"], 3, "a.txt"),
        (["train", "--pairs", "p.jsonl"], 3, "p.jsonl"),
        (["train", "--resume"], 2, "--resume needs the run folder; give --output RUN."),
        (["train", "--resume", "--output", "none"], 4, "'none' is no folder"),
        (["topology"], 2, "--checkpoint is missing"),
        (["topology", "--checkpoint", "./none"], 3, "'./none' does not exist"),
        (
            ["topology", "--checkpoint", "x.npy", "--max-degree", "9"],
            2,
            "--max-degree is 9; give a number from 0 to 3.",
        ),
        (["report", "none"], 4, "'none' is no folder"),
        (["report", "none", "--lang", "fr"], 2, "--lang is 'fr'. Choose one of: en, ru."),
        (["compare", "none", "neither", "--lang", "fr"], 2, "--lang is 'fr'. Choose one of: en, ru."),
        (["topology", "--checkpoint", "x.npy", "--lang", "rus"], 2, "--lang is 'rus'. Did you mean 'ru'?"),
        (["train", "a.txt", "b.txt", "--config", "none.yaml"], 3, "--config 'none.yaml' cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_a_code(tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    if arguments[1:3] == ["a.txt", "b.txt"] and "--encoder" in arguments:
        for name in ("a.txt", "b.txt"):
            (tmp_path / name).write_text(f"Sentence one of {name}. Sentence two.", encoding="utf-8")
    done = call(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert lines[0].startswith("topores: ")
    assert done.stdout == ""
    assert not (tmp_path / "runs").exists()


def test_an_unknown_option_is_usage(tmp_path: Path) -> None:
    done = call("train", "--cicles", "3", cwd=tmp_path)
    assert done.returncode == 2
    assert "--cycles" in done.stderr


def test_options_come_from_a_config_file_and_typed_ones_win(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("cycles: 0\nbatch-size: 0\n", encoding="utf-8")
    done = call("train", "a.txt", "b.txt", "--config", "c.yaml", "--batch-size", "4", cwd=tmp_path)
    assert done.returncode == 2
    assert "--cycles is 0" in done.stderr
    assert "--batch-size" not in done.stderr


@pytest.mark.parametrize("command", [None, *sorted(main.commands)])
def test_every_command_and_option_has_help(command: str | None) -> None:
    shown = CliRunner().invoke(main, [*([command] if command else []), "--help"], standalone_mode=False)
    assert shown.exit_code == 0
    for parameter in main.commands[command].params if command else []:
        if parameter.param_type_name == "option":
            assert parameter.help, parameter.name


def test_the_commands() -> None:
    assert {"demo", "train", "topology", "report", "doctor"} <= set(main.commands)


@pytest.mark.parametrize("arguments", [["cache"], ["demo", "--cycles", "-1"]], ids=["done", "refused"])
def test_only_who_has_done_its_part_leaves_the_other_processes(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch.distributed as processes

    monkeypatch.setenv("TOPORES_CACHE", str(tmp_path / "cache"))
    store = processes.FileStore(str(tmp_path / "store"), 1)
    processes.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert processes.is_initialized() == bool(end.value.code)
    finally:
        if processes.is_initialized():
            processes.destroy_process_group()
