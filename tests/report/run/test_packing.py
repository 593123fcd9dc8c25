import dataclasses
import itertools
import json

import numpy as np
import pytest

from tests.report.reading import Page
from topores.domain import Analysis, PassageMap
from topores.report.html.arrays import MOST, Arrays
from topores.report.run.change_data import panels
from topores.report.run.packing import data_blocks
from topores.report.run.shape_data import reach
from topores.report.run.space_data import COARSE, STEPS, places


@pytest.fixture(scope="module")
def page(full: Analysis) -> Page:
    return Page(data_blocks(full))


def bars_of(page: Page) -> list[np.ndarray]:
    """Bars by place and degree, as the script reads them."""
    step = page.data()[0]["step"]
    shown = page.array("bars.shown")
    ends = np.cumsum(shown)[:-1]
    births, lengths = (np.split(page.array(f"bars.{name}"), ends) for name in ("births", "lengths"))
    return [
        np.column_stack([born := np.cumsum(b), np.where(n == MOST, np.inf, born + n)]) * step
        for b, n in zip(births, lengths, strict=True)
    ]


def test_every_diagram_comes_back_to_within_half_a_step(full: Analysis, page: Page) -> None:
    half = reach(full) / STEPS / 2
    _, numbers = page.data()
    wanted = [full.diagrams[(*place, degree)] for place in places(full) for degree in (0, 1)]
    for got, bars, count in zip(bars_of(page), wanted, numbers["counts"], strict=True):
        np.testing.assert_allclose(got, bars, atol=half * 1.01, rtol=0)
        assert count == len(bars)


def test_an_outline_names_its_bar_and_its_passages(full: Analysis, page: Page) -> None:
    flat = iter(page.array("outlines").tolist())
    bars, step = bars_of(page)[1::2], page.data()[0]["step"]
    for place, own in zip(places(full), bars, strict=True):
        found = [(next(flat), list(itertools.islice(flat, next(flat)))) for _ in range(next(flat))]
        shift = 60 if place[2] == "t2" else 0
        wanted = [[row + shift for row in outline.members] for outline in full.outlines[place]]
        assert [members for _, members in found] == wanted
        for (bar, _), outline in zip(found, full.outlines[place], strict=True):
            np.testing.assert_allclose(own[bar], (outline.birth, outline.death), atol=step)
    assert next(flat, None) is None


def test_the_map_comes_back_state_by_state(full: Analysis, page: Page) -> None:
    index = page.data()[0]["maps"]
    for number, one in enumerate(full.maps):
        moved = page.array(f"map.{one.layer}").reshape(12, 2, 120)
        whole = np.cumsum(moved, axis=0) % (MOST + 1)
        got = (whole / index["steps"] * 2 - 1) * index["half"][number]
        np.testing.assert_allclose(np.moveaxis(got, 1, 2), one.places, atol=1.01 * index["half"][number] / STEPS)
    assert page.array("map.passages").tolist() == list(range(120))


def test_neighbours_come_back(full: Analysis, page: Page) -> None:
    assert full.neighbours is not None
    near = page.array("near.passages").reshape(12, 120, 3)
    np.testing.assert_array_equal(near, full.neighbours.nearest)
    far = page.array("near.distances").reshape(12, 120, 3) * page.data()[0]["farStep"]
    np.testing.assert_allclose(far, full.neighbours.distances, atol=1e-4)


def test_many_passages_have_coarser_places_and_stay_small() -> None:
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(0, 0.02, (30, 10_000, 2)), axis=0) + rng.normal(0, 0.4, (10_000, 2))
    one = PassageMap(6, np.arange(10_000), walk.astype(np.float32), np.ones(30))
    arrays = Arrays()
    from tests.report.made import make_bare
    from topores.report.run.passage_data import Passages
    from topores.report.run.space_data import pack_maps

    analysis = dataclasses.replace(make_bare(), maps=(one,))
    assert pack_maps(analysis, Passages(analysis), arrays)["steps"] == COARSE
    assert len(arrays.block("arrays")) < 1_300_000


def test_texts_stand_beside_their_numbers(full: Analysis, page: Page) -> None:
    texts = json.loads(page.unpacked("texts"))
    assert full.corpus is not None
    every = (*full.corpus.t1, *full.corpus.t2)
    assert texts["text"] == [passage.text for passage in every]
    assert texts["side"] == [0] * 60 + [1] * 60
    assert [texts["position"][k] for k in (0, 59, 60)] == [1, 60, 1]
    assert texts["pairs"][3] == [3, 63]
    assert {texts["split"][k] for k in range(20, 32)} == {1}


def test_long_texts_are_cut_so_that_all_together_stay_small(full: Analysis) -> None:
    assert full.corpus is not None
    long = tuple(dataclasses.replace(p, text="word " * 200_000) for p in full.corpus.t1)
    page = Page(data_blocks(dataclasses.replace(full, corpus=dataclasses.replace(full.corpus, t1=long))))
    texts = json.loads(page.unpacked("texts"))["text"]
    assert max(map(len, texts)) == 1_201
    assert texts[0].endswith("…")


def test_noise_reaches_as_far_as_the_null_says(full: Analysis, page: Page) -> None:
    from topores.topology import universal_p_values
    from topores.topology.significance import holm

    numbers = page.data()[1]
    for place, ratio in zip(places(full), numbers["reach"], strict=True):
        bars = full.diagrams[(*place, 1)]
        beyond = bars[:, 1] / bars[:, 0] > ratio
        assert beyond.any() == (np.array(holm(universal_p_values(bars))) < 0.05).any()


def test_a_followed_loop_names_its_bar_in_each_state(full: Analysis) -> None:
    bars = full.diagrams[2000, 6, "union", 1]
    own = dataclasses.replace(
        full.tracks[0], births=(None,) * 11 + (bars[4, 0].item(),), deaths=(None,) * 11 + (bars[4, 1].item(),)
    )
    (track,) = Page(data_blocks(dataclasses.replace(full, tracks=(own,)))).data()[1]["tracks"]
    assert track["bars"] == [None] * 11 + [4]
    assert track["persistence"][11] == pytest.approx(bars[4, 1] - bars[4, 0], rel=1e-4)
    assert track["members"][0] == [3, 70, 12, 40]


def test_every_change_comes_back(full: Analysis, page: Page) -> None:
    _, numbers = page.data()
    every = [(panel, one) for panel in panels(full) for one in panel.series]
    at = [one.measure for _, one in every].index("procrustes.residual")
    value = full.value("procrustes.residual", 500, 3, "t2", against=0)
    assert numbers["change"][at][3][1][9] == pytest.approx(value, rel=1e-5)
    previous = full.value("procrustes.residual", 500, 3, "t2", against=200)
    assert numbers["change"][at + 1][3][1][9] == pytest.approx(previous, rel=1e-5)
    assert numbers["change"][at][3][1][0] is None


def test_the_heat_map_has_each_measure_by_layer_cloud_and_state(full: Analysis, page: Page) -> None:
    heat = {one["title"]: one for one in page.data()[1]["heat"]}
    loops = heat["Total loop persistence"]
    assert loops["unit"] == "rad"
    assert loops["values"][3][1][9] == pytest.approx(full.value("total_persistence", 500, 3, "t2", degree=1), rel=1e-5)
    scale = heat["Scale, against the first state"]["values"]
    assert scale[3][1][9] == pytest.approx(full.value("procrustes.scale", 500, 3, "t2", against=0), rel=1e-5)
    assert scale[3][1][0] is None


def test_betti_curves_come_back(full: Analysis, page: Page) -> None:
    place = list(places(full)).index((2, 6, "t1"))
    thresholds, counts = page.data()[1]["betti"][place][1]
    wanted = sorted(
        (m.threshold, m.value)
        for m in full.measurements
        if (m.measure, m.cycle, m.layer, m.cloud, m.degree) == ("betti_curve", 2, 6, "t1", 1)
    )
    assert thresholds == [float(f"{t:.5g}") for t, _ in wanted]
    assert counts == [n for _, n in wanted]


def test_the_page_opens_with_the_last_state_layer_and_the_union(page: Page) -> None:
    assert page.data()[0]["shown"] == [11, 6, 2]


def test_what_was_not_computed_is_empty(full: Analysis) -> None:
    less = {key: bars for key, bars in full.diagrams.items() if key[:3] != (5, 2, "t1")}
    page = Page(data_blocks(dataclasses.replace(full, diagrams=less, measurements=())))
    at = list(places(full)).index((5, 2, "t1"))
    _, numbers = page.data()
    assert [len(bars) for bars in bars_of(page)[2 * at : 2 * at + 2]] == [0, 0]
    assert numbers["reach"][at] is None
    assert numbers["betti"][0] == [[[], []], [[], []]]
    assert (numbers["change"], numbers["heat"]) == ([], [])


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="places goes from 3 to 65536; expected 0 to 65535"):
        Arrays().put("places", np.array([3, 65_536]))
