"""One choice everywhere: what is chosen in one picture is shown in all others and stands in the address.

Each way is gone by pointer and by keyboard.
"""

import dataclasses
import re
from urllib.parse import parse_qs

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from topores.domain import Analysis

pytestmark = pytest.mark.slow

LAST = {"cycle": "2000", "layer": "6", "cloud": "union"}


@pytest.fixture
def page(open_page: OpenPage, full: Analysis) -> Page:
    return open_page(full, hash="cycle=2000&layer=6&cloud=union").page


def chosen(page: Page) -> dict[str, str]:
    """What the address names."""
    return {name: values[0] for name, values in parse_qs(page.evaluate("location.hash.slice(1)")).items()}


def drawn(page: Page) -> str:
    return page.evaluate("document.getElementById('map').toDataURL()")


def place_of(page: Page, full: Analysis, passage: int, state: int = 11) -> tuple[float, float]:
    """Where the mark of a passage is on the canvas: all states of the layer fit, both axes have one scale."""
    places = full.maps[6].places
    low, high = places.min(axis=(0, 1)), places.max(axis=(0, 1))
    width, height = page.evaluate("(({clientWidth: w, clientHeight: h}) => [w, h])(document.getElementById('map'))")
    unit = min((width - 28) / (high - low)[0], (height - 28) / (high - low)[1])
    x, y = (places[state, passage] - (low + high) / 2) * unit
    return width / 2 + float(x), height / 2 - float(y)


def test_a_cell_of_the_heat_map_sets_cycle_and_layer(page: Page) -> None:
    page.locator('tr[data-layer="2"] button[data-cell="3"]').click()
    assert chosen(page) == {"cycle": "5", "layer": "2", "cloud": "union"}
    expect(page.locator("#space .place")).to_have_text("Shown: cycle 5, layer 2, T1 and T2 together.")
    expect(page.locator("#heat-reading")).to_contain_text("cycle 5, layer 2")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert chosen(page) == {"cycle": "10", "layer": "3", "cloud": "union"}
    expect(page.locator('.heat-table button[aria-pressed="true"]')).to_be_focused()


def test_the_heat_map_shows_the_measure_that_is_chosen(page: Page, full: Analysis) -> None:
    page.locator("#heat-measure").select_option(label="Scale, against the first state")
    value = full.value("procrustes.scale", 2000, 6, "union", against=0)
    expect(page.locator("#heat-reading")).to_contain_text(
        f"Scale, against the first state: cycle 2,000, layer 6 (output): {value:.2f}"
    )


def bar_of(full: Analysis) -> int:
    """The longest loop of the last state."""
    bars = full.diagrams[2000, 6, "union", 1]
    return int((bars[:, 1] - bars[:, 0]).argmax())


def test_a_bar_pins_its_loop_in_every_picture(page: Page, full: Analysis) -> None:
    before, bar = drawn(page), bar_of(full)
    page.locator('svg[data-barcode="1"] .pinned').first.click(force=True)
    number = int(chosen(page)["loop"].removeprefix("b"))
    assert number in (bar, *range(46))
    assert drawn(page) != before
    expect(page.locator('svg[data-barcode="1"] .chosen')).to_have_count(1)
    expect(page.locator('svg[data-diagram="1"] .chosen')).to_have_count(1)
    birth, death = full.diagrams[2000, 6, "union", 1][number]
    expect(page.locator("#loop-told")).to_contain_text(f"it lasts {death - birth:#.3g} rad")
    outline = next(o for o in full.outlines[2000, 6, "union"] if o.birth == birth)
    sources = page.locator("#loop-passages .source").all_text_contents()
    assert [f"passage {row % 60 + 1}" in told for row, told in zip(outline.members, sources, strict=True)] == [
        True
    ] * len(sources)


def test_bars_are_gone_through_by_keyboard(page: Page) -> None:
    page.locator("[data-chooser]").focus()
    page.keyboard.press("ArrowDown")
    first = chosen(page)["loop"]
    page.keyboard.press("ArrowDown")
    assert chosen(page)["loop"] != first
    page.keyboard.press("ArrowUp")
    assert chosen(page)["loop"] == first
    page.keyboard.press("Escape")
    assert "loop" not in chosen(page)
    expect(page.locator("#loop-passages li")).to_have_count(0)


def test_a_point_of_the_diagram_pins_its_loop(page: Page) -> None:
    page.locator('svg[data-diagram="1"] .pinned').first.click(force=True)
    assert chosen(page)["loop"].startswith("b")
    expect(page.locator('svg[data-barcode="1"] .chosen')).to_have_count(1)


def test_a_followed_loop_stays_chosen_through_the_states(page: Page, full: Analysis) -> None:
    page.locator('[data-track="1"]').press("Enter")
    assert chosen(page)["loop"] == "t1"
    expect(page.locator("#loop-told")).to_contain_text("It does not exist in this state.")
    expect(page.locator("#loop polyline.faint")).to_have_count(1)
    slider = page.locator('input[data-choose="state"]')
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    assert chosen(page) | {"loop": "t1"} == chosen(page)
    assert chosen(page)["cycle"] == "50"
    expect(page.locator("#loop-passages li")).to_have_count(len(full.tracks[1].members[6]))
    page.locator('[data-track="1"]').click()
    assert "loop" not in chosen(page)


def test_a_bar_is_let_go_with_its_place(page: Page) -> None:
    page.locator("[data-chooser]").focus()
    page.keyboard.press("ArrowDown")
    page.locator('[data-step="-1"]').click()
    assert "loop" not in chosen(page)


def test_a_passage_shows_its_text_its_partner_and_its_neighbours_in_the_other_text(page: Page, full: Analysis) -> None:
    x, y = place_of(page, full, 75)
    page.locator("#map").click(position={"x": x, "y": y})
    assert chosen(page) == {**LAST, "passage": "75"}
    assert full.corpus is not None
    expect(page.locator("#passage-told .whole")).to_have_text(full.corpus.t2[15].text)
    partner = page.locator("#passage-told > .pick")
    expect(partner).to_contain_text(full.corpus.t1[15].text[:40])
    near = page.locator("#passage-told ol .pick")
    assert [told.split(",")[0].strip() for told in near.locator(".source").all_text_contents()] == ["T1 article"] * 3
    expect(near.first).to_contain_text("0.500 rad · partner")
    near.nth(1).press("Enter")
    assert chosen(page)["passage"] == "16"


def test_passages_are_gone_through_by_keyboard(page: Page) -> None:
    page.locator("#map").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#map-reading")).to_contain_text("T1 · article, passage 3:")
    page.keyboard.press("Enter")
    assert chosen(page)["passage"] == "2"
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    assert chosen(page)["passage"] == "119"
    page.keyboard.press("Escape")
    assert "passage" not in chosen(page)


def test_search_finds_passages_and_marks_them(page: Page, full: Analysis) -> None:
    assert full.corpus is not None
    before = drawn(page)
    page.locator("#search").fill("HYPOGLYCAEMIA severe")
    wanted = [p for p in (*full.corpus.t1, *full.corpus.t2) if "hypoglycaemia" in p.text]
    expect(page.locator("#found h4")).to_contain_text(f"{len(wanted)} passages found")
    assert drawn(page) != before
    page.locator("#found .pick").first.click()
    assert "passage" in chosen(page)
    page.locator("#search").fill("no such words")
    expect(page.locator("#found")).to_have_text("Nothing found.")
    page.locator("#search").fill("")
    expect(page.locator("#found")).to_be_empty()


def test_a_search_says_what_it_did_not_see(open_page: OpenPage, full: Analysis) -> None:
    assert full.corpus is not None
    long = dataclasses.replace(full.corpus.t1[0], text="mean error " * 200)
    corpus = dataclasses.replace(full.corpus, t1=(long, *full.corpus.t1[1:]))
    page = open_page(dataclasses.replace(full, corpus=corpus)).page
    page.locator("#search").fill("error")
    expect(page.locator("#found")).to_contain_text("Only the first 1,200 characters of each are searched.")


def draw_lasso(page: Page, full: Analysis) -> None:
    """Around the inner ring, which is T1."""
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map").bounding_box()
    assert box is not None
    inner = [place_of(page, full, passage) for passage in range(60)]
    reach = max(abs(x - box["width"] / 2) for x, _ in inner) + 12
    across, up = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(across - reach, up - reach)
    page.mouse.down()
    for x, y in ((reach, -reach), (reach, reach), (-reach, reach), (-reach, -reach)):
        page.mouse.move(across + x, up + y, steps=4)
    page.mouse.up()


def test_a_lasso_lists_what_it_catches(page: Page, full: Analysis) -> None:
    draw_lasso(page, full)
    expect(page.locator("#found h4")).to_have_text("60 passages within the outline; the first 40 are listed")


@pytest.mark.parametrize("how", ["Escape", "a click on nothing"])
def test_a_lasso_is_let_go(page: Page, full: Analysis, how: str) -> None:
    page.locator("#map").hover(position={"x": 4, "y": 4})
    before = drawn(page)
    draw_lasso(page, full)
    assert drawn(page) != before
    if how == "Escape":
        page.keyboard.press("Escape")
    else:
        page.locator("#map").click(position={"x": 4, "y": 4})
    expect(page.locator("#found")).to_be_empty()
    assert drawn(page) == before


def test_a_lasso_takes_the_place_of_a_search(page: Page, full: Analysis) -> None:
    page.locator("#search").fill("hypoglycaemia")
    draw_lasso(page, full)
    expect(page.locator("#found h4")).to_contain_text("within the outline")
    expect(page.locator("#search")).to_have_value("")


def test_playing_goes_on_to_the_last_state_and_stops(open_page: OpenPage, full: Analysis) -> None:
    page = open_page(full, hash="cycle=500&layer=6&cloud=union").page
    play = page.locator("#play")
    play.press("Enter")
    expect(play).to_have_text("❚❚ Pause")
    expect(page.locator("#space .place")).to_contain_text("cycle 2,000", timeout=10_000)
    expect(play).to_have_text("▶ Play", timeout=10_000)


@pytest.mark.parametrize(("how", "cycle"), [("a cell", "5"), ("the slider", "0"), ("an address", "20")])
def test_any_other_choice_of_a_state_stops_playing(page: Page, how: str, cycle: str) -> None:
    page.locator("#play").press("Enter")
    expect(page.locator("#play")).to_have_text("❚❚ Pause")
    if how == "a cell":
        page.locator('tr[data-layer="2"] button[data-cell="3"]').click()
    elif how == "the slider":
        for key in ("End", "Home"):
            page.locator('input[data-choose="state"]').press(key)
    else:
        page.evaluate("() => { location.hash = 'cycle=20&layer=6&cloud=union' }")
    expect(page.locator("#play")).to_have_text("▶ Play")
    page.wait_for_timeout(1200)
    assert chosen(page)["cycle"] == cycle


def test_a_link_to_a_section_keeps_the_choice(page: Page) -> None:
    page.locator('tr[data-layer="2"] button[data-cell="3"]').click()
    page.locator('nav a[href="#shape"]').click()
    expect(page.locator("#shape h2")).to_be_in_viewport()
    assert chosen(page) == {"cycle": "5", "layer": "2", "cloud": "union"}
    page.reload()
    expect(page.locator("#space .place")).to_contain_text("cycle 5, layer 2")


@pytest.mark.parametrize("start", ["", "cycle=50&layer=6&cloud=union&loop=t1&passage=64"])
def test_what_an_address_does_not_name_is_let_go(open_page: OpenPage, full: Analysis, start: str) -> None:
    page = open_page(full, hash=start).page
    expect(page.locator("#loop-passages li")).not_to_have_count(0)
    page.evaluate("() => { location.hash = 'cycle=200' }")
    expect(page.locator("#space .place")).to_have_text("Shown: cycle 200, layer 6 (output), T1 and T2 together.")
    expect(page.locator("#loop-passages li")).to_have_count(0)
    expect(page.locator('[data-track][aria-pressed="true"]')).to_have_count(0)
    expect(page.locator("#passage-told")).to_contain_text("Select a passage on the map")
    expect(page.locator("#map-reading")).to_be_empty()


def test_a_followed_loop_is_told_where_it_is_in_another_layer(page: Page, full: Analysis) -> None:
    """Not that it is absent, beside its passages."""
    page.locator('[data-track="0"]').click()
    page.locator('tr[data-layer="3"] button[data-cell="3"]').click()
    length = full.tracks[0].deaths[3] - full.tracks[0].births[3]
    expect(page.locator("#loop-told")).to_contain_text(f"there it lasts {length:#.3g} rad in this state")
    expect(page.locator("#loop-told")).not_to_contain_text("does not exist")
    expect(page.locator("#loop-passages li")).to_have_count(len(full.tracks[0].members[3]))
    page.locator('[data-track="1"]').click()
    expect(page.locator("#loop-told")).to_contain_text("It does not exist in this state.")


def test_the_page_opens_with_a_loop_that_is_there(open_page: OpenPage, full: Analysis) -> None:
    page = open_page(dataclasses.replace(full, tracks=full.tracks[::-1])).page
    expect(page.locator('[data-track="1"]')).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#loop-passages li")).to_have_count(len(full.tracks[0].members[11]))


def test_labels_count_the_bars_of_the_choice(page: Page, full: Analysis) -> None:
    barcode, diagram = page.locator('svg[data-barcode="1"]'), page.locator('svg[data-diagram="1"]')
    for cycle, cloud, name in ((0, "union", "T1 and T2 together"), (500, "t1", "T1")):
        page.locator('select[data-choose="cloud"]').select_option(label=name)
        page.locator(f'tr[data-layer="6"] button[data-cell="{[s.cycle for s in full.states].index(cycle)}"]').click()
        loops = len(full.diagrams[cycle, 6, cloud, 1])
        expect(barcode).to_have_attribute("aria-label", f"Barcode: {loops} loops")
        expect(diagram).to_have_attribute("aria-label", f"Persistence diagram: {loops} loops")
    clusters = len(full.diagrams[500, 6, "t1", 0])
    expect(page.locator('svg[data-barcode="0"]')).to_have_attribute("aria-label", f"Barcode: {clusters} clusters")


@pytest.mark.parametrize("script", [True, False])
def test_bars_that_are_not_all_drawn_say_so(open_page: OpenPage, full: Analysis, script: bool) -> None:
    births = np.linspace(0.5, 0.6, 240)
    many = {**full.diagrams, (2000, 6, "union", 1): np.column_stack([births, births + np.linspace(0.01, 0.02, 240)])}
    page = open_page(dataclasses.replace(full, diagrams=many), script=script).page
    for picture, name in (("barcode", "Barcode"), ("diagram", "Persistence diagram")):
        svg = page.locator(f'svg[data-{picture}="1"]')
        expect(svg).to_have_attribute("aria-label", f"{name}: 200 longest of 240 loops")
        told = page.locator(f'figure:has(svg[data-{picture}="1"]) [data-drawn]')
        expect(told).to_have_text("200 longest of 240 loops")
        if script:
            page.locator('[data-step="-1"]').click()
            expect(told).to_be_empty()
            page.locator('[data-step="1"]').click()


def test_axes_of_loops_begin_near_the_first(page: Page, full: Analysis) -> None:
    for state, cycle in ((0, 0), (11, 2000)):
        page.locator(f'tr[data-layer="6"] button[data-cell="{state}"]').click()
        bars = full.diagrams[cycle, 6, "union", 1]
        for picture in ("barcode", "diagram"):
            words = page.locator(f'svg[data-{picture}="1"]').get_attribute("data-x") or ""
            low, high = (float(word) for word in words.split()[:2])
            assert 0 <= bars.min() - low < 0.25 * (high - low)
            assert 0 <= high - bars.max() < 0.25 * (high - low)


def test_a_number_that_is_no_length_has_its_unit_in_brackets(page: Page, full: Analysis) -> None:
    value = full.value("linear_cka", 2000, 6, "union", against=0)
    page.locator("#heat-measure").select_option(label="Linear CKA, against the first state")
    expect(page.locator("#heat-reading")).to_have_text(re.compile(rf": {value:#.3g} \(0 to 1\)$"))
    page.locator("#heat-measure").select_option(label="Largest rotation, against the first state")
    expect(page.locator("#heat-reading")).to_have_text(re.compile(r"[\d.]+ rad$"))


def test_what_is_asked_for_far_below_comes_into_sight(page: Page) -> None:
    page.locator("#loop_passages .loop").last.evaluate("(one) => { one.querySelector('details').open = true; }")
    link = page.locator("#loop_passages .to-state").last
    link.scroll_into_view_if_needed()
    expect(page.locator("#map")).not_to_be_in_viewport()
    link.click()
    expect(page.locator("#map")).to_be_in_viewport()
    page.locator("#method").scroll_into_view_if_needed()
    page.locator("#search").fill("glucose")
    expect(page.locator("#found h4")).to_be_in_viewport()


def test_bars_are_made_once(page: Page) -> None:
    page.evaluate("() => { document.querySelector('svg[data-barcode=\"1\"] .bars').children[3].__kept = true; }")
    page.locator('[data-step="-1"]').click()
    page.locator('[data-step="1"]').click()
    kept = "() => [...document.querySelector('svg[data-barcode=\"1\"] .bars').children].some((one) => one.__kept)"
    assert page.locator('output[data-shown="state"]').text_content() == "cycle 2,000"
    assert page.evaluate(kept)


def test_an_address_brings_everything_back(open_page: OpenPage, full: Analysis) -> None:
    page = open_page(full, hash="cycle=200&layer=6&cloud=union&loop=t1&passage=64").page
    expect(page.locator("#space .place")).to_contain_text("cycle 200, layer 6 (output)")
    expect(page.locator('[data-track="1"]')).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#passage-told .source").first).to_contain_text("meta_analysis, passage 5")


@pytest.mark.parametrize(
    "words", ["cycle=7&layer=99&loop=b9999&passage=9999", "loop=t9", "passage=-1", "%E0%A4%A", "cloud=__proto__"]
)
def test_an_address_that_names_nothing_changes_nothing(open_page: OpenPage, full: Analysis, words: str) -> None:
    page = open_page(full, hash=words).page
    expect(page.locator("#space .place")).to_have_text("Shown: cycle 2,000, layer 6 (output), T1 and T2 together.")


def test_the_map_has_its_table(page: Page) -> None:
    page.locator(".map-table summary").press("Enter")
    expect(page.locator(".map-table tbody tr")).to_have_count(120)
    expect(page.locator(".map-table tbody tr").nth(60)).to_contain_text("meta_analysis, passage 1")
