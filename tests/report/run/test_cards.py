"""The four cards: each number is that of the analysis, and its null stands beside it."""

import dataclasses

import pytest

from tests.report.reading import Page, values
from topores.domain import Analysis, Claim, Measurement, NullMeasurement
from topores.quantities import quantity
from topores.report.claims import claims_table
from topores.report.run.cards import cards_of
from topores.report.run.null_data import first_by_chance


def shown(analysis: Analysis) -> dict[str, str]:
    """What each card says below its question."""
    html = cards_of(analysis)
    starts = [place for place in range(len(html)) if html.startswith("<article", place)]
    ends = [*starts[1:], html.rindex("</div>")]
    pages = [Page(html[start:end]) for start, end in zip(starts, ends, strict=True)]
    return {page.one("h2").words: page.one("article").words for page in pages}


def with_movement(full: Analysis, by_chance: float) -> Analysis:
    """One of which the parts of the movement are known, and whose verdict holds the turn against chance."""
    at = (full.states[-1].cycle, full.layers[-1], "union")
    parts = {"shared": 0.7, "relative": 0.1, "shift": 0.05, "deformation": 0.15, "shared_by_chance": 0.999}
    measured = tuple(Measurement(*at, f"movement.{n}", v, "", against=full.states[0].cycle) for n, v in parts.items())
    shuffled = Claim(quantity("movement.shared").phrase, 0.7, 0.123, 0.05, "movement.shared", null_of="shuffled")
    claim = Claim(quantity("movement.shared").phrase, 0.7, by_chance, 0.05, "movement.shared", null_of="chance")
    verdict = dataclasses.replace(full.verdict, claims=(shuffled, claim), movement="turned and deformed")
    return dataclasses.replace(full, measurements=(*full.measurements, *measured), verdict=verdict)


def test_the_ends_of_the_run_and_the_nulls_stand_in_them(full: Analysis) -> None:
    first, last = full.states[0].cycle, full.states[-1].cycle
    ends = [full.value("rank_me", cycle, full.layers[-1], "union") for cycle in (first, last)]
    html = cards_of(full)
    assert values(html)[:2] == ends
    cards = shown(full)
    assert list(cards) == [
        "Did the space collapse?", "Are unseen partners found?", "Loops longer than chance would produce?",
        "Rotated or deformed?",
    ]  # fmt: skip
    assert "Shuffled pairings: 0.410 ± 0.0100 (3 runs)." in cards["Are unseen partners found?"].replace("\xa0", " ")


def test_loops_beyond_chance_are_counted_in_both_texts_alone(full: Analysis) -> None:
    last = full.states[-1].cycle
    judged = tuple(
        dataclasses.replace(full.loops[0], cycle=last, cloud=cloud, p=p)
        for cloud, p in (("union", 0.01), ("union", 0.04), ("union", 0.05), ("t1", 0.001))
    )
    assert "Yes: 2 loops." in shown(dataclasses.replace(full, loops=judged))["Loops longer than chance would produce?"]
    none = dataclasses.replace(full, loops=judged[2:])
    assert "No loop is longer than chance would produce." in shown(none)["Loops longer than chance would produce?"]
    assert (
        "There are no loops to judge."
        in shown(dataclasses.replace(full, loops=()))["Loops longer than chance would produce?"]
    )


def test_where_no_loop_is_found_the_card_says_what_would_count_or_that_nothing_could(full: Analysis) -> None:
    last = full.states[-1].cycle
    loop = dataclasses.replace(full.loops[0], cycle=last, cloud="union", birth=0.5, death=0.6, p=0.4, visible=1.5)
    told = shown(dataclasses.replace(full, loops=(loop,)))["Loops longer than chance would produce?"]
    assert "No loop is longer than chance would produce." in told
    assert "The largest death / birth is 1.20; more than 1.50 would count." in told.replace("\xa0", " ")
    blind = dataclasses.replace(loop, visible=None, blind=True)
    told = shown(dataclasses.replace(full, loops=(blind,)))["Loops longer than chance would produce?"]
    assert "This test could not see a loop among so few passages." in told
    assert "No loop" not in told


def test_the_turn_is_held_against_the_same_chance_as_in_the_sentence(full: Analysis) -> None:
    card = shown(with_movement(full, 0.391))["Rotated or deformed?"]
    assert "It rotated and was deformed." in card
    assert "Rotated together, by chance: 39.1\u00a0%." in card
    assert "99.9" not in card
    assert "12.3" not in card


def test_the_parts_of_the_movement_fill_the_bar(full: Analysis) -> None:
    bars = Page(cards_of(with_movement(full, 0.4))).all("rect")
    widths = [float(bar.attributes["width"] or 0) for bar in bars]
    assert widths == pytest.approx([168, 24, 12, 36])
    assert [float(bar.attributes["x"] or 0) for bar in bars] == pytest.approx([0, 168, 192, 204])


def test_the_largest_rotation_stands_beside_that_of_dropout_alone(full: Analysis) -> None:
    last = full.states[-1].cycle
    angle = full.value("procrustes.angle", last, full.layers[-1], "union", against=full.states[0].cycle)
    assert angle is not None
    assert f"Largest rotation: {angle:#.3g} rad." in shown(full)["Rotated or deformed?"]
    alone = tuple(
        NullMeasurement("dropout", draw, Measurement(last, 6, cloud, "procrustes.angle", turn, "rad", against=last))
        for draw, (cloud, turn) in enumerate([("union", 2.0), ("union", 2.26), ("t1", 3.0)])
    )
    card = shown(dataclasses.replace(full, nulls=(*full.nulls, *alone)))["Rotated or deformed?"]
    assert f"Largest rotation: {angle:#.3g} rad; by dropout alone up to 2.26 rad." in card


def test_recall_stands_beside_chance(full: Analysis) -> None:
    """12 held-out questions each way, each of one partner among the 14 passages not trained on."""
    assert full.corpus is not None
    assert first_by_chance(full.corpus) == pytest.approx(1 / 14)
    assert f"; by chance {1 / 14:.4f}." in shown(full)["Are unseen partners found?"]
    untold = dataclasses.replace(full, corpus=None)
    assert "by chance" not in shown(untold)["Are unseen partners found?"]


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [("learned", "Yes, better than before."), ("memorised", "No: the training pairs were memorised."),
     ("no better than shuffled", "No better than after shuffled pairings."), ("undecided", "Not enough data to tell.")],
)  # fmt: skip
def test_the_answer_is_the_verdicts(full: Analysis, outcome: str, answer: str) -> None:
    judged = dataclasses.replace(full, verdict=dataclasses.replace(full.verdict, outcome=outcome))
    assert answer in shown(judged)["Are unseen partners found?"]


def test_the_gain_over_folds_stands_with_its_interval(full: Analysis) -> None:
    gains = [
        Claim("gain", 0.034, 0.0, 0.3, null_of=null, low=low, high=high)
        for null, low, high in (("first", -0.021, 0.083), ("shuffled", -0.005, 0.1))
    ]
    verdict = dataclasses.replace(full.verdict, claims=(*gains, *full.verdict.claims), outcome="no gain")
    card = shown(dataclasses.replace(full, verdict=verdict))["Are unseen partners found?"]
    assert "No gain worth naming." in card
    assert "Gain in MRR: 0.0340 [−0.0210, 0.0830]" in card
    assert "Over shuffled pairings: 0.0340 [−0.00500, 0.100]." in card
    assert "0.0340 [−0.0210, 0.0830]" in Page(claims_table(verdict.claims, "null")).one("table").words


def test_what_was_not_measured_has_no_card(full: Analysis, bare: Analysis) -> None:
    assert cards_of(bare) == ""
    assert "Are unseen partners found?" not in shown(dataclasses.replace(full, run={}, metrics=()))
    one = shown(dataclasses.replace(full, states=full.states[-1:]))
    assert "Rotated or deformed?" not in one
    assert "There is one state, so no change." in one["Did the space collapse?"]
