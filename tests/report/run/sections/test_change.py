import dataclasses

from tests.report.reading import Page, cells
from topores.domain import Analysis, Measurement, NullMeasurement
from topores.report.html.numbers import digits
from topores.report.run.sections import change


def test_the_table_holds_what_was_measured_of_the_last_layer(full: Analysis) -> None:
    table = {row[0]: row[1:] for row in cells(change.render(full))}
    cycles = [s.cycle for s in full.states]
    before = dict(zip(cycles[1:], cycles, strict=False))
    at = (6, "union")
    assert table["Measure"] == [s.label for s in full.states]
    assert table["Deformation, against the first state (share of the spread)"][1:] == [
        digits(full.value("procrustes.residual", c, *at, against=0)) for c in cycles[1:]
    ]
    assert table["Bottleneck distance, loops, against the previous state (rad)"][1:] == [
        digits(full.value("bottleneck_distance", c, *at, degree=1, against=before[c])) for c in cycles[1:]
    ]
    assert table["Spanning tree length (rad)"] == [
        digits(full.value("total_persistence", c, *at, degree=0)) for c in cycles
    ]


def test_the_first_state_has_nothing_to_be_compared_to(full: Analysis) -> None:
    rows = cells(change.render(full))[1:]
    assert [row[1] == "–" for row in rows] == ["against" in row[0] for row in rows]


def test_the_second_state_is_compared_once_and_shown_for_both(full: Analysis) -> None:
    table = {row[0]: row[1:] for row in cells(change.render(full))}
    assert table["RTD, against the first state"][1] == table["RTD, against the previous state"][1] != "–"


def test_every_line_is_numbered_as_its_row_in_the_table(full: Analysis) -> None:
    page = Page(f"<div>{change.render(full)}</div>")
    lines = [int(e.attributes["data-series"]) for e in page.all("polyline")]
    rows = [int(e.attributes["data-row"]) for e in page.all("tr") if "data-row" in e.attributes]
    assert lines == rows == list(range(len(rows)))


def test_degree_two_gets_its_own_charts(full: Analysis) -> None:
    voids = tuple(
        dataclasses.replace(m, degree=2)
        for m in full.measurements
        if m.measure == "bottleneck_distance" and m.degree == 1
    )
    html = change.render(dataclasses.replace(full, measurements=full.measurements + voids))
    assert ">Bottleneck distance, hollow spaces</abbr>" in html


def test_one_state_is_described_alone(bare: Analysis) -> None:
    html = change.render(bare)
    assert "<svg" not in html
    assert cells(html) == [["Measure", "points.npy"], ["Spanning tree length", "3.00"]]


def test_nothing_measured(bare: Analysis) -> None:
    assert change.render(dataclasses.replace(bare, measurements=())) == ""


def test_shares_of_the_movement_stand_beside_what_chance_gives(full: Analysis) -> None:
    cycles, at = [s.cycle for s in full.states], (6, "union")
    shares = tuple(
        Measurement(cycle, *at, f"movement.{part}", place / 100, "share of the squared movement", against=against)
        for place, cycle in enumerate(cycles)
        for against in sorted({0, cycles[place - 1]} if place else ())
        for part in ("shared", "shared_by_chance", "relative", "shift", "deformation")
    )
    html = change.render(dataclasses.replace(full, measurements=full.measurements + shares))
    table = {row[0]: row[1:] for row in cells(html)}
    name = "Shared rotation, {} (share of the squared movement)"
    seen = [digits(place / 100) for place in range(1, len(cycles))]
    for line in ("against the first state", "against the previous state", "by chance, against the first state"):
        assert table[name.format(line)] == ["–", *seen]
    assert table["Relative rotation, against the first state (share of the squared movement)"][1:] == seen
    # Nothing was measured of the others by chance, but their lines are there for the layers and states where it was.
    assert set(table["Own deformation, by chance, against the first state (share of the squared movement)"]) == {"–"}
    assert html.count("by chance, against the first state</li>") == 1


def test_the_mean_angle_stands_beside_the_largest(full: Analysis) -> None:
    turned = tuple(
        dataclasses.replace(m, measure="procrustes.mean_angle", value=m.value / 2)
        for m in full.measurements
        if m.measure == "procrustes.angle"
    )
    rows = [r[0] for r in cells(change.render(dataclasses.replace(full, measurements=full.measurements + turned)))]
    place = rows.index("Largest rotation, against the previous state (rad)")
    assert rows[place + 1 : place + 3] == [
        f"Mean rotation, against the {s} (rad)" for s in ("first state", "previous state")
    ]


def test_a_change_is_read_beside_that_of_dropout_alone(full: Analysis) -> None:
    """The made null changes by .10 to .13; what is 1 without a change has no such reach."""
    last = full.states[-1].cycle
    scaled = NullMeasurement("dropout", 0, Measurement(last, 6, "union", "linear_cka", 0.9, "0 to 1", against=last))
    page = Page(f"<div>{change.render(dataclasses.replace(full, nulls=(*full.nulls, scaled)))}</div>")
    notes = {e.words.split(" share")[0]: e.words for e in page.all("figcaption")}
    told = "dropout alone, at the output, both texts: up to"
    assert notes["Movement of the passages"].endswith(f"0: no passage moved; {told} 0.130")
    assert [name for name, words in notes.items() if told in words] == ["Movement of the passages"]
