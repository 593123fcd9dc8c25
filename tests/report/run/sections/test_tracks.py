"""Loops through the states: when they opened and closed, and what is not sure is said."""

import dataclasses

from tests.report.reading import Page, cells
from topores.domain import Analysis
from topores.report.run.sections import tracks


def words(html: str) -> str:
    """All that people read of a fragment."""
    return Page(f"<div>{html}</div>").elements[0].words


def test_without_tracks_there_is_no_section(full: Analysis, bare: Analysis) -> None:
    assert tracks.render(bare) == ""
    assert tracks.render(dataclasses.replace(full, tracks=())) == ""


def test_when_each_loop_opens_and_closes(full: Analysis) -> None:
    head, first, second = cells(tracks.render(full))[:3]
    assert head[1:4] == ["Opens", "Closes", "Longest"]
    assert first == [
        "1", "exists from the start", "not yet", "cycle 2,000", "0.240", "0.800", "94 %", "4, 5, 6", "11 of 11"
    ]  # fmt: skip
    assert second == [
        "2", "cycle 10", "after cycle 200", "cycle 200", "0.150", "0.0100", "not measured", "6", "4 of 5"
    ]  # fmt: skip


def test_a_loop_that_is_not_there_has_no_persistence(full: Analysis) -> None:
    line = Page(f"<div>{tracks.chart(full)}</div>").all("polyline")[1]
    heights = [float(point.split(",")[1]) for point in line.attributes["points"].split()]
    assert len(heights) == len(full.states)
    assert len({heights[0], heights[3], heights[9], heights[11]}) == 1
    assert heights[0] == max(heights)
    assert heights[8] == min(heights)  # the longest stands highest


def test_how_many_are_beyond_chance_is_said_and_that_they_are_hypotheses(full: Analysis) -> None:
    said = words(tracks.render(full))
    assert "One of them is longer than chance would produce" in said
    assert "a hypothesis to read, not a fact" in said
    none = dataclasses.replace(full, tracks=full.tracks[:1])
    assert "None of them is longer than chance" in words(tracks.render(none))
