"""Gains over folds: intervals hold what they promise, tests keep their level, and groups count as one."""

import numpy as np
import pytest

from topores.analysis.gain import Fold, Interval, mean_over_groups, mean_over_strata, measure_gain
from topores.analysis.verdict.by_folds import judge_gain
from topores.outcomes import Retrieval


def test_the_mean_lies_in_its_interval_and_the_interval_agrees_with_p() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        differences = rng.normal(rng.choice([0, 0.1]), 0.2, size=40)
        found = mean_over_groups(differences, np.arange(40), seed=1)
        assert found.low < found.value < found.high
        assert found.value == pytest.approx(differences.mean())
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_95_of_100_intervals_hold_the_truth() -> None:
    """Groups of unequal size whose queries succeed or fail together."""
    rng, held = np.random.default_rng(0), 0
    groups = np.repeat(np.arange(30), rng.integers(1, 5, size=30))
    for draw in range(200):
        differences = 0.05 + 0.2 * rng.normal(size=30)[groups] + 0.02 * rng.normal(size=len(groups))
        found = mean_over_groups(differences, groups, seed=draw)
        held += found.low <= 0.05 <= found.high
    assert held >= 180  # 190 are expected; fewer than 180 are drawn once in a thousand


def test_queries_of_one_group_count_once() -> None:
    differences = np.random.default_rng(0).normal(0.1, 0.2, size=20)
    alone = mean_over_groups(differences, np.arange(20), seed=0)
    repeated = mean_over_groups(np.repeat(differences, 9), np.repeat(np.arange(20), 9), seed=0)
    assert repeated == pytest.approx(alone)


def test_too_few_groups_exclude_nothing() -> None:
    assert mean_over_groups(np.full(8, 0.3), np.arange(8) // 2, seed=0)[1:3] == (-1.0, 1.0)


def folds(gain: float, *, seed: int, runs: int = 4, noise: float = 0.02, count: int = 5) -> list[Fold]:
    """Folds whose runs, true or shuffled, differ by chance as much as runs do, and the true ones by `gain` besides."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        before = rng.uniform(0.2, 0.8, size=14)
        after, *shuffled = (before + noise * rng.normal() + 0.05 * rng.normal(size=14) for _ in range(runs + 1))
        made.append(Fold(before, after + gain, np.array(shuffled), 14 * number + np.arange(14) // 2))
    return made


def test_the_level_of_the_gain_over_shuffled_runs() -> None:
    wrong = sum(mean_over_strata(folds(0.0, seed=seed)).p < 0.05 for seed in range(400))
    assert 8 <= wrong <= 34  # 20 are expected


def test_the_gain_over_shuffled_runs_is_found() -> None:
    found = [mean_over_strata(folds(0.06, seed=seed)) for seed in range(50)]
    assert np.mean([one.value for one in found]) == pytest.approx(0.06, abs=0.01)
    assert sum(one.low > 0 for one in found) > 45


def test_runs_without_any_spread_say_no_more_than_their_order() -> None:
    still = [fold._replace(shuffled=np.tile(fold.before, (4, 1)), after=fold.before + 0.1) for fold in folds(0, seed=0)]
    assert mean_over_strata(still).p == pytest.approx(0.2**5)
    same = [fold._replace(after=fold.before) for fold in still]
    assert mean_over_strata(same).p == 1.0


KNOWN = Retrieval(0.4, None), Retrieval(1.0, None)


class TestOutcome:
    def outcome(self, made: list[Fold], retrieval: tuple[Retrieval, Retrieval] = KNOWN) -> str:
        return judge_gain(measure_gain(made, pairs=35), *retrieval).outcome

    def test_learned_only_beyond_both(self) -> None:
        true = folds(0.15, seed=0)
        assert self.outcome(true) == "learned"
        shift = mean_over_strata(true).value - 0.003
        as_much = [fold._replace(shuffled=fold.shuffled + shift) for fold in true]
        over = mean_over_strata(as_much)
        assert over.low < 0 < over.value
        assert self.outcome(as_much) == "no better than shuffled"

    def test_memorised_only_where_a_gain_is_excluded(self) -> None:
        assert self.outcome(folds(-0.1, seed=0)) == "memorised"
        assert self.outcome(folds(-0.1, seed=0), (Retrieval(0.4, None), Retrieval(0.6, None))) == "unlearned"
        noisy = [
            fold._replace(after=fold.before + np.tile([0.4, -0.4], 7)[fold.groups % 2]) for fold in folds(0, seed=0)
        ]
        assert self.outcome(noisy) == "undecided"

    def test_no_gain_is_an_answer(self) -> None:
        still = [
            fold._replace(after=fold.before + 0.004 * np.tile([1, 1, -1, -1], 4)[:14]) for fold in folds(0, seed=0)
        ]
        found = judge_gain(measure_gain(still, pairs=35), Retrieval(0.4, None), Retrieval(0.6, None))
        assert found.outcome == "no gain"
        assert found.title.startswith("No gain larger than 0.0")

    def test_undecided_says_what_would_decide(self) -> None:
        rng = np.random.default_rng(0)
        loose = [fold._replace(after=fold.before + 0.3 * rng.normal(size=14)) for fold in folds(0, seed=0)]
        gain = measure_gain(loose, pairs=35)
        found = judge_gain(gain, *KNOWN)
        assert found.outcome == "undecided"
        assert f"this study sees gains of {gain.over_untrained.visible:.2f} and more" in found.words
        assert "more pairs would see 0.04" in found.words


def test_a_visible_gain_is_seen_four_times_in_five() -> None:
    """The interval's own width says which gain is found in 80 % of studies."""
    rng = np.random.default_rng(0)
    visible = mean_over_groups(0.2 * rng.normal(size=100), np.arange(100), seed=0).visible
    assert visible == pytest.approx(2.8 * 0.2 / 10, rel=0.15)
    seen = [mean_over_groups(visible + 0.2 * rng.normal(size=100), np.arange(100), seed=n).low > 0 for n in range(100)]
    assert 68 <= sum(seen) <= 92


def test_an_interval_is_a_plain_tuple() -> None:
    assert Interval(0.1, 0.0, 0.2, 0.05).visible == pytest.approx(0.1 / 1.96 * 2.8, rel=0.01)
