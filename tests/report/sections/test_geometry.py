import dataclasses

from topores.domain import Analysis
from topores.report.sections import geometry

from ..reading import Page, cells, values


def titles(html: str) -> list[str]:
    return [e.words for e in Page(f"<div>{html}</div>").all("strong")]


LOGGED = ["Alignment", "Uniformity", "RankMe", "Gap between the texts"]


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
    head, *rows = cells(html)
    at = head.index("Uniformity, T2")
    shown = float(rows[11][at].replace("−", "-"))
    assert abs(shown - (full.value("uniformity", 2000, 6, "t2") or 0)) < 0.005


def test_one_state_is_a_table_that_stands_open(bare: Analysis) -> None:
    html = geometry.render(bare)
    assert "<svg" not in html
    assert "<details open>" in html
    assert cells(html) == [["Layer", "Uniformity, all points"], ["the embeddings", "−2.25"]]


def test_nothing_measured(bare: Analysis) -> None:
    assert geometry.render(dataclasses.replace(bare, measurements=())) == ""
