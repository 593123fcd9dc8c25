import base64
import dataclasses
import hashlib
import math
import re
from typing import Any

import pytest

from tests.report.conftest import HOSTILE
from tests.report.reading import Page, tables
from topores.report.clock.charts import MOST_RUNS, drawn_runs
from topores.report.clock.page import ClockFindings, render_clock, sentence
from topores.report.html.safe import clean

MARGIN = 0.9 * (1 + 1 / 7)
COUNTS = {0.2: 308, 0.15: 1207, 0.1: 25_330, 0.06: 15_767_015}
INTERCEPT = 2.0938
LAW = {"slope": 1.037, "slope_error": 0.0019, "intercept": INTERCEPT, "expected": MARGIN, "decades": 4.7}
FORETOLD = 0.05 * math.exp(INTERCEPT + 1.037 / 0.05)


def run_of(temperature: float, reached: int | None, seed: int = 88) -> dict[str, Any]:
    last = reached or 1_000_000
    looks = [
        {
            "cycle": cycle,
            "margin": margin,
            "loss": 0.5,
            "one_minus_p": 0.25,
            "sha256": hashlib.sha256(f"{temperature} {seed} {cycle}".encode()).hexdigest(),
        }
        for cycle, margin in ((0, -0.9), (10, 0.2), (last, MARGIN if reached else 0.7))
    ]
    return {
        "temperature": temperature, "seed": seed, "cycle": last, "reached": reached, "seconds": 2.0, "looks": looks,
    }  # fmt: skip


def row_of(temperature: float, counts: list[int], starts: int, extrapolated: float | None) -> dict[str, Any]:
    literal = sorted(counts)[len(counts) // 2] if len(counts) == starts else None
    return {
        "temperature": temperature, "cycles": literal, "counts": counts, "starts": starts,
        "extrapolated": extrapolated, "cycles_run": max(counts, default=1_000_000), "seconds": 2.0 * starts,
    }  # fmt: skip


@pytest.fixture(scope="module")
def clock() -> ClockFindings:
    """Four temperatures counted, one extrapolated."""
    rows = [row_of(t, [count], 1, None) for t, count in COUNTS.items()]
    found = {
        "loss": "infonce", "pairs": 8, "dim": 8, "margin": MARGIN,
        "temperatures": [*rows, row_of(0.05, [], 1, FORETOLD)], "law": LAW,
    }  # fmt: skip
    runs = [*(run_of(t, count) for t, count in COUNTS.items()), run_of(0.05, None)]
    options = {"loss": "infonce", "seed": 88}
    return ClockFindings("clock", found, runs, options, 0.5, 0.05, "topores clock --seed 88")


def lawless(clock: ClockFindings) -> ClockFindings:
    """One temperature that was not reached."""
    found = {**clock.found, "temperatures": [row_of(0.05, [], 1, None)], "law": None}
    return dataclasses.replace(clock, found=found, runs=[run_of(0.05, None)])


def points(page: Page, look: str) -> list[tuple[float, float]]:
    words = page.one("polyline", class_=f"line look-{look}").attributes["points"] or ""
    return [(float(x), float(y)) for x, y in (place.split(",") for place in words.split())]


def marks(html: str, look: str) -> list[tuple[float, float]]:
    found = re.findall(rf'class="mark look-{look}" d="[^"]*" transform="translate\((\S+) (\S+)\)"', html)
    return [(float(x), float(y)) for x, y in found]


def chart(html: str, title: str) -> str:
    return html[html.index(f"<strong>{title}</strong>") :].split("</figure>")[0]


def test_the_sentence_says_what_was_found(clock: ClockFindings) -> None:
    said = sentence(clock.found)
    for part in ("is 1.0370 (standard error 0.0019)", "over 4.7 decades", "0.8 % above the margin of 1.0286"):
        assert part in said
    assert "4 of 5 temperatures counted in literal runs" in said
    assert "the longest of 15,767,015 cycles, 1 extrapolated (0.05)" in said
    page = Page(render_clock(clock))
    assert page.one("h1").words == said
    assert page.all("title")[0].words == f"clock: {said}"


def test_a_slope_below_is_said_to_be_below_and_nothing_extrapolated_is_said(clock: ClockFindings) -> None:
    rows = clock.found["temperatures"][:4]
    said = sentence({**clock.found, "temperatures": rows, "law": {**LAW, "slope": 0.9 * MARGIN}})
    assert "10.0 % below the margin" in said
    assert said.endswith("cycles, none extrapolated.")


def test_the_numbers_of_the_data_are_in_the_table(clock: ClockFindings) -> None:
    first, *_ = tables(render_clock(clock)[render_clock(clock).index("<main") :].removesuffix("</body>\n</html>\n"))
    rows = {row[0]: row[1:] for row in first[1:]}
    for temperature, count in COUNTS.items():
        cells = rows[f"{temperature:g}"]
        assert cells[:3] == [f"{count:,}", "counted", "one start"]
        assert cells[5] == (f"{count / 2:,.0f}" if count > 2000 else f"{count / 2:.3g}")
        assert cells[6] == hashlib.sha256(f"{temperature} 88 {count}".encode()).hexdigest()[:12]
    assert rows["0.05"][:3] == [f"≈ {float(f'{FORETOLD:.3g}'):,.0f}", "extrapolated", "one start"]
    assert f'<data value="{FORETOLD!r}">' in render_clock(clock)


def test_starts_have_their_spread(clock: ClockFindings) -> None:
    rows = [row_of(0.2, [225, 534, 1610], 3, None), row_of(0.1, [18_267, 178_142], 3, 50_000.0)]
    runs = [run_of(t, n, seed) for t, n, seed in ((0.2, 225, 0), (0.2, 534, 1), (0.2, 1610, 2), (0.1, 18_267, 0))]
    html = render_clock(dataclasses.replace(clock, found={**clock.found, "temperatures": rows}, runs=runs))
    spreads = [row[3] for row in tables(html[html.index("<main") :].removesuffix("</body>\n</html>\n"))[0][1:]]
    assert spreads == ["225 to 1,610", "18,267 to 178,142, 2 of 3 reached it"]
    assert "Each count here is of one start." not in html


def test_counted_points_are_full_and_extrapolated_ones_hollow(clock: ClockFindings) -> None:
    drawing = chart(render_clock(clock), "Cycles to the margin")
    counted, foretold = marks(drawing, "counted"), marks(drawing, "foretold")
    assert (len(counted), len(foretold)) == (4, 1)
    # On a scale of logarithms: equal factors are equal steps.
    up = {t: y for t, (_, y) in zip(COUNTS, counted, strict=True)}
    a_decade = (up[0.2] - up[0.1]) / math.log10(25_330 / 308)
    assert (up[0.1] - up[0.06]) / math.log10(15_767_015 / 25_330) == pytest.approx(a_decade, rel=1e-3)
    along = [x for x, _ in (*counted, *foretold)]
    assert (along[4] - along[2]) / (along[2] - along[0]) == pytest.approx((20 - 10) / (10 - 5), rel=1e-3)


def test_the_fitted_line_goes_through_what_it_extrapolates(clock: ClockFindings) -> None:
    drawing = chart(render_clock(clock), "Cycles to the margin")
    ((across, up),) = marks(drawing, "foretold")
    fitted = points(Page(f"<div>{drawing[drawing.index('<svg') :]}</div>"), "fitted")
    assert min(abs(x - across) + abs(y - up) for x, y in fitted) < 0.5
    law = points(Page(f"<div>{drawing[drawing.index('<svg') :]}</div>"), "law")
    # A lesser slope through the same middle: above on the left, below on the right.
    assert law[0][1] < fitted[0][1]
    assert law[-1][1] > fitted[-1][1]


def test_a_run_is_a_line_and_a_dot_where_it_reached_the_margin(clock: ClockFindings) -> None:
    html = render_clock(clock)
    drawing = chart(html, "Margin of the worst row")
    assert drawing.count('class="line look-run"') == 5
    dots = marks(drawing, "counted")
    assert len(dots) == 4
    level = re.search(r'class="level look-law" d="M\S+ (\S+?)H', drawing)
    assert level
    assert {y for _, y in dots} == {float(level.group(1))}
    assert re.findall(r"rotate\(-65\)\">([^<]*)<", drawing) == ["0.2", "0.15", "0.1", "0.06", "0.05"]


def test_many_starts_are_drawn_by_their_first_and_the_page_says_so(clock: ClockFindings) -> None:
    runs = [run_of(t, n, seed) for t, n in COUNTS.items() for seed in range(50)]
    assert [run["seed"] for run in drawn_runs(runs)] == list(range(6)) * 4
    assert len(drawn_runs(runs)) <= MOST_RUNS
    found = {**clock.found, "temperatures": clock.found["temperatures"][:4]}
    html = render_clock(dataclasses.replace(clock, found=found, runs=runs))
    assert "24 of 200 runs are drawn" in html
    assert "runs are drawn" not in render_clock(clock)


def test_the_setting_and_the_command_are_there(clock: ClockFindings) -> None:
    words = Page(render_clock(clock)).one("section", id="setting").words
    for part in ("16 free unit vectors", "1.0286, which is 90 % of 1.1429", "noise of 0.05", "0.5 × temperature long"):
        assert part in words
    assert "topores clock --seed 88" in words
    assert "log(esp" in words
    decoupled = render_clock(dataclasses.replace(clock, found={**clock.found, "loss": "decoupled"}))
    assert "log Σ" in Page(decoupled).one("section", id="setting").words


def test_runs_that_went_past_the_margin_are_said_to_need_another_option(clock: ClockFindings) -> None:
    runs = [{**run, "cycle": 10**9} if run["temperature"] == 0.06 else run for run in clock.runs]
    further = dataclasses.replace(clock, runs=runs)
    assert "past the margin (0.06) were taken there with --to-the-end" in render_clock(further)
    told = dataclasses.replace(further, options={"to_the_end": True})
    assert not [html for html in (render_clock(clock), render_clock(told)) if "were taken there" in html]


def test_without_a_law_the_page_says_so_and_draws_none(clock: ClockFindings) -> None:
    html = render_clock(lawless(clock))
    page = Page(html)
    assert page.one("h1").words == (
        "Fewer than three temperatures reached the margin of 1.0286, so there is no law; 0 of 1 temperature counted in "
        "literal runs, the longest of 1,000,000 cycles, 1 not reached (0.05)."
    )
    assert "<strong>Cycles to the margin</strong>" not in html
    assert not page.all("polyline", class_="line look-fitted")
    assert "more than 1,000,000" in page.one("section", id="counts").words


@pytest.mark.parametrize("kind", ["full", "lawless", "hostile"])
def test_nothing_runs_and_nothing_is_asked_from_anywhere(clock: ClockFindings, kind: str) -> None:
    html = render_clock({"full": clock, "lawless": lawless(clock), "hostile": hostile(clock)}[kind])
    page = Page(html)
    policy = page.one("meta", http_equiv="Content-Security-Policy").attributes["content"] or ""
    style = page.one("style").words
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; script-src 'none'; style-src 'sha256-{digest}'; img-src data:; ")
    assert {e.tag for e in page.elements}.isdisjoint({"script", "img", "link", "iframe"})
    for element in page.elements:
        assert not [name for name in element.attributes if name.startswith("on") or name in ("style", "src")], element
        assert (element.attributes.get("href") or "#").startswith("#")
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    assert {(e.attributes["href"] or "")[1:] for e in page.all("a")} <= set(ids)


def hostile(clock: ClockFindings) -> ClockFindings:
    runs = [
        {**run, "seed": HOSTILE, "looks": [{**look, "sha256": HOSTILE} for look in run["looks"]]} for run in clock.runs
    ]
    found = {**clock.found, "loss": HOSTILE}
    return dataclasses.replace(clock, name=HOSTILE, found=found, runs=runs, options={HOSTILE: HOSTILE}, command=HOSTILE)


def test_hostile_words_are_shown_as_words(clock: ClockFindings) -> None:
    html = render_clock(hostile(clock))
    html.encode("utf-8")
    page = Page(html)
    assert page.one("p", class_="name").words == clean(HOSTILE)
    assert page.one("pre").words == clean(HOSTILE)
    assert not set("\x00\u2028\u2029\u202e") & set(html)


def test_the_same_findings_give_the_same_page(clock: ClockFindings) -> None:
    assert render_clock(clock) == render_clock(clock)
