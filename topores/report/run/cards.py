"""The four cards as HTML: an answer, its number, and what to compare it with."""

from topores.domain import Analysis
from topores.quantities import quantity
from topores.report.glossary import quantity_term
from topores.report.html.numbers import percent
from topores.report.language import say
from topores.report.run.card_data import Bar, Card, cards


def cards_of(analysis: Analysis) -> str:
    """The cards side by side; empty if there are no numbers for any."""
    found = cards(analysis)
    if not found:
        return ""
    return f'<div class="cards" role="group" aria-label="{say("At a glance")}">{"".join(map(_card, found))}</div>'


def _card(card: Card) -> str:
    bar = _bar(card.bar) if card.bar else ""
    # Keep a number on the line of its sign.
    beside = "".join(f"<li>{line}</li>" for line in card.beside).replace("± ", "±\u00a0").replace(" %", "\u00a0%")
    return (
        f'<article class="card"><h2>{card.question}</h2><p class="answer">{card.answer}</p>'
        f'<p class="figure">{card.figure}</p>{bar}<ul class="note">{beside}</ul></article>'
    )


def _bar(bar: Bar) -> str:
    """Shares of a whole as a bar, and in words for screen readers."""
    width, start, parts = 240.0, 0.0, []
    for look, share, *_ in bar:
        parts.append(f'<rect class="share {look}" x="{start:.1f}" y="0" width="{share * width:.1f}" height="14"/>')
        start += share * width
    label = ", ".join(f"{name} {percent(share)}" for _, share, name, _ in bar)
    keys = "".join(
        f'<li><span class="swatch {look}"></span>{quantity_term(quantity(word), name)} {percent(share)}</li>'
        for look, share, name, word in bar
    )
    label = f"{say('Shares of the movement')}: {label}"
    return (
        f'<svg class="shares" viewBox="0 0 {width:.0f} 14" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f'{"".join(parts)}</svg><ul class="keys">{keys}</ul>'
    )
