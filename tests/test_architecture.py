"""The drawing of the house is true: imports go down, folders are registries, nothing heavy for --help."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

import topores

PACKAGE = Path(topores.__file__).parent
FLOORS = {
    "domain": 0, "phrases": 0, "quantities": 0, "options": 0, "config": 0, "errors": 0, "variants": 0,
    "compute": 1, "forward": 1,
    "topology": 2, "text": 2, "modules": 2,
    "backbones": 3, "runs": 3,
    "encoders": 4, "objectives": 4, "evaluations": 4,
    "training": 5, "analysis": 5,
    "integrations": 6,
    "report": 7,
    "commands": 8,
    "cli": 9, "api": 9, "__main__": 10,
}  # fmt: skip
MODULES = sorted(PACKAGE.rglob("*.py"))


def imported(module: Path) -> set[str]:
    """Parts of topores that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""] if node.module != "topores" else [f"topores.{a.name}" for a in node.names]
            assert node.level == 0, f"{module} imports by dots; write the full name"
        found |= {name.split(".")[1] for name in names if name.startswith("topores.")}
    return found


def part_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(module: Path) -> None:
    here = part_of(module)
    if here == "__init__":
        return  # the front door: it imports the functions when they are first asked for
    for other in imported(module) - {here}:
        assert FLOORS[other] < FLOORS[here] or FLOORS[here] == FLOORS[other] == 0, f"{here} imports {other}"


def test_every_part_has_a_floor() -> None:
    assert {part_of(module) for module in MODULES} - {"__init__"} <= set(FLOORS)


@pytest.mark.parametrize("part", ["topology", "text"])
def test_floor_two_knows_no_torch(part: str) -> None:
    for module in (PACKAGE / part).rglob("*.py"):
        roots = {name.split(".")[0] for name in _all_imports(module)}
        assert not roots & {"torch", "sentence_transformers"}, module


def _all_imports(module: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(module.read_text(encoding="utf-8"))))
    return {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names} | {
        n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)
    }


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["topology", "--help"], ["demo", "--help"]])
def test_help_loads_nothing_heavy_and_answers_at_once(arguments: list[str]) -> None:
    heavy = "{'torch', 'sentence_transformers', 'transformers', 'scipy', 'pyarrow', 'sklearn', 'numpy'}"
    code = (
        f"import sys; sys.argv = ['topores', *{arguments}]\n"
        "from topores.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"loaded = {heavy} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    took = []
    for _ in range(3):
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        took.append(time.perf_counter() - started)
        assert done.returncode == 0, done.stderr
    # The quickest of three: a promise of half a second is about the program, not about a busy machine.
    assert min(took) < 0.5


def test_packages_of_the_installation_are_those_of_the_tree() -> None:
    import configparser

    setup = configparser.ConfigParser()
    setup.read(PACKAGE.parent / "setup.cfg", encoding="utf-8")
    listed = set(setup["options"]["packages"].split()) - {"topores.sample"}
    present = {".".join(init.parent.relative_to(PACKAGE.parent).parts) for init in PACKAGE.rglob("__init__.py")}
    assert listed == present
