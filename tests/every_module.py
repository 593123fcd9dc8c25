"""Whether the tests that ran under coverage entered every module of topores: `make test COVERAGE=1`.

Importing a module runs its top level, so that does not count; a line inside one of its functions must have run.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from coverage import CoverageData

PACKAGE = Path(__file__).parent.parent / "topores"
COMPILED = ("njit", "guvectorize", "vectorize")
"""Decorators of numba: what they compile does not run in Python, so coverage does not see it."""


def lines_in_functions(module: Path) -> set[int]:
    """Numbers of the lines that run only when a function of the module is called."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return {
        line
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and not _compiled(function)
        for statement in function.body
        if not _docstring(statement)
        for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    }


def _compiled(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(name in ast.unparse(decorator) for decorator in function.decorator_list for name in COMPILED)


def _docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def not_entered(data: CoverageData) -> Iterator[Path]:
    """Modules with functions of which none ran."""
    for module in sorted(PACKAGE.rglob("*.py")):
        inside = lines_in_functions(module)
        if inside and not inside & set(data.lines(str(module)) or ()):
            yield module.relative_to(PACKAGE.parent)


if __name__ == "__main__":
    data = CoverageData(sys.argv[1])
    data.read()
    missed = list(not_entered(data))
    for module in missed:
        print(f"{module}: the quick tests run no function of it; add a test that is not marked slow", file=sys.stderr)
    sys.exit(bool(missed))
