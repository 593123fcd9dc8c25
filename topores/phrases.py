"""Sentences that can be said in another language: an English template, and the values that stand in it."""

from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import Any


class Phrase(str):
    """An English sentence that can be said in another language: it keeps its template and what stands in the places."""

    template: str
    """With places such as `{name}` and `{name:.2f}`."""
    values: dict[str, Any]
    """Numbers, text, or phrases."""

    def __new__(cls, template: str, /, **values: Any) -> "Phrase":
        phrase = super().__new__(cls, filled(template, values))
        phrase.template, phrase.values = template, values
        return phrase

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy is made of the template: the sentence itself may hold braces that came from a value.
        return _phrase, (self.template, self.values)


def _phrase(template: str, values: dict[str, Any]) -> Phrase:
    return Phrase(template, **values)


class Count(Phrase):
    """So many of a noun: another language says it in the form that the noun has after such a count.

    >>> Count(1, "loop"), Count(1200, "loop")
    ('1 loop', '1,200 loops')
    """

    number: int
    noun: str
    """In the singular."""

    def __new__(cls, number: int, noun: str) -> "Count":
        phrase = super().__new__(cls, "{n:,} {noun}", n=number, noun=noun if number == 1 else f"{noun}s")
        assert isinstance(phrase, Count)
        phrase.number, phrase.noun = number, noun
        return phrase

    def __reduce__(self) -> tuple[Any, ...]:
        return Count, (self.number, self.noun)


def joined(separator: str, parts: Sequence[str]) -> Phrase:
    """Phrases one after the other, as one.

    >>> joined("; ", [Phrase("{n} loops", n=3), Phrase("none lost")])
    '3 loops; none lost'
    """
    values = {f"part_{place}": part for place, part in enumerate(parts)}
    return Phrase(separator.join(f"{{{name}}}" for name in values), **values)


def filled(template: str, values: Mapping[str, Any], written: Callable[[Any, str], str] = format) -> str:
    """`template` with `written(value, spec)` in each of its `{name:spec}` places.

    >>> filled("{n} loops, p = {p:.2g}", {"n": 3, "p": 0.0123})
    '3 loops, p = 0.012'
    """
    return "".join(
        text if name is None else text + written(values[name], spec or "")
        for text, name, spec, _ in Formatter().parse(template)
    )
