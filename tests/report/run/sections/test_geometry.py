import dataclasses

from tests.report.reading import Page, cells, tables, values
from topores.domain import Analysis
from topores.report.run.sections import geometry


def titles(html: str) -> list[str]:
    return [e.words for e in Page(f"<div>{html}</div>").all("strong")]


LOGGED = ["Alignment", "Uniformity", "RankMe", "Modality gap"]


def test_logged_values_come_first_and_measured_ones_add_what_was_not_logged(full: Analysis) -> None:
    html = geometry.render(full)
    assert titles(html) == [*LOGGED, "Intrinsic dimension", "Intrinsic dimension by layer"]
    names = ("cycle", "alignment", "uniformity", "rank_me", "modality_gap")
    logged = [float(line[name]) for line in full.metrics for name in names]
    assert values(html)[: len(logged)] == logged


def test_without_metrics_the_measurements_of_the_last_layer_are_drawn(full: Analysis) -> None:
    html = geometry.render(dataclasses.replace(full, metrics=()))
    every = [*LOGGED, "Intrinsic dimension"]
    assert titles(html) == [*every, *(f"{name} by layer" for name in every)]
    lines = Page(f"<div>{html}</div>").all("polyline")
    assert [e.words for e in lines][:4] == ["T1 and T2 together", "T1", "T2", "T1 and T2 together"]
    head, *rows = tables(html)[1]
    assert head == ["Cycle", "T1", "T2", "T1 and T2 together"]
    shown = float(rows[11][2].replace("−", "-"))
    assert abs(shown - (full.value("uniformity", 2000, 6, "t2") or 0)) < 0.005


def test_one_state_is_a_table_that_stands_open(bare: Analysis) -> None:
    html = geometry.render(bare)
    assert "<svg" not in html
    assert "<details open>" in html
    assert cells(html) == [["Layer", "Uniformity, all points"], ["the embeddings", "−2.25"]]


def test_nothing_measured(bare: Analysis) -> None:
    assert geometry.render(dataclasses.replace(bare, measurements=())) == ""


def test_no_table_is_wider_than_a_page_of_paper(full: Analysis) -> None:
    """One for each measure, its clouds side by side: ten measures of three clouds were cut off at the right edge."""
    for html in (geometry.render(full), geometry.render(dataclasses.replace(full, metrics=()))):
        assert max(len(table[0]) for table in tables(html)) <= 5
    by_layer = [t for t in tables(geometry.render(full)) if t[0][0] == "Layer"]
    assert [t[0][1:] for t in by_layer] == [
        ["T1 and T2 together"], *2 * [["T1", "T2", "T1 and T2 together"]], ["T1 and T2 together"],
        ["T1", "T2", "T1 and T2 together"],
    ]  # fmt: skip
    captions = [e.words for e in Page(f"<div>{geometry.render(full)}</div>").all("caption")][-5:]
    assert captions == ["Alignment", "Uniformity", "RankMe", "Modality gap", "Intrinsic dimension"]


def test_charts_and_tables_say_their_unit(full: Analysis) -> None:
    measured = tuple(
        dataclasses.replace(m, unit="dimensions") if m.measure in ("rank_me", "intrinsic_dimension") else m
        for m in full.measurements
    )
    page = Page(f"<div>{geometry.render(dataclasses.replace(full, measurements=measured))}</div>")
    titled = [e.words for e in page.all("figcaption") if e.words.startswith(("RankMe", "Intrinsic"))]
    assert [words.split(" dimensions")[0] for words in titled] == [
        "RankMe", "Intrinsic dimension", "Intrinsic dimension by layer",
    ]  # fmt: skip
    assert "RankMe (dimensions)" in [e.words for e in page.all("caption")]
    assert "RankMe (dimensions)" in [e.words for e in page.all("th")]
