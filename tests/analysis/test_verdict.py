"""The verdict's rules on made evidence, each with the answer a careful reader would give."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ortho_group

from topores.analysis.verdict import Evidence, judge, sign_flip_p, turned_share
from topores.domain import AlignedPairs, Corpus, Loop, Passage, State

N = 24
STATES = (State(0, "cycle 0", Path("a")), State(10, "cycle 10", Path("b")))


def corpus(held_out: int = 12) -> Corpus:
    sides = [tuple(Passage(s, "d", i, 0, 1, "x", 3) for i in range(N)) for s in ("t1", "t2")]
    pairs = AlignedPairs(np.arange(N), np.arange(N), np.ones(N), np.ones(N), np.ones(N, bool), 1.0)
    split = tuple("held_out" if i < held_out else "train" for i in range(N))
    return Corpus(*sides, pairs, split, split, 1, "texts")


def cloud(noise: float, seed: int = 0, noisy: slice = slice(None)) -> np.ndarray:
    """T1's rows and T2's: each partner stands where its passage does, but for noise."""
    rng = np.random.default_rng(seed)
    t1 = rng.normal(size=(N, 40))
    t2 = t1.copy()
    t2[noisy] += noise * rng.normal(size=t2[noisy].shape)
    rows = np.concatenate([t1, t2])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def evidence(first: np.ndarray, last: np.ndarray, *, values: dict | None = None, loops=(), texts=None) -> Evidence:
    table = {
        ("uniformity", 0): -2.5, ("uniformity", 10): -2.5, ("rank_me", 0): 30.0, ("rank_me", 10): 30.0,
        ("total_persistence", 0): 2.0, ("total_persistence", 10): 3.0,
        ("change", 10): float(np.linalg.norm(last - first)), ("procrustes.residual", 10): 0.1, **(values or {}),
    }  # fmt: skip
    return Evidence(STATES, lambda measure, cycle: table.get((measure, cycle)), loops, texts or corpus(), first, last)


NOISE = 6.0
"""Partners in this much noise are found no better than by chance."""


def sentence(*args: object, **kwargs: object) -> str:
    return judge(evidence(*args, **kwargs), seed=0).sentence


def test_learned() -> None:
    found = judge(evidence(cloud(NOISE), cloud(0.2)), seed=0)
    assert "held-out retrieval rose" in found.sentence
    claim = found.claims[0]
    assert claim.value == pytest.approx(1.0)
    assert claim.null < 0.6
    assert claim.p < 0.01


def test_memorised_is_not_learned() -> None:
    """Training pairs are found, held-out ones as badly as before."""
    said = sentence(cloud(NOISE), cloud(NOISE, noisy=slice(0, 12)))
    assert "the training pairs were memorised" in said
    assert "did not change beyond chance" in said


def test_few_questions_do_not_make_it_memorising() -> None:
    said = sentence(cloud(60.0), cloud(60.0, noisy=slice(0, 6)), texts=corpus(held_out=6))
    assert "too few questions are held out to tell whether that is learning" in said
    assert "memorised" not in said


def test_forgotten() -> None:
    assert "held-out retrieval fell below its start" in sentence(cloud(0.8), cloud(NOISE))


def test_noise_alone_shows_no_learning() -> None:
    assert "no learning is shown" in sentence(cloud(NOISE, 1), cloud(NOISE, 2))


def test_nothing_held_out_is_said() -> None:
    assert "nothing was held out to tell learning from memorising" in sentence(
        cloud(NOISE), cloud(0.1), texts=corpus(held_out=0)
    )


def test_no_room_to_rise_is_said() -> None:
    assert "had no room to rise" in sentence(cloud(0.1, 1), cloud(0.1, 1) + 1e-3)


def test_frozen() -> None:
    rows = cloud(1.0)
    found = judge(evidence(rows, rows), seed=0)
    assert found.sentence == "After 10 cycles nothing changed: every passage stands where it stood."


@pytest.mark.parametrize(
    ("uniformity", "rank", "word"),
    [
        (-0.3, 5.0, "collapsed"),
        (-2.0, 29.0, "contracted"),
        (-3.5, 40.0, "spread out"),
        (-2.45, 30.0, "kept its spread"),
    ],
)
def test_spread(uniformity: float, rank: float, word: str) -> None:
    values = {("uniformity", 10): uniformity, ("rank_me", 10): rank}
    assert f"the space {word} (uniformity -2.50 to {uniformity:.2f}" in sentence(cloud(1), cloud(0.5), values=values)


def test_the_sentence_and_the_claims_give_each_number_in_its_place() -> None:
    found = judge(evidence(cloud(1), cloud(0.5), values={("uniformity", 10): -3.5, ("rank_me", 10): 40.0}), seed=0)
    assert "uniformity -2.50 to -3.50, RankMe 30 to 40" in found.sentence
    assert "total loop persistence went from 2.00 to 3.00" in found.sentence
    by_name = {claim.what.split(",")[0]: (claim.value, claim.null) for claim in found.claims}
    assert by_name["uniformity"] == (-3.5, -2.5)
    assert by_name["RankMe"] == (40.0, 30.0)
    assert by_name["total H1 persistence"] == (3.0, 2.0)


def test_loops_are_counted_only_beyond_the_null() -> None:
    by_chance = Loop(10, 6, "union", 1.0, 1.1, 0.4, (0, 1, 2))
    real = Loop(10, 6, "union", 0.5, 1.5, 1e-4, (3, 4, 5))
    earlier = Loop(0, 6, "union", 0.5, 1.5, 1e-4, (3, 4, 5))
    assert "none of its loops is larger than chance makes" in sentence(cloud(1), cloud(0.5), loops=[by_chance, earlier])
    assert "1 of its loops is larger than chance makes" in sentence(cloud(1), cloud(0.5), loops=[by_chance, real])


def test_one_state_shows_no_change() -> None:
    one = Evidence(STATES[:1], lambda m, _: {"rank_me": 30.0, "uniformity": -2.5}.get(m), [], None, cloud(1), cloud(1))
    assert (
        judge(one, seed=0).sentence == "Cycle 0 alone shows no change: its last layer has RankMe 30, uniformity -2.50."
    )


def test_sign_flip_p_of_four_equal_differences_is_one_in_eight() -> None:
    # Of 16 sign patterns two are as extreme: all plus, all minus.
    assert sign_flip_p(np.ones(4), seed=0) == pytest.approx(1 / 8, abs=0.01)
    assert sign_flip_p(np.zeros(4), seed=0) == 1.0


def test_sign_flip_rejects_noise_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    rejected = sum(sign_flip_p(rng.normal(size=15), seed=i) < 0.05 for i in range(200))
    assert 2 <= rejected <= 20  # 200 draws at .05: 99.9 % of binomials


def test_a_pure_rotation_is_all_turn_and_noise_is_none_beyond_chance() -> None:
    before = np.random.default_rng(0).normal(size=(60, 30))
    turn = ortho_group.rvs(30, random_state=0)
    seen, by_chance, p = turned_share(before, 1.3 * before @ turn, seed=0)
    assert seen == pytest.approx(1.0, abs=1e-6)
    assert by_chance < 0.95
    assert p == 0.05  # the least that 19 shuffles can give
    noisy = before + 0.5 * np.random.default_rng(1).normal(size=before.shape)
    seen, by_chance, p = turned_share(before, noisy, seed=0)
    assert abs(seen - by_chance) < 0.05
    assert p > 0.05
