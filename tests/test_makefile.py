"""`make help` explains every target, and the documents name only targets that exist."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.M)) - {"chromium"}
"""All but the one that is no use by itself."""


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_help_has_a_line_for_each_target() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = dict(re.findall(r"^  make (\S+) +(\S.*)$", shown, re.M))
    assert set(lines) == TARGETS
    assert {"demo", "test", "test-all", "test-browser"} <= TARGETS


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "benchmarks/README.md", ".ci/run"])
def test_documents_name_targets_that_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text, re.M))
    assert named
    assert named <= TARGETS


def test_hooks_run_tools_of_the_project_and_fetch_nothing() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [source["repo"] for source in hooks["repos"]] == ["local"]
    for hook in hooks["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        program, *arguments = hook["entry"].split()
        assert program.startswith(".venv/bin/") or (program == "make" and arguments[0] in TARGETS)
