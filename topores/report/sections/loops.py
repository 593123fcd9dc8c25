"""The longest loops and the passages around them, in order: hypotheses to read, not facts."""

import math
from collections.abc import Sequence
from urllib.parse import urlencode

from topores.domain import Analysis, Loop, Passage
from topores.report.glossary import term
from topores.report.numbers import data, percent, plural
from topores.report.readings import cloud_name, distance_unit, layer_name, shown_cloud
from topores.report.safe import clean, clipped, escaped
from topores.report.tables import folded

ORDER = 80
TITLE = "Longest loops, and the passages around them"

MOST_LOOPS = 12
MOST_LETTERS = 1200
CHANCE = 0.05


def render(analysis: Analysis) -> str:
    if not analysis.loops:
        return _nothing(analysis)
    # Those beyond chance first, then the cloud the page opens with, and otherwise in the order of the analysis.
    ordered = sorted(analysis.loops, key=lambda loop: (loop.p >= CHANCE, loop.cloud != shown_cloud(analysis)))
    shown = ordered[:MOST_LOOPS]
    left_out = "" if len(shown) == len(ordered) else f" The first {len(shown)} of {len(ordered)} are shown."
    cards = "".join(_card(analysis, loop, opened=place == 0) for place, loop in enumerate(shown))
    return f"<p>{_summary(ordered)}{left_out}</p>{_hypothesis()}{cards}"


def _nothing(analysis: Analysis) -> str:
    if any(degree == 1 for _, _, _, degree in analysis.diagrams):
        return "<p>No loop stood out in any state, layer or cloud, so there are no passages to read here.</p>"
    return "<p>No loop can be shown: loops (degree 1) were not computed.</p>"


def _summary(loops: Sequence[Loop]) -> str:
    """How many of the loops chance does not explain."""
    beyond = sum(loop.p < CHANCE for loop in loops)
    least = f"(smallest p: {data(min(loop.p for loop in loops))})"
    if not beyond:
        return f"None of the {plural(len(loops), 'longest loop')} is longer than chance makes them {least}."
    are = "is" if beyond == 1 else "are"
    return f"{beyond} of the {plural(len(loops), 'longest loop')} {are} longer than chance makes them {least}."


def _hypothesis() -> str:
    return (
        '<p class="warning"><strong>A hypothesis to read, not a fact.</strong> The passages of a loop lead around a '
        "hole of the space: each is near the next, the last is near the first, and none leads across. "
        "Another shortest way around the same hole may meet other passages.</p>"
    )


def _card(analysis: Analysis, loop: Loop, *, opened: bool) -> str:
    unit = distance_unit(analysis)
    state = next((s.label for s in analysis.states if s.cycle == loop.cycle), f"cycle {loop.cycle}")
    where = (
        f"{escaped(state)}, {escaped(layer_name(analysis, loop.layer))}, {escaped(cloud_name(analysis, loop.cloud))}"
    )
    summary = (
        f"<strong>{where}</strong>: {plural(len(loop.members), 'passage')}, born at {data(loop.birth)} {unit}, "
        f"dies at {data(loop.death)} {unit}, {term('p')} = {data(loop.p)}{_judged(loop)}{_stability(loop)}"
    )
    passages = around(analysis, loop.cloud, loop.members)
    content = f"{_nulls(loop)}{_link(loop)}{passages}"
    return f'<div class="loop">{folded(summary, content, opened=opened)}</div>'


def _judged(loop: Loop) -> str:
    return "" if loop.p < CHANCE else " (no more than chance)"


def _stability(loop: Loop) -> str:
    return "" if loop.stability is None else f", {term('stability')} {percent(loop.stability)}"


def _nulls(loop: Loop) -> str:
    """The p of either null; the larger one counts."""
    known = [
        (name, p)
        for name, p in (("the universal law of noise bars", loop.universal_p), ("the same spectrum", loop.spectrum_p))
        if p is not None and not math.isnan(p)
    ]
    if len(known) < 2:
        return ""
    words = " and ".join(f"p = {data(p)} by {name}" for name, p in known)
    return f'<p class="note">{words}; a loop counts only where both are small.</p>'


def _link(loop: Loop) -> str:
    """Sets the pictures above to this loop's state."""
    target = urlencode({"cycle": loop.cycle, "layer": loop.layer, "cloud": loop.cloud})
    return f'<p class="note"><a class="to-state" href="#{escaped(target)}">Show its bar in the pictures above</a></p>'


def around(analysis: Analysis, cloud: str, members: Sequence[int]) -> str:
    """The passages around a loop, in order."""
    return "<ol>" + "".join(f"<li>{_member(analysis, cloud, row)}</li>" for row in members) + "</ol>"


def _member(analysis: Analysis, cloud: str, row: int) -> str:
    """One passage: which text and place it comes from, and its words."""
    passage = _passage(analysis, cloud, row)
    if passage is None:
        return f'<p class="source">point {row}; no text is known for it</p>'
    source = (
        f'<span class="side {passage.side}">{passage.side.upper()}</span> <bdi>{clipped(passage.document, 120)}</bdi>, '
        f"passage {passage.position + 1:,}"
    )
    words = clipped(_paragraphs(passage.text), MOST_LETTERS)
    return f'<p class="source">{source}</p><p class="passage" dir="auto">{words}</p>'


def _paragraphs(text: str) -> str:
    """The text without blank lines: one line for each paragraph."""
    return "\n".join(line for line in clean(text).split("\n") if line.strip())


def _passage(analysis: Analysis, cloud: str, row: int) -> Passage | None:
    """The passage behind a row of a cloud, T1's passages first; None where that is not known."""
    rows = analysis.members.get(cloud)
    if analysis.corpus is None or rows is None or not 0 <= row < len(rows):
        return None
    passages = (*analysis.corpus.t1, *analysis.corpus.t2)
    place = int(rows[row])
    return passages[place] if 0 <= place < len(passages) else None
