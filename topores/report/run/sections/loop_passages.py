"""The most significant loops and the passages around them, in order: hypotheses to read, not facts."""

import math
from collections.abc import Sequence
from urllib.parse import urlencode

from topores.domain import Analysis, Loop, Passage
from topores.report.glossary import term
from topores.report.html.numbers import data, percent
from topores.report.html.safe import clean, clip_html, escape_html
from topores.report.html.tables import fold
from topores.report.language import later, many, say
from topores.report.names import cloud_name, distance_unit, layer_name, shown_cloud, state_name
from topores.report.run.diagram_charts import longest
from topores.report.run.space_data import bar_number
from topores.sign_flips import ALPHA

ORDER = 22
TITLE = later("The most significant loops, and the passages around them")

MOST_LOOPS = 6
MOST_LETTERS = 600


def render(analysis: Analysis) -> str:
    if not analysis.loops:
        return f"<p>{_nothing(analysis)}</p>"
    # By p; among equals the cloud that the page opens with comes first, then the order of the analysis.
    ordered = sorted(analysis.loops, key=lambda loop: (loop.p, loop.cloud != shown_cloud(analysis)))
    shown = ordered[:MOST_LOOPS]
    left_out = ""
    if len(shown) < len(ordered):
        left_out = say("The first {n} of {all} are shown.", n=len(shown), all=len(ordered))
    cards = "".join(_card(analysis, loop) for loop in shown)
    return f"<p>{_summary(ordered)} {left_out}</p>{_hypothesis()}{cards}"


def _nothing(analysis: Analysis) -> str:
    if 1 in analysis.degrees:
        return say("There is no loop in any state, layer or cloud, so there are no passages to read here.")
    return say("Loops (degree 1) were not computed.")


def _summary(loops: Sequence[Loop]) -> str:
    """How many of the loops are significant."""
    beyond, least = sum(loop.p < ALPHA for loop in loops), data(min(loop.p for loop in loops))
    if all(loop.blind for loop in loops):
        return say("The test could not see a loop among so few passages, however long it were.")
    if not beyond:
        return say(
            "No loop is longer than chance would produce: of the {n} most significant, the smallest p is {p}.",
            n=len(loops),
            p=least,
        )
    if beyond == 1:
        return say(
            "One of the {n} most significant loops is longer than chance would produce (p = {p}).",
            n=len(loops),
            p=least,
        )
    return say(
        "{beyond} of the {n} most significant loops are longer than chance would produce (smallest p: {p}).",
        beyond=beyond, n=len(loops), p=least,
    )  # fmt: skip


def _hypothesis() -> str:
    words = say(
        "<strong>A hypothesis to read, not a fact.</strong> The passages of a loop lead around a hole of the space: "
        "each is close to the next, the last is close to the first, and there is no shortcut across. Another shortest "
        "way around the same hole may pass through other passages."
    )
    return f'<p class="warning">{words}</p>'


def _card(analysis: Analysis, loop: Loop) -> str:
    unit = distance_unit(analysis)
    measured = f" {unit}" if unit else ""
    state = next((state_name(s) for s in analysis.states if s.cycle == loop.cycle), str(loop.cycle))
    places = (state, layer_name(analysis, loop.layer), cloud_name(analysis, loop.cloud))
    where = ", ".join(escape_html(place) for place in places)
    told = [
        many(len(loop.members), "passage"),
        say("born at {birth}", birth=f"{data(loop.birth)}{measured}"),
        say("dies at {death}", death=f"{data(loop.death)}{measured}"),
        f"{term('p')} = {data(loop.p)}{_significance_note(loop)}",
        *([] if loop.stability is None else [f"{term('stability')} {percent(loop.stability)}"]),
    ]
    content = f"{_nulls(loop)}{_link(analysis, loop)}{passages_around(analysis, loop.cloud, loop.members)}"
    summary = f"<strong>{where}</strong>: {', '.join(told)}"
    return f'<div class="loop">{fold(summary, content, opened=loop.p < ALPHA)}</div>'


def _significance_note(loop: Loop) -> str:
    return "" if loop.p < ALPHA else f" ({say('not significant')})"


def _nulls(loop: Loop) -> str:
    """The p of both nulls; the larger one counts."""
    if any(p is None or math.isnan(p) for p in (loop.universal_p, loop.spectrum_p)):
        return ""
    words = say(
        "p = {universal} by the universal law of noise bars, p = {spectrum} among clouds of the same spectrum; a loop "
        "counts only if both are small, or the second alone where a cloud has almost no bars.",
        universal=data(loop.universal_p),
        spectrum=data(loop.spectrum_p),
    )
    return f'<p class="note">{words}</p>'


def _link(analysis: Analysis, loop: Loop) -> str:
    """A link that shows this loop on the map and in the pictures, if its bar is drawn."""
    place = {"cycle": loop.cycle, "layer": loop.layer, "cloud": clean(loop.cloud)}
    bar = bar_number(longest(analysis.diagram((loop.cycle, loop.layer, loop.cloud), 1)), (loop.birth, loop.death))
    target = urlencode(place | ({} if bar is None else {"loop": f"b{bar}"}))
    return f'<p class="note"><a class="to-state" href="#{escape_html(target)}">{say("Show it on the map")}</a></p>'


def passages_around(analysis: Analysis, cloud: str, members: Sequence[int]) -> str:
    """The passages around a loop, in order."""
    return "<ol>" + "".join(f"<li>{_member(analysis, cloud, row)}</li>" for row in members) + "</ol>"


def _member(analysis: Analysis, cloud: str, row: int) -> str:
    """One passage: its text, its position, and its words."""
    passage = _passage(analysis, cloud, row)
    if passage is None:
        told = f"{say('point {n}', n=row)}; {say('no text was supplied')}"
        return f'<p class="source">{told}</p>'
    number = say("passage {n}", n=passage.position + 1)
    source = (
        f'<span class="side {passage.side}">{passage.side.upper()}</span> '
        f"<bdi>{clip_html(passage.document, 120)}</bdi>, "
        f"{number}"
    )
    words = clip_html(_paragraphs(passage.text), MOST_LETTERS)
    return f'<p class="source">{source}</p><p class="passage" dir="auto">{words}</p>'


def _paragraphs(text: str) -> str:
    """The text without blank lines: one line for each paragraph."""
    return "\n".join(line for line in clean(text).split("\n") if line.strip())


def _passage(analysis: Analysis, cloud: str, row: int) -> Passage | None:
    """The passage behind a row of a cloud, T1's passages first; None if it is unknown."""
    rows = analysis.members.get(cloud)
    if analysis.corpus is None or rows is None or not 0 <= row < len(rows):
        return None
    passages = (*analysis.corpus.t1, *analysis.corpus.t2)
    place = int(rows[row])
    return passages[place] if 0 <= place < len(passages) else None
