import dataclasses

import pytest

from tests.report.reading import Page, values
from topores.domain import Analysis
from topores.report.run.sections import retrieval


def with_mrr(full: Analysis, *points: tuple[int, float | None]) -> str:
    lines = tuple(
        {"cycle": c, "held_out_mrr_1to2": v, "held_out_mrr_2to1": v, "train_mrr_1to2": 1.0} for c, v in points
    )
    return retrieval.render(dataclasses.replace(full, metrics=lines))


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        (
            [(0, 0.5), (10, 0.75), (100, 0.25)],
            "T1→T2: MRR went from 0.500 (untrained) to 0.250 after cycle 100, 0.250 lower. "
            "The best was 0.750 at cycle 10.",
        ),
        (
            [(0, 0.5), (10, 0.75)],
            "T1→T2: MRR went from 0.500 (untrained) to 0.750 after cycle 10, 0.250 higher.",
        ),
        (
            [(0, 0.5), (10, 0.25)],
            "T1→T2: MRR went from 0.500 (untrained) to 0.250 after cycle 10, 0.250 lower. "
            "No cycle was better than the untrained encoder.",
        ),
        ([(5, 0.5), (10, 0.25)], "T1→T2: MRR is 0.250 after cycle 10. The untrained encoder was not measured."),
        ([(0, 0.5)], "T1→T2: MRR of the untrained encoder is 0.500; later cycles were not measured."),
    ],
)
def test_what_happened_in_words(full: Analysis, points: list[tuple[int, float | None]], sentence: str) -> None:
    assert f"<p>{sentence}</p>" in with_mrr(full, *points)


def test_nothing_held_out(full: Analysis) -> None:
    html = with_mrr(full, (0, None), (10, None))
    assert "Nothing was held out" in html
    assert "untrained encoder" not in html


def test_the_untrained_encoder_stands_across_the_chart(full: Analysis) -> None:
    levels = [e for e in Page(f"<div>{retrieval.render(full)}</div>").all("path") if "level" in e.attributes["class"]]
    assert [e.words for e in levels] == ["untrained T1→T2", "untrained T2→T1"] * 2


def test_every_number_stands_in_the_table(full: Analysis) -> None:
    names = [f"{p}_{s}_{w}" for p in ("held_out", "train") for s in ("mrr", "recall_at_1") for w in ("1to2", "2to1")]
    assert values(retrieval.render(full)) == [float(line[n]) for line in full.metrics for n in ("cycle", *names)]


def test_no_metrics(bare: Analysis) -> None:
    assert retrieval.render(bare) == ""
