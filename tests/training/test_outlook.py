"""What a study of folds says before it starts."""

from dataclasses import replace

import numpy as np
import pytest

from topores.domain import AlignedPairs, Corpus, Passage
from topores.sign_flips import mean_over_groups
from topores.training.outlook import SPREAD, independent_groups, outlook, visible_gain


def corpus(pairs: int, groups: tuple[int, ...] = ()) -> Corpus:
    passages = [tuple(Passage(side, str(n), 0, 0, 1, "a", 3) for n in range(pairs)) for side in ("t1", "t2")]
    every = np.arange(pairs)
    aligned = AlignedPairs(every, every, np.ones(pairs), np.full(pairs, np.nan), np.zeros(pairs, dtype=bool), 1.0)
    return Corpus(*passages, aligned, ("train",) * pairs, ("train",) * pairs, 1, "pairs", groups=groups)


def test_it_names_the_runs_and_the_gain_that_will_be_seen() -> None:
    said = outlook([corpus(75)] * 5, nulls=4)
    assert "75 pairs is held out in one of 5 folds, beside 20 runs on shuffled pairings: 25 runs in all" in said
    assert "of about 0.06 and more" in said
    assert "without a control run: 5 runs in all" in outlook([corpus(75)] * 5, nulls=0)


def test_pairs_that_hang_together_count_once() -> None:
    grouped = corpus(60, groups=tuple(n // 3 for n in range(60)))
    assert independent_groups(grouped) == 20
    assert independent_groups(replace(grouped, groups=())) == 60


def test_a_gain_of_that_size_is_seen_in_four_of_five_studies() -> None:
    rng, gain = np.random.default_rng(0), visible_gain(80)
    draws = [gain + SPREAD * rng.normal(size=80) for _ in range(200)]
    seen = sum(mean_over_groups(draw, np.arange(80), seed=n).low > 0 for n, draw in enumerate(draws))
    assert seen / 200 == pytest.approx(0.8, abs=0.08)
