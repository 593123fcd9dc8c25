"""Each number beside its nulls, in the order of the ladder, and what is missing said."""

import dataclasses

import pytest

from tests.report.made import CYCLES
from tests.report.reading import Page, cells, tables
from topores.domain import Analysis, Measurement, NullMeasurement
from topores.report.run.sections import nulls


def words(html: str) -> str:
    """All that people read of a fragment."""
    return Page(f"<div>{html}</div>").elements[0].words


def test_without_nulls_there_is_no_section(full: Analysis, bare: Analysis) -> None:
    assert nulls.render(bare) == ""
    assert nulls.render(dataclasses.replace(full, nulls=())) == ""


def test_the_last_state_stands_beside_mean_and_deviation_of_each_null(full: Analysis) -> None:
    head, *rows = cells(nulls.render(full))
    assert head == ["", "This run", "Dropout", "Shuffled pairings"]
    found = {row[0]: row[1:] for row in rows[:3]}
    assert set(found) == {"Total loop persistence (rad)", "Uniformity", "Held-out MRR"}
    # Dropout: -2.0 to -2.3 in steps of .1; shuffled at the last cycle: 3.1, 4.1, 5.1, and .40, .41, .42.
    assert found["Uniformity"][1:] == ["−2.15 ± 0.129", "–"]
    assert found["Total loop persistence (rad)"][1:] == ["–", "4.10 ± 1.00"]
    assert found["Held-out MRR"][1:] == ["–", "0.410 ± 0.0100"]
    last = full.metrics[-1]
    own = (last["held_out_mrr_1to2"] + last["held_out_mrr_2to1"]) / 2
    assert float(found["Held-out MRR"][0]) == pytest.approx(own, abs=5e-4)


def test_a_change_stands_beside_the_largest_that_noise_makes(full: Analysis) -> None:
    table = next(t for t in Page(f"<div>{nulls.render(full)}</div>").all("table") if "First to last" in t.words)
    assert "0.130" in table.words  # the largest of .10 to .13
    own = full.value("change", CYCLES[-1], 6, "union", against=0)
    assert own is not None
    assert f"{own:#.3g}" in table.words


def test_rotation_stands_beside_dropout_and_beside_shuffled_pairings(full: Analysis) -> None:
    first, last = CYCLES[0], CYCLES[-1]

    def turned(null: str, draw: int, angle: float, against: int) -> NullMeasurement:
        return NullMeasurement(
            null, draw, Measurement(last, 6, "union", "procrustes.angle", angle, "rad", None, against)
        )

    made = (
        *(turned("dropout", draw, angle, last) for draw, angle in enumerate((2.0, 2.26))),
        *(turned("shuffled", draw, angle, first) for draw, angle in enumerate((2.1, 2.2, 2.3))),
    )
    head, *rows = tables(nulls.render(dataclasses.replace(full, nulls=(*full.nulls, *made))))[2]
    assert head == ["", "First to last", "Dropout", "First to last on shuffled pairings"]
    found = {row[0]: row[1:] for row in rows}
    assert found["Largest rotation (rad)"][1:] == ["2.26", "2.20 ± 0.100"]
    assert found["Movement of the passages (share of the spread)"][1:] == ["0.130", "–"]


def test_half_of_the_passages_are_said_to_give_less(full: Analysis) -> None:
    told = "Half of the passages give smaller values of everything that grows with their number"
    assert told not in words(nulls.render(full))
    halves = tuple(dataclasses.replace(n, null="resample") for n in full.nulls if n.null == "dropout")
    assert words(nulls.render(dataclasses.replace(full, nulls=halves))).count(told) == 2


def test_charts_among_shuffled_pairings_say_their_unit(full: Analysis) -> None:
    page = Page(f"<div>{nulls.render(full)}</div>")
    assert [e.words for e in page.all("figcaption")] == ["Total loop persistence rad", "Held-out MRR"]


def test_runs_on_shuffled_pairings_are_drawn_over_cycles_beside_the_run(full: Analysis) -> None:
    lines = Page(f"<div>{nulls.render(full)}</div>").all("polyline")
    names = [line.words for line in lines]
    each = ["shuffled pairings 1", "shuffled pairings 2", "shuffled pairings 3", "this run"]
    assert names == 2 * each  # total persistence and held-out MRR


def test_that_none_were_trained_is_said_only_where_there_is_a_run(full: Analysis) -> None:
    dropout = tuple(n for n in full.nulls if n.null == "dropout")
    assert "This run has no runs on shuffled pairings" in words(nulls.render(dataclasses.replace(full, nulls=dropout)))
    bare = dataclasses.replace(full, nulls=dropout, run={})
    assert "No runs on shuffled pairings" not in words(nulls.render(bare))
    assert "No runs on shuffled pairings" not in words(nulls.render(full))


def test_one_state_has_one_table(full: Analysis) -> None:
    single = dataclasses.replace(full, states=full.states[:1])
    html = nulls.render(single)
    assert "First to last" not in html
    assert "<details" not in html


def test_draws_that_differ_by_rounding_alone_do_not_differ(full: Analysis) -> None:
    alike = tuple(
        NullMeasurement("dropout", draw, Measurement(CYCLES[-1], 6, "union", "uniformity", value, ""))
        for draw, value in enumerate((-0.1 - 0.2, -0.3, -0.3))
    )
    found = {row[0]: row[1:] for row in cells(nulls.render(dataclasses.replace(full, nulls=alike)))}
    assert found["Uniformity"][1] == "−0.300 ± 0"
