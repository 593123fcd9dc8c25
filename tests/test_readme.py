"""What the README shows is what happens."""

import re
from pathlib import Path

import pytest

from topores.cli import main
from topores.config.train import every_option

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
EXAMPLES = [code for code in re.findall(r"```python\n(.*?)```", README, re.S) if "topores.topology" in code]


@pytest.mark.parametrize("code", EXAMPLES)
def test_examples_print_what_stands_beside_them(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out.strip().splitlines()
    promised = re.findall(r"print\(.*\)  # (.*)", code)
    assert len(printed) == len(promised)
    for line, comment in zip(printed, promised, strict=True):
        if comment.endswith(", in some cyclic order"):
            assert sorted(line.strip("[]").split()) == sorted(comment.split("]")[0].strip("[").split())
        else:
            assert line == comment


def test_every_command_it_names_exists() -> None:
    named = set(re.findall(r"^topores ([a-z]+)", README, re.M))
    assert named
    assert named <= set(main.commands)


def test_every_option_it_names_exists() -> None:
    known = {flag for command in main.commands.values() for p in command.params for flag in p.opts}
    known |= {f"--{name.replace('_', '-')}" for name in every_option()}
    lines = [line for line in README.splitlines() if line.startswith("topores ")]
    assert set(re.findall(r"--[a-z-]+", " ".join(lines))) <= known
