"""Clouds of two texts with partners: draws keep pairs and gap, and pairs alone make no loop."""

import numpy as np
import pytest

from topores.topology import PairedGaussianLike, TwoTexts, bar_significance, one_to_one
from topores.topology.paired_spectrum import without_partners


def two_texts(pairs: int) -> TwoTexts:
    return TwoTexts(np.repeat([0, 1], pairs), np.arange(2 * pairs).reshape(2, pairs).T)


def in_pairs(centres: np.ndarray, apart: float, gap: float, random: np.random.Generator) -> np.ndarray:
    """Each centre once in either text, in 384 dimensions; partners at a distance, the texts a gap apart."""
    rows = np.vstack([np.pad(centres, ((0, 0), (0, 384 - centres.shape[1])))] * 2)
    rows += random.normal(size=rows.shape) * apart / 768**0.5
    rows[:, -1] += np.repeat([-gap / 2, gap / 2], len(centres))
    return rows


def on_circle(points: int, random: np.random.Generator) -> np.ndarray:
    turn = random.uniform(0, 2 * np.pi, points)
    return np.column_stack([np.cos(turn), np.sin(turn)])


def test_partners_stay_as_near_and_texts_as_far_apart_as_they_are() -> None:
    random = np.random.default_rng(0)
    rows = in_pairs(random.normal(size=(40, 10)), 0.1, 2.0, random)
    drawn = PairedGaussianLike(rows, two_texts(40)).draw(3)
    for text in (slice(40), slice(40, None)):
        assert drawn[text].mean(axis=0) == pytest.approx(rows[text].mean(axis=0), abs=1e-9)
        assert np.cov(drawn[text].T) == pytest.approx(np.cov(rows[text].T), abs=1e-9)
    squares = [((cloud[:40] - cloud[40:]) ** 2).sum() for cloud in (drawn, rows)]
    assert squares[0] == pytest.approx(squares[1])
    # Only the places of the pairs are new.
    assert np.linalg.norm(drawn - rows) > np.linalg.norm(rows - rows.mean(axis=0)) / 2


def test_rows_without_a_partner_keep_the_mean_of_their_text() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(20, 3)) + np.repeat([0, 5], [12, 8])[:, None]
    two = TwoTexts(np.repeat([0, 1], [12, 8]), np.array([[0, 12], [1, 13], [2, 14]]))
    drawn = PairedGaussianLike(rows, two).draw(0)
    for some in ([0, 1, 2], [12, 13, 14], list(range(3, 12)), list(range(15, 20))):
        assert drawn[some].mean(axis=0) == pytest.approx(rows[some].mean(axis=0))


def test_each_row_has_one_partner_the_heaviest() -> None:
    pairs = np.array([[0, 5], [0, 6], [1, 5], [2, 7]])
    assert one_to_one(pairs, np.array([0.4, 0.9, 0.5, 0.1])).tolist() == [[0, 6], [1, 5], [2, 7]]
    assert one_to_one(pairs[:0], np.empty(0)).shape == (0, 2)


def test_some_rows_keep_the_pairs_of_which_both_are_there() -> None:
    some = two_texts(3).of_rows(np.array([4, 1, 2]))
    assert some.texts.tolist() == [1, 0, 0]
    assert some.pairs.tolist() == [[1, 0]]


def test_clouds_without_partners_have_one_row_of_each_pair_and_all_others() -> None:
    two = TwoTexts(np.repeat([0, 1], 4), np.array([[0, 4], [1, 5], [2, 6]]))
    for rows in without_partners(two, 5, seed=0):
        assert set(rows.tolist()) >= {3, 7}
        assert [len({a, b} & set(rows.tolist())) for a, b in two.pairs.tolist()] == [1, 1, 1]


def test_what_is_no_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="names a row twice"):
        PairedGaussianLike(np.eye(4), TwoTexts(np.array([0, 0, 1, 1]), np.array([[0, 2], [0, 3]])))
    with pytest.raises(ValueError, match="names row 4; expected rows from 0 to 3"):
        PairedGaussianLike(np.eye(4), TwoTexts(np.array([0, 0, 1, 1]), np.array([[0, 4]])))
    with pytest.raises(ValueError, match="expected 0 or 1 for each of the 4 points"):
        PairedGaussianLike(np.eye(4), TwoTexts(np.array([0, 1]), np.array([[0, 1]])))


@pytest.mark.slow
def test_pairs_and_a_gap_make_no_loop() -> None:
    """With the pairs ignored, both nulls find loops in most of these clouds."""
    ignored, kept = [], []
    for seed in range(3):
        random = np.random.default_rng(seed)
        centres = random.normal(size=(90, 384))
        rows = in_pairs(centres / np.linalg.norm(centres, axis=1, keepdims=True), 0.1, 1.0, random)
        found = [
            bar_significance(rows, metric="euclidean", replicates=39, seed=seed, two_texts=two)
            for two in (None, two_texts(90))
        ]
        ignored.append(found[0].p.min() < 0.05)
        kept.append(found[1].p.min() < 0.05)
    assert sum(ignored) >= 2
    assert not any(kept)


@pytest.mark.parametrize(("gap", "loops"), [(0.0, 1), (1.0, 2)])
def test_a_circle_of_pairs_is_found_once_or_in_either_text(gap: float, loops: int) -> None:
    random = np.random.default_rng(0)
    rows = in_pairs(on_circle(120, random), 0.1, gap, random)
    found = bar_significance(rows, metric="euclidean", replicates=39, two_texts=two_texts(120))
    assert (found.p < 0.05).sum() == loops
