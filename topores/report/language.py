"""The language of the page: the code has English, and a catalogue has its translations.

A text without a translation stays English, so that a missing one never breaks a page.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from topores.config import Language
from topores.phrases import Count, Phrase, filled

RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
POINT, COMMA, THIN_SPACE, FIXED_SPACE = ".", ",", "\u202f", "\u00a0"

_IN_FORCE: ContextVar[Language] = ContextVar("language", default="en")


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Everything said within the block is said in `language`."""
    before = _IN_FORCE.set(language)
    try:
        yield
    finally:
        _IN_FORCE.reset(before)


def language() -> Language:
    """The language in force."""
    return _IN_FORCE.get()


def say(english: str, /, **values: object) -> str:
    """The text in the language in force, its `{name}` and `{name:.2f}` places filled.

    Args:
        english: The text in the code, which is looked up; may contain HTML.
        values: Inserted as given, so untrusted text must be escaped before. Phrases are translated, and numbers
            formatted for the language.
    """
    return filled(template(english), values, _written)


def template(english: str) -> str:
    """The text in the language in force with its places unfilled, for the script of the page."""
    return _catalogue(language())["texts"].get(english, english)


def later(english: str) -> str:
    """The same text: marks it as one to be translated when it is shown."""
    return english


def speak(text: str) -> str:
    """A phrase in the language in force; any other text, such as a verdict of older results, as it is.

    English is the phrase itself, so that the page says exactly what the terminal and `--json` say.
    """
    if language() == "en":
        return str(text)
    if isinstance(text, Count):
        return many(text.number, text.noun)
    return say(text.template, **text.values) if isinstance(text, Phrase) else text


def many(count: int, noun: str) -> str:
    """
    >>> many(1, "loop"), many(1200, "loop")
    ('1 loop', '1,200 loops')
    """
    space = " " if language() == "en" else FIXED_SPACE
    return f"{localise(f'{count:,}')}{space}{forms(noun)[_form(count)]}"


def forms(noun: str) -> list[str]:
    """The noun after 1, after 2 and after 5: the three forms of Russian; English has the last two alike."""
    return _catalogue(language())["nouns"].get(noun, [noun, f"{noun}s", f"{noun}s"])


def _form(count: int) -> int:
    """Which of the three forms a count takes: 21 takes the first one in Russian, and not in English.

    >>> [_form(n) for n in (1, 2, 5, 11, 21)]
    [0, 2, 2, 2, 2]
    """
    if language() == "en":
        return 0 if count == 1 else 2
    if count % 10 == 1 and count % 100 != 11:
        return 0
    return 1 if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14) else 2


def localise(number: str) -> str:
    """A number that Python wrote, as the language in force writes it.

    >>> localise("-1,234.5"), localise("82%"), localise("1.2e-05")
    ('−1,234.5', '82%', '1.2×10⁻⁵')
    >>> with speaking("ru"):
    ...     localise("-1,234.5"), localise("82%"), localise("1.2e-05")
    ('−1\\u202f234,5', '82\\xa0%', '1,2×10⁻⁵')
    """
    number = re.sub(r"e([+-])0*(\d+)", _power_of_ten, number).replace("-", "−")
    if language() == "en":
        return number
    return re.sub("[.,]", _mark, number).replace("%", f"{FIXED_SPACE}%")


def _power_of_ten(found: re.Match[str]) -> str:
    sign = "⁻" if found[1] == "-" else ""
    return f"×10{sign}{found[2].translate(RAISED)}"


def _mark(found: re.Match[str]) -> str:
    return COMMA if found.group() == POINT else THIN_SPACE


def _written(value: Any, spec: str) -> str:
    if isinstance(value, Phrase):
        return speak(value)
    text = format(value, spec)
    return localise(text) if isinstance(value, int | float) else text


@cache
def _catalogue(wanted: Language) -> Mapping[str, dict[str, Any]]:
    """`texts` by the English text; `nouns`, three forms each, by the English singular."""
    if wanted == "en":
        return {"texts": {}, "nouns": {}}
    stored = (files("topores.report") / "languages" / f"{wanted}.yaml").read_text(encoding="utf-8")
    # The loader in C where there is one: it reads the catalogue ten times as fast.
    found = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(stored).get_single_data()
    return {"texts": {entry["en"]: entry[wanted] for entry in found["texts"]}, "nouns": found["nouns"]}
