"""Loops followed through the states: when each opened and closed, how long it was, and the passages around it."""

from topores.domain import Analysis, Track
from topores.report.charts import Line, legend, line_chart
from topores.report.glossary import term
from topores.report.numbers import data, percent
from topores.report.readings import distance_unit, state_axis
from topores.report.safe import escaped
from topores.report.sections.loops import CHANCE, around
from topores.report.tables import folded, table

ORDER = 85
TITLE = "Loops followed through the states"


def render(analysis: Analysis) -> str:
    if not analysis.tracks:
        return ""
    names = [f"Loop {place + 1}" for place in range(len(analysis.tracks))]
    cards = "".join(_card(analysis, track, name) for track, name in zip(analysis.tracks, names, strict=True))
    return f"{_words(analysis)}{_chart(analysis, names)}{_table(analysis, names)}{cards}"


def _words(analysis: Analysis) -> str:
    beyond = sum(track.p is not None and track.p < CHANCE for track in analysis.tracks)
    judged = "None of them is" if not beyond else "One of them is" if beyond == 1 else f"{beyond} of them are"
    return (
        "<p>The passages are the same in every state, so the distances of two states are joined by a straight line, "
        f"and each bar is followed along it ({term('vineyard')}). Shown are the loops that are longest at any state, "
        f"in both texts together, at the encoder's output. {judged} longer than chance makes them. "
        "<strong>What they mean is a hypothesis to read, not a fact.</strong></p>"
    )


def _chart(analysis: Analysis, names: list[str]) -> str:
    cycles = [state.cycle for state in analysis.states]
    lines = [
        Line(name, f"track{place}", _persistence(track))
        for place, (name, track) in enumerate(zip(names, analysis.tracks, strict=True))
    ]
    title, unit = term("persistence", "Persistence"), distance_unit(analysis)
    chart = line_chart(
        title, cycles, lines, axis=state_axis(analysis), unit=unit, zero=True, note="0: the loop is not there"
    )
    return legend([(line.look, line.name) for line in lines]) + f'<div class="panels one">{chart}</div>'


def _persistence(track: Track) -> list[float | None]:
    return [
        0.0 if birth is None or death is None else death - birth
        for birth, death in zip(track.births, track.deaths, strict=True)
    ]


def _table(analysis: Analysis, names: list[str]) -> str:
    unit = distance_unit(analysis)
    head = [
        "", "Opens", "Closes", "Longest", f"{term('persistence', 'Persistence')} there{f', {unit}' if unit else ''}",
        term("p"), term("stability", "Stability"), "Layers", "Steps followed surely",
    ]  # fmt: skip
    rows = [_row(analysis, track, name) for track, name in zip(analysis.tracks, names, strict=True)]
    return table(head, rows, look="numbers")


def _row(analysis: Analysis, track: Track, name: str) -> list[str]:
    there = [place for place, birth in enumerate(track.births) if birth is not None]
    label = [escaped(state.label) for state in analysis.states]
    opens = "before the first state" if there[0] == 0 else label[there[0]]
    closes = "not yet" if there[-1] == len(label) - 1 else f"after {label[there[-1]]}"
    sure = [track.sure[place] for place in there if place < len(track.sure)]
    peak = _peak(track)
    return [
        name, opens, closes, label[peak], data(_persistence(track)[peak]), data(track.p),
        "not measured" if track.stability is None else percent(track.stability),
        ", ".join(map(str, track.layers)), f"{sum(sure)} of {len(sure)}",
    ]  # fmt: skip


def _peak(track: Track) -> int:
    values = [value or 0.0 for value in _persistence(track)]
    return values.index(max(values))


def _card(analysis: Analysis, track: Track, name: str) -> str:
    """The passages where the loop is longest, and at each state how many of these are around it then."""
    peak = _peak(track)
    now = set(track.members[peak])
    rows = [
        [escaped(state.label), str(len(members)), str(len(now & set(members)))]
        for state, members in zip(analysis.states, track.members, strict=True)
        if members
    ]
    shared = table(["State", "Passages around it", "of those below"], rows, look="numbers")
    content = shared + around(analysis, track.cloud, track.members[peak])
    summary = f"<strong>{name}</strong>: its passages at {escaped(analysis.states[peak].label)}"
    return f'<div class="loop">{folded(summary, content)}</div>'
