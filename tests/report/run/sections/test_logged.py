"""Logged numbers that no section of their own shows are shown all the same, under their own names."""

import dataclasses

from tests.report.reading import Page, cells
from topores.domain import Analysis
from topores.report.run.sections import logged


def with_logged(full: Analysis, **values: object) -> Analysis:
    return dataclasses.replace(full, metrics=tuple({**line, **values} for line in full.metrics))


def test_a_number_of_an_objective_that_nobody_knows_has_its_chart_and_its_column(full: Analysis) -> None:
    html = logged.render(with_logged(full, critic_margin=0.25))
    assert [e.words for e in Page(f"<div>{html}</div>").all("strong")] == ["critic_margin"]
    head, first, *_ = cells(html)
    assert head == ["Cycle", "critic_margin"]
    assert first == ["0", "0.250"]


def test_a_known_number_has_its_name_and_how_it_is_read(full: Analysis) -> None:
    page = Page(f"<div>{logged.render(with_logged(full, temperature=0.05))}</div>")
    assert page.one("strong").words == "Temperature"
    assert "smaller: sharper" in page.one("figcaption").words


def test_what_other_sections_show_and_what_is_no_number_is_left_out(full: Analysis, bare: Analysis) -> None:
    assert logged.render(full) == logged.render(bare) == ""
    assert logged.render(with_logged(full, note="text", flag=True, gone=None)) == ""


def test_hostile_names_are_text(full: Analysis) -> None:
    html = logged.render(with_logged(full, **{"<script>x": 1.0}))
    assert "<script>" not in html
