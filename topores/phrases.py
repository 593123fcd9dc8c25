"""Sentences that can be said in another language: an English template, and the values that stand in it."""

import re
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
        phrase = super().__new__(cls, fill_template(template, values))
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


def join_phrases(separator: str, parts: Sequence[str]) -> Phrase:
    """Phrases one after the other, as one.

    >>> join_phrases("; ", [Phrase("{n} loops", n=3), Phrase("none lost")])
    '3 loops; none lost'
    """
    values = {f"part_{place}": part for place, part in enumerate(parts)}
    return Phrase(separator.join(f"{{{name}}}" for name in values), **values)


def fill_template(template: str, values: Mapping[str, Any], written: Callable[[Any, str], str] = format) -> str:
    """`template` with `written(value, spec)` in each of its `{name:spec}` places.

    >>> fill_template("{n} loops, p = {p:.2g}", {"n": 3, "p": 0.0123})
    '3 loops, p = 0.012'
    """
    return "".join(
        text if name is None else text + written(values[name], spec or "")
        for text, name, spec, _ in Formatter().parse(template)
    )


def phrase_facts(value: Any) -> Any:
    """A phrase as JSON: its template and values; anything else as it is."""
    if isinstance(value, Count):
        return {"count": value.number, "noun": value.noun}
    if not isinstance(value, Phrase):
        return value
    return {"template": value.template, "values": {name: phrase_facts(inner) for name, inner in value.values.items()}}


def phrase_for(english: str, kept: Any) -> str:
    """The phrase that `phrase_facts` kept, if it says `english`; else the text itself. No file is trusted."""
    try:
        phrase = _from_facts(kept)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return english
    return phrase if isinstance(phrase, Phrase) and phrase == english else english


def _from_facts(kept: Any) -> Any:
    """What `phrase_facts` was given.

    Raises:
        ValueError: A format is not one of ours: results come from anywhere, and a width of 10^9 would fill the memory.
    """
    if not isinstance(kept, dict):
        return kept
    if "noun" in kept:
        return Count(kept["count"], kept["noun"])
    specs = [spec or "" for _, name, spec, _ in Formatter().parse(kept["template"]) if name is not None]
    if not all(re.fullmatch(r",?(\.\d)?[fg%]?", spec) for spec in specs):
        raise ValueError(kept["template"])
    return Phrase(kept["template"], **{name: _from_facts(inner) for name, inner in kept["values"].items()})
