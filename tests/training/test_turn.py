"""The turn is the first logged cycle that reaches the rule's multiple of the start, and nothing else is."""

import math
from typing import Any

import numpy as np
import pytest

from topores.domain import AlignedPairs, Corpus
from topores.errors import UsageError
from topores.topology import persistent_homology, total_persistence
from topores.training import turn
from topores.training.turn import RULES, Rule, Turn, refuse_unmeasured

UP, DOWN = Rule("number", "the number", 2.0), Rule("number", "the number", 0.5)


@pytest.fixture(autouse=True)
def rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "RULES", {**RULES, "up": UP, "down": DOWN})


def lines(*values: float | None) -> list[dict[str, Any]]:
    """A line for each value, at cycles 0, 1, 2, 5, 10, ..."""
    return [{"cycle": c, "number": v} for c, v in zip((0, 1, 2, 5, 10, 20), values, strict=False)]


def turn_of(encoder: str, *values: float | None) -> int | None:
    reached = Turn(encoder, lines(*values), asked=True).reached
    return reached and reached.cycle


@pytest.mark.parametrize(
    ("encoder", "values", "cycle"),
    [
        ("up", (1.5, 1.2, 2.9, 3.0, 9.0), 5),  # twice the start exactly
        ("up", (1.5, 3.1, 1.0, 1.0), 1),  # the first time counts
        ("up", (1.5, 1.0, 0.7, 0.1), None),  # the other way
        ("up", (1.5, 1.6, 2.9, 2.99), None),
        ("down", (8.0, 16.0, 4.1, 4.0), 5),
        ("down", (8.0, 16.0, 16.0, 16.0), None),
        ("up", (-2.0, -3.9, -4.1), 2),  # uniformity is below 0: twice as far from it
    ],
)
def test_fires_at_the_first_cycle_that_reaches_the_multiple(encoder: str, values: tuple, cycle: int | None) -> None:
    assert turn_of(encoder, *values) == cycle


@pytest.mark.parametrize("encoder", ["up", "down", *RULES])
def test_a_frozen_run_has_no_turn(encoder: str) -> None:
    name = turn.RULES[encoder].name
    still = [{"cycle": cycle, name: 3.7} for cycle in range(30)]
    assert Turn(encoder, still, asked=True).reached is None


def test_the_untrained_encoder_is_not_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    for times in (1.0, 0.5, 1.5):
        monkeypatch.setattr(turn, "RULES", {"any": Rule("number", "the number", times)})
        assert not Turn("any", asked=True).see({"cycle": 0, "number": 1.0})


@pytest.mark.parametrize("start", [None, math.nan, math.inf, 0.0])
def test_without_a_known_start_there_is_no_turn(start: float | None) -> None:
    assert turn_of("up", start, 1.0, 5.0, 1e9) is None
    assert turn_of("down", start, 1.0, 5.0, 1e-9) is None
    later = [{"cycle": 1, "number": 1.0}, {"cycle": 2, "number": 9.0}]
    assert Turn("up", later, asked=True).reached is None


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_a_line_without_the_number_is_passed_over(missing: float | None) -> None:
    assert turn_of("up", 1.0, missing, 1.5, missing, 2.5) == 10
    assert not Turn("up", lines(1.0), asked=True).see({"cycle": 1})


def test_nobody_asked() -> None:
    watching = Turn("up", lines(1.0, 9.0), asked=False)
    assert watching.reached is None
    assert not watching.see({"cycle": 2, "number": 9.0})
    assert Turn("oft", asked=False).reached is None


def test_line_by_line_is_as_all_at_once() -> None:
    seen = Turn("up", asked=True)
    assert [seen.see(line) for line in lines(1.0, 1.9, 2.0, 5.0)] == [False, False, True, False]
    assert seen.reached == Turn("up", lines(1.0, 1.9, 2.0, 5.0), asked=True).reached


def test_says_the_cycle_the_number_and_the_multiple() -> None:
    reached = Turn("up", [{"cycle": 0, "number": 1.5}, {"cycle": 1200, "number": 3.6}], asked=True).reached
    assert reached is not None
    assert reached.sentence == (
        "Stopped at the turn, cycle 1,200: the number has reached 2.40 times its start "
        "(1.5 to 3.6; 2 times is the turn)."
    )


def test_an_encoder_that_was_not_measured_is_refused() -> None:
    for encoder in RULES:
        refuse_unmeasured(encoder)
    with pytest.raises(UsageError, match=r"has no rule for --encoder rotation, only for linear, loreft.*; choose one"):
        refuse_unmeasured("rotation")


class TestLoops:
    def cloud(self, count: int) -> np.ndarray:
        rows = np.random.default_rng(0).normal(size=(count, 8))
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def corpus(self, split_1: tuple, split_2: tuple) -> Corpus:
        none = np.zeros(0, dtype=int)
        pairs = AlignedPairs(none, none, none.astype(float), none.astype(float), none.astype(bool), 1.0)
        return Corpus((), (), pairs, split_1, split_2, 0, "pairs")

    @pytest.fixture(autouse=True)
    def by_loops(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(turn, "RULES", {"full": Rule(turn.LOOPS, "loops", 2.0), "up": UP})

    def test_are_those_of_the_passages_that_are_trained_on(self) -> None:
        rows = self.cloud(60)
        # Neither what is held out nor what the embargo takes away.
        split_1, split_2 = ("train",) * 20 + ("held_out", None) * 5, ("held_out",) * 10 + ("train",) * 20
        measured = Turn("full", asked=True).measure(rows.astype(np.float32), self.corpus(split_1, split_2))
        expected = total_persistence(persistent_homology(np.concatenate([rows[:20], rows[40:]]))[1])
        assert measured == {turn.LOOPS: pytest.approx(expected, rel=1e-5)}
        assert expected > 0

    def test_of_a_large_cloud_the_same_points_every_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(turn, "MOST_POINTS", 30)
        rows = self.cloud(59)
        assert turn.loops_of(rows) == total_persistence(persistent_homology(rows[::2])[1])
        assert turn.loops_of(rows[:30]) == total_persistence(persistent_homology(rows[:30])[1])

    def test_are_not_measured_for_nobody_and_not_for_a_rule_that_goes_by_the_usual_metrics(self) -> None:
        corpus = self.corpus(("train",) * 20, ("train",) * 20)
        assert Turn("full", asked=False).measure(self.cloud(40), corpus) == {}
        assert Turn("up", asked=True).measure(self.cloud(40), corpus) == {}
