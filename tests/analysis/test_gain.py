"""Gains over folds: intervals hold what they promise, tests keep their level, and groups count as one."""

import numpy as np
import pytest

from topores.analysis.gain import Fold, Gain, Ranks, gain_at, mean_over_strata, prediction_over_strata
from topores.analysis.verdict.by_folds import judge_gain
from topores.outcomes import Retrieval
from topores.sign_flips import Interval, mean_over_groups


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


def with_pairing(effect: float, rng: np.random.Generator) -> list[Fold]:
    """Five folds with one query; each run has the effect of its pairing and noise, and the folds share the true one."""
    own = effect + rng.normal()
    noise = 0.1 * rng.normal(size=5)
    return [Fold(np.zeros(1), np.array([own + e]), rng.normal(size=(4, 1)), np.array([n])) for n, e in enumerate(noise)]


def test_one_pairing_is_one_draw_however_many_folds_share_it() -> None:
    rng = np.random.default_rng(0)
    drawn = [with_pairing(0.0, rng) for _ in range(400)]
    wrong = sum(prediction_over_strata(one).p < 0.05 for one in drawn)
    assert 8 <= wrong <= 34  # 20 are expected
    assert sum(mean_over_strata(one).p < 0.05 for one in drawn) > 100
    seen = [prediction_over_strata(with_pairing(5.0, rng)) for _ in range(50)]
    assert sum(one.low > 0 for one in seen) > 45
    assert np.mean([one.value for one in seen]) == pytest.approx(5.0, abs=0.5)
    still = [fold._replace(shuffled=np.zeros((4, 1)), after=np.ones(1)) for fold in drawn[0]]
    assert prediction_over_strata(still) == (1.0, 1.0, 1.0, 1 / 21)


def test_runs_without_any_spread_say_no_more_than_their_order() -> None:
    still = [fold._replace(shuffled=np.tile(fold.before, (4, 1)), after=fold.before + 0.1) for fold in folds(0, seed=0)]
    assert mean_over_strata(still).p == pytest.approx(0.2**5)
    same = [fold._replace(after=fold.before) for fold in still]
    assert mean_over_strata(same).p == 1.0


def as_gain(made: list[Fold], pairs: int = 35) -> Gain:
    """The gain of folds that logged no cycle between the first and the last."""
    ranks = [
        Ranks({0: 1 / f.before, 9: 1 / f.after}, [{0: 1 / f.before, 9: 1 / run} for run in f.shuffled], f.groups)
        for f in made
    ]
    with np.errstate(invalid="ignore"):  # made scores may lie outside 0 to 1, where no rank has a logarithm
        return gain_at(ranks, 9, pairs=pairs)


KNOWN = Retrieval(0.4, None), Retrieval(1.0, None)


class TestOutcome:
    def outcome(self, made: list[Fold], retrieval: tuple[Retrieval, Retrieval] = KNOWN) -> str:
        return judge_gain(as_gain(made), *retrieval).outcome

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
        found = judge_gain(as_gain(still), Retrieval(0.4, None), Retrieval(0.6, None))
        assert found.outcome == "no gain"
        assert found.title.startswith("No gain larger than 0.0")

    def test_undecided_says_what_would_decide(self) -> None:
        rng = np.random.default_rng(0)
        loose = [fold._replace(after=fold.before + 0.3 * rng.normal(size=14)) for fold in folds(0, seed=0)]
        gain = as_gain(loose)
        found = judge_gain(gain, *KNOWN)
        assert found.outcome == "undecided"
        assert f"this study sees gains of {gain.over.untrained.visible:.2f} and more" in found.words
        assert "more pairs would see 0.04" in found.words


def risen_and_fallen(rise: float, end: float, *, seed: int = 0) -> list[Ranks]:
    """Folds whose true run gains `rise` at cycle 10 and `end` at cycle 100; shuffled ones gain nothing."""
    made = []
    for ten, hundred in zip(folds(rise, seed=seed), folds(end, seed=seed), strict=True):
        own = {0: 1 / ten.before, 1: 1 / ten.before, 10: 1 / ten.after, 100: 1 / hundred.after}
        shuffled = [
            {0: 1 / ten.before, 1: 1 / ten.before, 10: 1 / at_ten, 100: 1 / at_hundred}
            for at_ten, at_hundred in zip(ten.shuffled, hundred.shuffled, strict=True)
        ]
        made.append(Ranks(own, shuffled, ten.groups))
    return made


class TestBestCycle:
    def test_it_is_chosen_by_the_other_folds_and_judged_by_its_own(self) -> None:
        gain = gain_at(risen_and_fallen(0.15, -0.05), 100, pairs=35)
        assert gain.best is not None
        assert gain.best.cycle == 10
        assert gain.best.over.untrained.value == pytest.approx(0.15, abs=0.03)
        found = judge_gain(gain, *KNOWN)
        assert found.outcome == "learned, then memorised"
        assert "best near cycle 10" in found.words
        unknown = judge_gain(gain, Retrieval(0.4, None), Retrieval(0.6, None))
        assert unknown.outcome == "learned, then lost"

    def test_a_gain_is_lost_only_if_the_end_is_worse_than_the_best_cycle(self) -> None:
        """At the end the gain is not significant, nor is its loss: nothing was shown to be memorised."""
        made, rng = risen_and_fallen(0.1, 0.0), np.random.default_rng(0)
        for fold in made:
            fold.own[100] = 1 / np.clip(1 / fold.own[10] - 0.08 + 0.35 * rng.normal(size=14), 0.05, 1)  # type: ignore[index]
        gain = gain_at(made, 100, pairs=35)
        assert gain.best is not None
        assert gain.best.since.low < 0 < gain.best.since.high
        assert gain.over.untrained.low < 0
        assert judge_gain(gain, *KNOWN).outcome == "learned at first"

    def test_a_gain_that_stands_at_the_end_is_learned(self) -> None:
        gain = gain_at(risen_and_fallen(0.1, 0.15), 100, pairs=35)
        assert gain.best is None
        assert judge_gain(gain, *KNOWN).outcome == "learned"

    def test_the_choice_gives_noise_no_gain(self) -> None:
        """Each cycle is noise of its own: the best of twenty looks well, but not to queries that did not choose it."""
        chosen, naive = [], []
        for seed in range(40):
            rng = np.random.default_rng(seed)
            before, own = [rng.uniform(0.2, 0.8, size=14) for _ in range(5)], np.arange(14) // 2
            made = [
                Ranks(
                    {c: 1 / np.clip(b + 0.1 * (c > 0) * rng.normal(size=14), 0.02, 1) for c in range(21)},
                    [],
                    7 * n + own,
                )
                for n, b in enumerate(before)
            ]
            gain = gain_at(made, 20, pairs=35)
            at = [np.mean([(1 / f.own[c] - 1 / f.own[0]).mean() for f in made]) for c in range(1, 21)]
            naive.append(max(at))
            chosen.append(gain.best.over.untrained.value if gain.best else gain.over.untrained.value)
        assert np.mean(naive) > 0.015
        assert abs(np.mean(chosen)) < 0.006

    def test_cycles_that_some_run_did_not_log_are_not_chosen(self) -> None:
        made = risen_and_fallen(0.15, -0.05)
        del made[2].shuffled[1][10]
        gain = gain_at(made, 100, pairs=35)
        assert gain.best is None or gain.best.cycle == 1


def test_the_gain_in_ranks_counts_halvings() -> None:
    made = [Ranks({0: np.full(14, 8.0), 1: np.full(14, 2.0)}, [], 14 * n + np.arange(14)) for n in range(5)]
    gain = gain_at(made, 1, pairs=70)
    assert gain.log_over is not None
    assert gain.log_over.untrained.value == pytest.approx(2)
    made[0].own[1][0] = np.inf
    assert gain_at(made, 1, pairs=70).log_over is None


def test_a_visible_gain_is_seen_four_times_in_five() -> None:
    """The interval's own width says which gain is found in 80 % of studies."""
    rng = np.random.default_rng(0)
    visible = mean_over_groups(0.2 * rng.normal(size=100), np.arange(100), seed=0).visible
    assert visible == pytest.approx(2.8 * 0.2 / 10, rel=0.15)
    seen = [mean_over_groups(visible + 0.2 * rng.normal(size=100), np.arange(100), seed=n).low > 0 for n in range(100)]
    assert 68 <= sum(seen) <= 92


def test_an_interval_is_a_plain_tuple() -> None:
    assert Interval(0.1, 0.0, 0.2, 0.05).visible == pytest.approx(0.1 / 1.96 * 2.8, rel=0.01)
