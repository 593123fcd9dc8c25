import dataclasses
import math

from tests.report.reading import Page, values
from topores.domain import Analysis
from topores.report.run.sections import losses


def test_every_loss_of_every_logged_cycle_stands_in_the_table(full: Analysis) -> None:
    names = ("cycle", "loss", "loss_1to1", "loss_2to2", "loss_1to2", "loss_2to1")
    assert values(losses.render(full)) == [float(line[name]) for line in full.metrics for name in names]


def test_one_line_for_each_pairing_and_one_for_all(full: Analysis) -> None:
    lines = Page(f"<div>{losses.render(full)}</div>").all("polyline")
    assert [e.words for e in lines] == ["loss", "T1→T1", "T2→T2", "T1→T2", "T2→T1"]
    assert all(len((e.attributes["points"] or "").split()) == 12 for e in lines)


def test_nothing_was_trained(bare: Analysis) -> None:
    assert losses.render(bare) == ""


def test_values_that_are_no_numbers_are_not_drawn(full: Analysis) -> None:
    lines = ({"cycle": 0, "loss": 1.0, "loss_1to1": None}, {"cycle": 1, "loss": math.nan, "loss_1to1": "<b>"})
    html = losses.render(dataclasses.replace(full, metrics=lines))
    assert values(html) == [0.0, 1.0, 1.0]
    assert "<b>" not in html


def test_many_logged_cycles_are_thinned_and_the_page_says_so(full: Analysis) -> None:
    lines = tuple({"cycle": c, "loss": 1.0 / (c + 1)} for c in reversed(range(5000)))
    html = losses.render(dataclasses.replace(full, metrics=lines))
    assert "200 of 5,000 logged cycles are shown." in html
    cycles = values(html)[::2]
    assert cycles == sorted(cycles)
    assert (len(cycles), cycles[0], cycles[-1]) == (200, 0.0, 4999.0)
