"""Ranks of aligned partners: by hand, and in cases where naive ranks would be too good."""

import itertools

import numpy as np
import pytest

from topores.domain import AlignedPairs, Corpus, Passage
from topores.text.retrieval import partner_ranks, question_groups, ranks


def corpus(edges: list[tuple[int, int]], n_1: int, n_2: int, split_1=None, split_2=None) -> Corpus:
    t1, t2 = (np.array(column) for column in zip(*edges, strict=True))
    pairs = AlignedPairs(t1, t2, np.ones(len(t1)), np.ones(len(t1)), np.ones(len(t1), bool), 1.0)
    sides = [tuple(Passage(s, "d", i, 0, 1, "x", 3) for i in range(n)) for s, n in (("t1", n_1), ("t2", n_2))]
    return Corpus(*sides, pairs, split_1 or ("held_out",) * n_1, split_2 or ("held_out",) * n_2, 1, "texts")


def at_angles(*degrees: float) -> np.ndarray:
    radians = np.deg2rad(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def test_by_hand() -> None:
    texts = corpus([(0, 0), (1, 1), (2, 2)], 3, 3)
    rows_1, rows_2 = at_angles(0, 50, 90), at_angles(1, 88, 60)
    assert ranks(rows_1, rows_2, texts, "held_out", "1to2").tolist() == [1, 2, 2]
    assert ranks(rows_1, rows_2, texts, "held_out", "2to1").tolist() == [1, 2, 2]


def test_the_best_of_several_partners_counts_and_partners_do_not_hide_each_other() -> None:
    texts = corpus([(0, 0), (0, 1)], 1, 3)
    assert ranks(at_angles(0), at_angles(40, 10, 20), texts, "held_out", "1to2").tolist() == [1]
    assert ranks(at_angles(0), at_angles(40, 30, 20), texts, "held_out", "1to2").tolist() == [2]


def test_a_collapsed_space_scores_as_chance() -> None:
    texts = corpus([(i, i) for i in range(9)], 9, 9)
    same = np.tile(at_angles(30), (9, 1))
    found = ranks(same, same, texts, "held_out", "1to2")
    assert 1 / found == pytest.approx(np.full(9, np.mean(1 / np.arange(1, 10))))


def test_training_passages_are_not_candidates_for_held_out_queries() -> None:
    """A training passage nearer than the partner does not count; one within the embargo does."""
    texts = corpus([(0, 0), (1, 1)], 2, 4, ("held_out", "train"), ("held_out", "train", None, None))
    rows_2 = at_angles(20, 5, 10, 40)
    assert ranks(at_angles(0, 5), rows_2, texts, "held_out", "1to2").tolist() == [2]
    assert ranks(at_angles(0, 5), rows_2, texts, "train", "1to2").tolist() == [1]


def test_nothing_held_out_asks_nothing() -> None:
    texts = corpus([(0, 0)], 1, 1, ("train",), ("train",))
    assert len(ranks(at_angles(0), at_angles(0), texts, "held_out", "1to2")) == 0


def test_chance_level() -> None:
    rng = np.random.default_rng(0)
    texts = corpus([(i, i) for i in range(200)], 200, 200)
    rows = rng.normal(size=(2, 200, 50))
    found = ranks(*rows, texts, "held_out", "1to2")
    assert found.mean() == pytest.approx(100.5, abs=15)


@pytest.mark.parametrize("noise", [0.0, 1e-8])
def test_a_collapsed_space_scores_at_chance_level(noise: float) -> None:
    """34 answers in any order: 1 / rank is 1, 1/2, ... 1/34 equally often, .121 on average (1 / mean rank: .057)."""
    n = 34
    texts = corpus([(i, i) for i in range(n)], n, n)
    rows = np.ones((n, 8)) / np.sqrt(8) + noise * np.random.default_rng(0).normal(size=(n, 8))
    for precision in (np.float32, np.float64):
        found = ranks(rows.astype(precision), rows[::-1].astype(precision), texts, "held_out", "1to2")
        assert (1 / found).mean() == pytest.approx(np.mean(1 / np.arange(1, n + 1)), rel=1e-6)


def test_ties_have_the_mean_of_all_their_orders() -> None:
    """Four tied answers, two of them relevant, below one that is nearer: the slow way is to try every order."""
    similarity = np.array([[0.9, 0.5, 0.5, 0.5, 0.5]])
    relevant = np.array([[False, True, False, True, False]])
    orders = list(itertools.permutations([True, False, True, False]))
    slow = np.mean([1 / (2 + order.index(True)) for order in orders])
    assert 1 / partner_ranks(similarity, relevant)[0] == pytest.approx(slow)


def test_a_row_that_is_not_a_number_finds_nothing() -> None:
    similarity = np.array([[0.5, np.nan], [0.5, 0.4], [0.1, 0.2]])
    assert partner_ranks(similarity, np.eye(3, 2, dtype=bool)).tolist() == [np.inf, 2]


def test_queries_connected_by_pairs_form_a_group() -> None:
    """T1's passages 0 and 1 share a partner, which 2 and 3 do not; 4 is not held out."""
    split_1 = ("held_out",) * 4 + ("train",)
    texts = corpus(
        [(0, 1), (1, 1), (2, 0), (3, 3), (4, 2)], 5, 4, split_1, ("held_out", "held_out", "train", "held_out")
    )
    found = question_groups(texts, "held_out").tolist()
    # Asked of T1: 0, 1, 2, 3; of T2: 0, 1, 3.
    same = [[a == b for b in found] for a in found]
    apart = [0, 0, 1, 2, 1, 0, 2]
    assert same == [[a == b for b in apart] for a in apart]
    assert sorted(set(found)) == [0, 1, 2]
    assert question_groups(corpus([(0, 0)], 1, 1, ("train",), ("train",)), "held_out").tolist() == []
