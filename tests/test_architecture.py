"""The drawing of the house is true: imports go down, folders are registries, nothing heavy for --help."""

import ast
import configparser
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import topores

PACKAGE = Path(topores.__file__).parent
FLOORS = {
    "domain": 0, "phrases": 0, "quantities": 0, "outcomes": 0, "options": 0, "config": 0, "errors": 0, "variants": 0,
    "sign_flips": 0,
    "compute": 1, "forward": 1, "flags": 1,
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


class ImportedAtOnce(ast.NodeVisitor):
    """What runs when a module is imported: not the imports inside functions, nor those for the type checker alone."""

    def __init__(self, module: Path) -> None:
        self.names: set[str] = set()
        self.visit(ast.parse(module.read_text(encoding="utf-8")))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Not entered."""

    def visit_If(self, node: ast.If) -> None:
        for inner in node.orelse if "TYPE_CHECKING" in ast.unparse(node.test) else [*node.body, *node.orelse]:
            self.visit(inner)

    def visit_Import(self, node: ast.Import) -> None:
        self.names |= {alias.name for alias in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        own = {f"{node.module}.{alias.name}" for alias in node.names} & NAMES
        self.names |= own or {node.module or ""}


def full_name(module: Path) -> str:
    return ".".join(module.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


NAMES = {full_name(module) for module in MODULES}


def with_packages(name: str, importer: str) -> set[str]:
    """A module, and the packages around it that are imported before it, if the importer is not inside them itself."""
    parts = name.split(".")
    around = {".".join(parts[:depth]) for depth in range(1, len(parts))}
    return {name} | {package for package in around if not f"{importer}.".startswith(f"{package}.")}


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {
        full_name(module): {
            before for name in ImportedAtOnce(module).names & NAMES for before in with_packages(name, full_name(module))
        }
        for module in MODULES
    }
    assert sum(map(len, graph.values())) > len(MODULES)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))


ARCHITECTURE = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_document_names_the_floors() -> None:
    rows = re.findall(r"^\| (\d+) \| ([^|]*) \|", ARCHITECTURE, re.M)
    named = {
        part.removesuffix("/").removesuffix(".py"): int(row)
        for row, cell in rows
        for part in re.findall("`(.*?)`", cell)
    }
    assert named == FLOORS


def test_the_drawing_in_the_document_shows_what_is_imported() -> None:
    """An arrow is an import; a dotted one is a folder whose files are looked up by name."""
    arrows = re.findall(r"^ +(\w+) (-->|-\.->)(?:\|.*?\|)? (\w+)$", ARCHITECTURE, re.M)
    assert len(arrows) == sum(">" in line for line in ARCHITECTURE.split("```")[1].splitlines()) > 10
    for here, arrow, other in arrows:
        sources = [module for module in MODULES if part_of(module) == here]
        assert FLOORS[other] < FLOORS[here], f"{here} {arrow} {other} goes up"
        if arrow == "-->":
            assert any(other in imported(module) for module in sources), f"{here} does not import {other}"
        else:
            looked_up = f'"topores.{other}'
            assert any(looked_up in module.read_text(encoding="utf-8") for module in sources), (
                f"{here} names no {other}"
            )


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
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    heavy = "{'torch', 'sentence_transformers', 'transformers', 'scipy', 'pyarrow', 'sklearn', 'numpy'}"
    code = (
        f"import sys; sys.argv = ['topores', *{arguments}]\n"
        "from topores.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"loaded = {heavy} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_packages_of_the_installation_are_those_of_the_tree() -> None:
    """Another package needs a line in setup.cfg; a module in one of those that are there needs none."""
    setup = configparser.ConfigParser()
    setup.read(PACKAGE.parent / "setup.cfg", encoding="utf-8")
    listed = set(setup["options"]["packages"].split()) - {"topores.sample"}
    present = {".".join(init.parent.relative_to(PACKAGE.parent).parts) for init in PACKAGE.rglob("__init__.py")}
    assert listed == present
