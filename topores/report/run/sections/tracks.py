"""Loops followed through the states: when each opened and closed, how long it was, and in which layers."""

from topores.analysis.tracks import MOST_POINTS
from topores.domain import Analysis, Track
from topores.report.glossary import term
from topores.report.html.charts import Line, line_chart
from topores.report.html.numbers import data, percent
from topores.report.html.safe import escape_html
from topores.report.html.tables import table
from topores.report.language import later, say
from topores.report.names import distance_unit, state_axis, state_name
from topores.sign_flips import ALPHA

ORDER = 20
TITLE = later("Loops followed through the states")


def render(analysis: Analysis) -> str:
    if not analysis.tracks:
        return _not_followed(analysis)
    return f"<p>{_words(analysis)}</p>{_table(analysis)}"


def _not_followed(analysis: Analysis) -> str:
    """Empty if there is nothing to follow; a sentence if there are too many passages."""
    passages = len(analysis.members.get("union", ()))
    if len(analysis.states) < 2 or analysis.protocol.get("max_degree") == 0 or passages <= MOST_POINTS:
        return ""
    return "<p>" + say(
        "Loops are followed only for up to {most} passages; here there are {n:,}.",
        most=MOST_POINTS, n=passages,
    ) + "</p>"  # fmt: skip


def _words(analysis: Analysis) -> str:
    beyond = sum(track.p is not None and track.p < ALPHA for track in analysis.tracks)
    if not beyond:
        judged = say("None of them is longer than chance would produce.")
    elif beyond == 1:
        judged = say("One of them is longer than chance would produce.")
    else:
        judged = say("{n} of them are longer than chance would produce.", n=beyond)
    return say(
        "The passages are the same in every state, so the distances of two states are interpolated linearly and each "
        "bar is followed along the way ({vineyard}). Listed are the loops that are significant or longest at any "
        "state, in both texts together, at the encoder's output; their numbers are those beside the map. {judged} "
        "<strong>What they mean is a hypothesis to read, not a fact.</strong>",
        vineyard=term("vineyard"),
        judged=judged,
    )


def chart(analysis: Analysis) -> str:
    """Persistence of each loop over the states."""
    lines = [
        Line(say("Loop {n}", n=number + 1), f"track{number}", _persistence(track))
        for number, track in enumerate(analysis.tracks)
    ]
    cycles = [state.cycle for state in analysis.states]
    return line_chart(
        term("persistence", say("Persistence")), cycles, lines, axis=state_axis(analysis),
        unit=distance_unit(analysis), zero=True, note=say("0: the loop does not exist"),
    )  # fmt: skip


def _persistence(track: Track) -> list[float | None]:
    return [
        0.0 if birth is None or death is None else death - birth
        for birth, death in zip(track.births, track.deaths, strict=True)
    ]


def _table(analysis: Analysis) -> str:
    unit = distance_unit(analysis)
    longest = term("persistence", say("Persistence there"))
    head = [
        say("Loop"), say("Opens"), say("Closes"), say("Longest"), f"{longest}{f' ({unit})' if unit else ''}",
        term("p"), term("stability", say("Stability")), say("Layers"), say("Unambiguous steps"),
    ]  # fmt: skip
    rows = [_row(analysis, track, number + 1) for number, track in enumerate(analysis.tracks)]
    return table(head, rows, look="numbers tracks")


def _row(analysis: Analysis, track: Track, number: int) -> list[str]:
    there = [place for place, birth in enumerate(track.births) if birth is not None]
    label = [escape_html(state_name(state)) for state in analysis.states]
    opens = say("exists from the start") if there[0] == 0 else label[there[0]]
    closes = say("not yet") if there[-1] == len(label) - 1 else say("after {state}", state=label[there[-1]])
    sure = [track.sure[place] for place in there if place < len(track.sure)]
    peak = _peak(track)
    return [
        str(number), opens, closes, label[peak], data(_persistence(track)[peak]), data(track.p),
        say("not measured") if track.stability is None else percent(track.stability),
        ", ".join(map(str, track.layers)), say("{n} of {all}", n=sum(sure), all=len(sure)),
    ]  # fmt: skip


def _peak(track: Track) -> int:
    values = [value or 0.0 for value in _persistence(track)]
    return values.index(max(values))
