"""Mechanical rules of the prose: field docs, function names and messages that a reader need not decode."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import topores


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PACKAGE = Path(topores.__file__).parent
MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}

RIDDLE = re.compile(r"(Of|That|Those)\b")
"""How a field doc must not begin: "Of the finite bars" has no noun; write "Landscapes of the finite bars"."""

PREPOSITIONS = words(
    "about above after against along among around as at before behind below beside between beyond by for from in of on "
    "over through to under until upon with within without"
)
PARTICIPLES = words(
    "begun bent bound built caught come done drawn driven found given gone grown held hidden kept known laid left lent "
    "lost made meant met seen sent shown sold spoken sworn taken taught told torn understood won worn written"
)
"""Irregular ones; those that end in -ed are recognised by their ending."""
NOT_PARTICIPLES = words("embed exceed feed need proceed redzed seed shed speed succeed")
CONTRACTS = {"evaluations": words("measured")}
"""Names that files of a folder must provide, as CONTRIBUTING.md says."""

NOT_A_NOUN = re.compile(r"(?<!there )\bis no (?!longer\b|more\b|less\b)\w+", re.IGNORECASE)
"""'x' is no folder: write 'x' is not a folder. "There is no ..." is plain English."""

NOT_YET: dict[str, frozenset[str]] = {
    "field docs begin with Of, That or Those": words("""
                                                    """),
    "functions are named by a lone preposition or participle": words("""
        analysis/chance.py analysis/comparison/aligned.py                 analysis/movement.py         analysis/sources.py analysis/tracks.py analysis/verdict/words.py
        cli.py commands/compare.py commands/train.py config/train.py
        options.py phrases.py report/carried.py         report/figures/_files.py
                report/language.py
        report/run/card_data.py         report/run/passage_data.py                 report/run/sections/shape.py report/run/shape_data.py report/run/space_data.py
                    """),
    "messages say 'is no' for 'is not a'": words("""
        report/glossary.py
        report/run/sections/nulls.py     """),
}
"""Files that still break a rule, by rule. Take a file off when it is mended; do not add any."""


def field_docs(tree: ast.Module) -> Iterator[str]:
    """Docstrings that follow an assignment, in a module or a class."""
    for owner in (node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef)):
        for before, node in zip(owner.body, owner.body[1:], strict=False):
            is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if is_text and isinstance(before, ast.Assign | ast.AnnAssign) and isinstance(node.value.value, str):
                yield node.value.value


def riddles(tree: ast.Module) -> list[str]:
    return [doc for doc in field_docs(tree) if RIDDLE.match(doc)]


def is_lone_word(name: str) -> bool:
    """Whether a function's name is only a preposition or a participle.

    >>> [name for name in ("_of", "told", "_listed", "embed", "draw_views", "in_words") if is_lone_word(name)]
    ['_of', 'told', '_listed']
    """
    word = name.strip("_")
    is_regular = word.endswith("ed") and "_" not in word and word not in NOT_PARTICIPLES
    return is_regular or word in PREPOSITIONS | PARTICIPLES


def lone_names(tree: ast.Module) -> list[str]:
    """Functions that do not say what they do or return; properties are named like fields and are free."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [node.name for node in functions if not node.decorator_list and is_lone_word(node.name)]


def messages(tree: ast.Module) -> Iterator[str]:
    """Strings that are not docs: constants, and f-strings with their values as {}."""
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    skipped |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value


def crooked_messages(tree: ast.Module) -> list[str]:
    return [found[0] for text in messages(tree) if (found := NOT_A_NOUN.search(text))]


RULES: dict[str, Callable[[ast.Module], list[str]]] = {
    "field docs begin with Of, That or Those": riddles,
    "functions are named by a lone preposition or participle": lone_names,
    "messages say 'is no' for 'is not a'": crooked_messages,
}


def broken(rule: str, name: str) -> list[str]:
    found = RULES[rule](ast.parse(MODULES[name].read_text(encoding="utf-8")))
    return [wrong for wrong in found if wrong not in CONTRACTS.get(name.split("/")[0], ())]


@pytest.mark.parametrize("rule", RULES)
def test_words(rule: str) -> None:
    """The rule holds in every file but those that are not mended yet."""
    found = {name: wrong for name in MODULES.keys() - NOT_YET.get(rule, ()) if (wrong := broken(rule, name))}
    assert not found, f"{rule}: {found}"


@pytest.mark.parametrize("rule", RULES)
def test_mended_files_are_taken_off_the_list(rule: str) -> None:
    clean = [name for name in NOT_YET.get(rule, ()) if name in MODULES and not broken(rule, name)]
    assert not clean, f"take these off NOT_YET[{rule!r}]: {clean}"


def test_the_rules_see_what_they_are_made_for() -> None:
    tree = ast.parse('''
class Curve:
    births: int
    """Of the bars."""
    deaths: int
    """Deaths of the bars."""

def _told(): raise ValueError(f"'{1}' is no folder, and there is no remedy")
def tell(): raise ValueError("is not a folder")
''')
    assert riddles(tree) == ["Of the bars."]
    assert lone_names(tree) == ["_told"]
    assert crooked_messages(tree) == ["is no folder"]
