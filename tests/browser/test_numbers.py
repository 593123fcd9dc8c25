"""What the page shows is what was measured: in every state, before and after the script has drawn."""

from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from topores.analysis.store import MEASURES, write_results
from topores.domain import Analysis
from topores.report.html.numbers import digits
from topores.report.names import cloud_name
from topores.report.run.change_data import Series, panels

pytestmark = pytest.mark.slow

PLACES = [(5, 2, "t1"), (0, 0, "t2"), (500, 6, "union")]
"""cycle, layer, cloud"""

THREE_DIGITS = {"rtol": 5.1e-3, "atol": 1e-4}
"""How far a shown birth or death may be off: it is packed in whole steps, then written with three digits."""

Measured = dict[tuple[Any, ...], float]


@pytest.fixture(scope="module")
def measured(full: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """measures.parquet, by measure, cycle, layer, cloud, degree, cycle compared to, and threshold."""
    folder = tmp_path_factory.mktemp("results")
    write_results(full, folder)
    keys = ("measure", "cycle", "layer", "cloud", "degree", "against", "threshold")
    return {tuple(row[k] for k in keys): row["value"] for row in pq.read_table(folder / MEASURES).to_pylist()}


def table(page: Page, selector: str) -> list[list[str]]:
    """The first table there, row by row, as people read it."""
    read = "(table) => [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent))"
    return page.locator(selector).first.evaluate(read)


def values(page: Page, section: str) -> list[float]:
    """Every exact number of a section."""
    read = "(shown) => shown.map((one) => Number(one.value))"
    return page.locator(f"#{section} data").evaluate_all(read)


def in_address(place: tuple[int, int, str]) -> str:
    return "cycle={}&layer={}&cloud={}".format(*place)


def change_at(full: Analysis, measured: Measured, series: Series, place: tuple[int, int, str]) -> list[float | None]:
    """One row of the table of changes, by state."""
    _, layer, cloud = place
    cycles = [state.cycle for state in full.states]
    against = {"first": [None] + cycles[:1] * len(cycles), "previous": [None, *cycles]}.get(series.against or "")
    found = []
    for at, cycle in enumerate(cycles):
        then = against[at] if against else None
        absent = against is not None and then is None
        found.append(None if absent else measured[series.measure, cycle, layer, cloud, series.degree, then, None])
    return found


@pytest.mark.parametrize("place", PLACES)
def test_changes_are_those_measured_in_the_layer_and_cloud_of_the_address(
    place: tuple[int, int, str], full: Analysis, measured: Measured, open_page: OpenPage
) -> None:
    page = open_page(full, hash=in_address(place)).page
    expect(page.locator("#change [data-shown=cloud]")).to_have_text(cloud_name(full, place[2]))
    every = [one for panel in panels(full) for one in panel.series]
    rows = table(page, "#change table")[1:]
    assert len(rows) == len(every) > 10
    for row, series in zip(rows, every, strict=True):
        wanted = change_at(full, measured, series, place)
        assert row[1:] == ["–" if value is None else digits(value) for value in wanted], row[0]


@pytest.mark.parametrize("place", PLACES)
def test_bars_and_counts_are_those_of_the_state_of_the_address(
    place: tuple[int, int, str], full: Analysis, measured: Measured, open_page: OpenPage
) -> None:
    page = open_page(full, hash=in_address(place)).page
    expect(page.locator("#shape [data-shown=state]").last).to_have_text(f"cycle {place[0]}")
    page.wait_for_timeout(300)
    for kind, degree in (("clusters", 0), ("loops", 1)):
        wanted = np.sort(full.diagrams[(*place, degree)], axis=0)
        np.testing.assert_allclose(bars(page, kind), wanted, **THREE_DIGITS)
        counted = {row[1]: row[2] for row in table(page, "#shape .betti-table") if row[0] == kind}
        cycle, layer, cloud = place
        for threshold in np.linspace(0, 1.6, 33).tolist():
            wanted = measured["betti_curve", cycle, layer, cloud, degree, None, threshold]
            assert counted[digits(float(f"{threshold:.5g}"))] == digits(int(wanted))


def bars(page: Page, kind: str) -> np.ndarray:
    """Births and deaths, each by itself in order: rounded, bars may change places."""
    rows = [row[1:3] for row in table(page, "#shape .bars-table") if row[0] == kind]
    return np.sort([[np.inf if cell == "never" else float(cell) for cell in row] for row in rows], axis=0)


def test_the_geometry_of_every_layer_is_that_measured(full: Analysis, measured: Measured, open_page: OpenPage) -> None:
    shown = values(open_page(full).page, "geometry")
    logged = {float(value) for line in full.metrics for value in line.values()}
    named = {float(number) for number in (*full.layers, *(state.cycle for state in full.states))}
    assert set(shown) <= set(measured.values()) | logged | named
    last = full.states[-1].cycle
    for name in ("uniformity", "rank_me", "intrinsic_dimension"):
        for layer in full.layers:
            for cloud in full.clouds:
                assert measured[name, last, layer, cloud, None, None, None] in shown


@pytest.mark.parametrize(("section", "beginning"), [("losses", "loss_"), ("retrieval", "held_out_mrr_")])
def test_logged_numbers_are_those_of_the_run(section: str, beginning: str, full: Analysis, open_page: OpenPage) -> None:
    shown = values(open_page(full).page, section)
    logged = {float(value) for line in full.metrics for value in line.values()}
    assert set(shown) <= logged
    assert {value for line in full.metrics for name, value in line.items() if name.startswith(beginning)} <= set(shown)


def test_the_verdict_and_its_loops_stand_with_their_numbers(full: Analysis, open_page: OpenPage) -> None:
    page = open_page(full).page
    assert page.locator("h1").text_content() == full.verdict.sentence
    claims = [number for c in full.verdict.claims for number in (c.value, c.null, c.p) if number is not None]
    assert values(page, "verdict") == claims
    # A track is told where it is longest, with its p.
    longest = [max(d - b for b, d in zip(t.births, t.deaths, strict=True) if b and d) for t in full.tracks]
    assert {*longest, *(track.p for track in full.tracks)} <= set(values(page, "tracks"))


def test_the_script_draws_the_last_state_as_the_page_did(full: Analysis, open_page: OpenPage) -> None:
    still = open_page(full, script=False).page
    drawn = open_page(full, hash=in_address((2000, 6, "union"))).page
    drawn.wait_for_timeout(300)
    assert table(drawn, "#change table") == table(still, "#change table")
    assert table(drawn, "#shape .betti-table") == table(still, "#shape .betti-table")
    for kind in ("clusters", "loops"):
        # Both are rounded, so the last of three digits may differ.
        np.testing.assert_allclose(bars(drawn, kind), bars(still, kind), rtol=1.01e-2, atol=1e-4)
    for mark in ("degree0", "degree1", "bar", "pinned"):
        assert drawn.locator(f"main .{mark}").count() == still.locator(f"main .{mark}").count() > 0


def test_the_slider_goes_from_state_to_state_by_keyboard_and_tells_the_address(
    full: Analysis, open_page: OpenPage
) -> None:
    page = open_page(full, hash=in_address((5, 2, "t1"))).page
    slider = page.get_by_role("slider").first
    slider.focus()
    for key, cycle in (("ArrowRight", 10), ("ArrowLeft", 5), ("ArrowLeft", 2), ("Home", 0), ("End", 2000)):
        page.keyboard.press(key)
        expect(page.locator("output[data-shown=state]").first).to_have_text(f"cycle {cycle:,}")
        assert f"cycle={cycle}" in page.evaluate("location.hash")
        assert slider.get_attribute("aria-valuetext") == f"cycle {cycle:,}"
    # The rest of the address stays.
    assert "layer=2" in page.evaluate("location.hash")
    assert "cloud=t1" in page.evaluate("location.hash")


def test_going_back_to_an_address_shows_it_again(full: Analysis, open_page: OpenPage) -> None:
    page = open_page(full, hash=in_address((5, 2, "t1"))).page
    before = table(page, "#change table")
    page.evaluate("() => { location.hash = 'cycle=0&layer=0&cloud=union' }")
    expect(page.locator("#change [data-shown=cloud]")).to_have_text(cloud_name(full, "union"))
    assert table(page, "#change table") != before
    page.go_back()
    expect(page.locator("#change [data-shown=cloud]")).to_have_text(cloud_name(full, "t1"))
    assert table(page, "#change table") == before


def test_an_address_that_names_nothing_shows_the_last_state(full: Analysis, open_page: OpenPage) -> None:
    page = open_page(full, hash="cycle=3&layer=99&cloud=nothing").page
    expect(page.locator("#shape [data-shown=state]").last).to_have_text("cycle 2,000")
    expect(page.locator("#change [data-shown=layer]")).to_contain_text("6")


def test_a_bare_array_works_without_a_choice(bare: Analysis, open_page: OpenPage) -> None:
    page = open_page(bare, hash="cycle=0").page
    assert table(page, "#shape .bars-table")[1] == ["clusters", "0", "never", "–"]
    assert page.get_by_role("slider").count() == 0
