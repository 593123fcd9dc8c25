"""The space, cycle by cycle: the map of passages, the heat map and the barcode, and what is selected in them."""

import numpy as np

from topores.domain import Analysis, Place
from topores.report.glossary import term
from topores.report.html.charts import PATHS, legend
from topores.report.html.numbers import short
from topores.report.html.safe import escape_html
from topores.report.language import later, say, template
from topores.report.names import distance_axis, layer_name, shown_cloud, state_name
from topores.report.run import shape_data
from topores.report.run.controls import shown_place
from topores.report.run.diagram_charts import Bars, barcode, longest, persistence_diagram
from topores.report.run.heat_data import heat_measures
from topores.report.run.passage_data import Passages
from topores.report.run.sections.tracks import chart
from topores.report.run.space_data import reach_of_noise

ORDER = 6
TITLE = later("The space, cycle by cycle")


def render(analysis: Analysis) -> str:
    if not analysis.maps and not _has_loops(analysis):
        return ""
    beside = f"{_heat(analysis)}{_barcode(analysis)}"
    return "".join(
        [
            f"<p>{_words(analysis)}</p>",
            f"<noscript><p class=warning>{say(NEEDS_SCRIPT)}</p></noscript>",
            shown_place(analysis, state=True),
            f'<div class="instrument">{_map(analysis)}<div class="beside">{beside}</div></div>',
            f'<div class="instrument readers">{_passages(analysis)}{_loop(analysis)}</div>',
            _around_the_loop(analysis),
        ]
    )


NEEDS_SCRIPT = later(
    "The map and the heat map need JavaScript, which is disabled; the rest of the page shows the last state."
)


def _has_loops(analysis: Analysis) -> bool:
    return 1 in analysis.degrees


def _words(analysis: Analysis) -> str:
    parts = []
    if analysis.maps:
        parts.append(say("Each mark on the map is a passage."))
    if _has_loops(analysis):
        parts.append(say("Select a bar of the barcode, or a numbered loop, to see the passages around that hole."))
    parts.append(say("A cell of the heat map selects cycle and layer."))
    return " ".join(parts)


def _map(analysis: Analysis) -> str:
    """The canvas that the script draws on, and the table behind it."""
    if not analysis.maps:
        return ""
    note = say(
        "every state is rotated onto the first one, then all are projected on the same two principal axes; "
        "close on the map does not mean close in the space"
    )
    label = say(
        "Map of the passages. Arrow keys move from passage to passage, Enter selects the marked one, Escape clears the "
        "selection; the table below has the same passages."
    )
    head = "".join(
        f'<th scope="col">{name}</th>'
        for name in (say("Passage"), say("Horizontal"), say("Vertical"), say("First words"))
    )
    return (
        f'<figure class="panel map"><figcaption><strong>{term("map", say("Map of the passages"))}</strong>'
        f"<small>{note}. <span data-explained></span>{_sample_note(analysis)}</small></figcaption>"
        f"{_map_legend(analysis)}"
        f'<canvas id="map" tabindex="0" role="img" aria-label="{label}"></canvas>'
        f'<p class="reading-line" id="map-reading" aria-live="polite"></p>'
        f'<details class="map-table"><summary>{say("The passages of this map as a table")}</summary>'
        f'<div class="scroll" tabindex="0"><table class="numbers"><caption></caption><thead><tr>{head}</tr></thead>'
        "<tbody></tbody></table></div></details></figure>"
    )


def _sample_note(analysis: Analysis) -> str:
    """A note if not all passages are drawn."""
    drawn, every = len(analysis.maps[0].rows), len(analysis.members.get("union", ()))
    if drawn >= every:
        return ""
    words = say("{drawn:,} of {every:,} passages are drawn, chosen uniformly.", drawn=drawn, every=every)
    return f" <strong>{words}</strong>"


def _map_legend(analysis: Analysis) -> str:
    """What the marks are, and what is drawn around them."""
    entries = []
    if analysis.corpus is not None:
        entries += [
            _mark("circle", "t1", say("T1, the article")),
            _mark("triangle", "t2", say("T2, the meta-analysis")),
        ]
        if "held_out" in (*analysis.corpus.split_1, *analysis.corpus.split_2):
            entries.append(_mark("circle", "t1 hollow", term("held out", say("hollow: held out"))))
    entries.append(_legend_entry('<circle class="line look-all thick" r="5"/>', say("the selected passage")))
    if analysis.corpus is not None:
        entries.append(_legend_entry('<circle class="line look-all" r="4.5"/>', say("found")))
    if len(analysis.states) > 1:
        entries.append(_legend_entry('<path class="axis" d="M-6 4L-2-3L6 1"/>', say("its path through the states")))
    if analysis.neighbours is not None:
        entries.append(_legend_entry('<path class="axis dashed" d="M-6 0H6"/>', say("to its nearest passages")))
    if _has_loops(analysis):
        entries.append(
            _legend_entry('<path class="line look-degree1" d="M-5 4L0-5L5 4Z"/>', say("around the selected loop"))
        )
    return f'<ul class="legend">{"".join(entries)}</ul>'


def _mark(shape: str, look: str, name: str) -> str:
    return _legend_entry(f'<path class="side-mark {look}" d="{PATHS[shape]}"/>', name)


def _legend_entry(drawing: str, name: str) -> str:
    """An entry of the legend."""
    key = f'<svg class="key" viewBox="-6 -6 12 12" width="14" height="14" aria-hidden="true">{drawing}</svg>'
    return f"<li>{key}{name}</li>"


def _heat(analysis: Analysis) -> str:
    """A table of layers and states; the script fills in the selected measure."""
    measures = heat_measures(analysis)
    if not measures:
        return ""
    options = "".join(
        f'<option value="{number}">{escape_html(one.title)}</option>' for number, (one, _) in enumerate(measures)
    )
    head = "".join(
        f'<th scope="col"><span title="{escape_html(state_name(s))}">{_short_label(analysis, n)}</span></th>'
        for n, s in enumerate(analysis.states)
    )
    rows = "".join(
        f'<tr data-layer="{number}"><th scope="row">{escape_html(layer_name(analysis, layer))}</th>'
        + "".join(
            f'<td><button type="button" data-cell="{state}"></button></td>' for state in range(len(analysis.states))
        )
        + "</tr>"
        for number, layer in reversed(list(enumerate(analysis.layers)))
    )
    dense = " dense" if len(analysis.states) > 14 else ""
    return (
        f'<figure class="panel heat"><figcaption><label><strong>{term("heat map", say("Heat map"))}</strong> '
        f'<select id="heat-measure">{options}</select></label><small>{say("layers upwards, states across")}</small>'
        f'</figcaption><div class="scroll"><table class="heat-table{dense}"><thead><tr><td></td>{head}</tr></thead>'
        f'<tbody>{rows}</tbody></table></div><p class="heat-scale"><span></span><i></i><span></span></p>'
        '<p class="reading-line" id="heat-reading"></p></figure>'
    )


def _short_label(analysis: Analysis, number: int) -> str:
    """Cycles by their number; other states by their index."""
    return escape_html(short(analysis.states[number].cycle) if analysis.trained else str(number + 1))


def _barcode(analysis: Analysis) -> str:
    if not _has_loops(analysis):
        return ""
    place, bars = _place(analysis), _bars(analysis)
    note = say(
        "each starts where a ring of passages closes and ends where it fills up; {grey}: as long as {noise} gets; "
        "{known}passages computed; {chosen}selected",
        grey=_swatch("band", say("band")),
        noise=term("null band", say("noise")),
        known=_swatch("known"),
        chosen=_swatch("chosen"),
    )
    pins, axis = shape_data.pin_bars(analysis, place, 1, bars), distance_axis(analysis)
    drawn = barcode(1, bars, pins, _span(bars), axis, note, reach_of_noise(analysis, place), _every(analysis))
    label = say(CHOOSER)
    return f'<div class="chooser" tabindex="0" role="group" aria-label="{label}" data-chooser="bars">{drawn}</div>'


def _swatch(look: str, name: str = "") -> str:
    return f'<span class="band-key {look}"></span>{name}'


CHOOSER = later("Bars of loops: arrow keys move from bar to bar, Escape clears the selection.")


def _loop(analysis: Analysis) -> str:
    """Facts about the selected loop; the script fills them in."""
    if not _has_loops(analysis):
        return ""
    chips = "".join(
        f'<button type="button" class="chip" data-track="{number}" aria-pressed="false">{number + 1}</button>'
        for number in range(len(analysis.tracks))
    )
    chosen = f'<div class="chips" role="group" aria-label="{say("Loops")}">{say("Loop")} {chips}</div>' if chips else ""
    return (
        f'<article class="reader" id="loop"><h3>{say("The selected loop")}</h3>{chosen}'
        f'<div id="loop-told" aria-live="polite" data-elsewhere="{escape_html(template(ELSEWHERE))}">'
        f'<p class="note">{say(CHOOSE_LOOP)}</p></div>'
        f'<div class="panels two">{_diagram(analysis)}{_curve(analysis)}</div></article>'
    )


ELSEWHERE = later(
    "It is followed at the output, in both texts together; there it lasts {length} in this state, and the map and the "
    "list show its passages there."
)
CHOOSE_LOOP = later("Select a loop by its number, or a bar in the barcode.")


def _around_the_loop(analysis: Analysis) -> str:
    """The passages around the selected loop, in order and across the whole page: there may be dozens."""
    if not _has_loops(analysis):
        return ""
    title, hypothesis = say("Passages around the selected loop"), say("A hypothesis to read, not a fact.")
    return (
        f'<article class="reader" id="loop-around" hidden><h3>{title}</h3>'
        f'<p class="note"><span id="loop-counted"></span> <strong>{hypothesis}</strong></p>'
        '<ol id="loop-passages"></ol></article>'
    )


def _diagram(analysis: Analysis) -> str:
    place, bars = _place(analysis), _bars(analysis)
    pins, axis = shape_data.pin_bars(analysis, place, 1, bars), distance_axis(analysis)
    note = say("death upwards; above the dashed line: longer than noise")
    reach = reach_of_noise(analysis, place)
    return persistence_diagram({1: bars}, {1: pins}, _span(bars), axis, note, reach, {1: _every(analysis)})


def _curve(analysis: Analysis) -> str:
    """Persistence of the followed loops over the states; the selected one is highlighted."""
    if not analysis.tracks or len(analysis.states) < 2:
        return ""
    lines = [(f"track{number}", say("Loop {n}", n=number + 1)) for number in range(len(analysis.tracks))]
    return f"<div>{chart(analysis)}{legend(lines)}</div>"


def _passages(analysis: Analysis) -> str:
    """The selected passage, and passages found by search or outline."""
    if not analysis.maps:
        return ""
    return (
        f'<article class="reader" id="passage"><h3>{say("The selected passage")}</h3>'
        f'<div id="found" aria-live="polite"{_search_note(analysis)}></div>'
        f'<div id="passage-told" aria-live="polite"><p class="note">{say(CHOOSE_PASSAGE)}</p></div></article>'
    )


def _search_note(analysis: Analysis) -> str:
    """A note of the script if the page does not contain every passage in full."""
    if analysis.corpus is None:
        return ""
    texts = (*analysis.corpus.t1, *analysis.corpus.t2)
    held = Passages(analysis)
    told = []
    if len(held) < len(texts):
        told.append(say("{held:,} of {every:,} passages are searched", held=len(held), every=len(texts)))
    if any(len(passage.text) > held.limit for passage in texts):
        told.append(say("only the first {n:,} characters of each are searched", n=held.limit))
    words = "; ".join(told)
    return f' data-searched="{escape_html(f"{words[:1].upper()}{words[1:]}.")}"' if words else ""


CHOOSE_PASSAGE = later(
    "Select a passage on the map, draw an outline around several, or search for words, to read it beside its "
    "neighbours in the other text."
)


def _place(analysis: Analysis) -> Place:
    return analysis.states[-1].cycle, analysis.layers[-1], shown_cloud(analysis)


def _bars(analysis: Analysis) -> Bars:
    return longest(analysis.diagram(_place(analysis), 1))


def _every(analysis: Analysis) -> int:
    return len(analysis.diagram(_place(analysis), 1))


def _span(bars: Bars) -> tuple[float, float]:
    """From the first birth to the last death of this state; other states may have another range."""
    ends = bars[np.isfinite(bars)]
    return (float(ends.min()), float(ends.max())) if ends.size else (0.0, 1.0)
