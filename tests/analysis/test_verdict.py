"""The verdict's rules on made evidence, each with the answer a careful reader would give."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ortho_group

from topores.analysis.chance import sign_flip_p, turned_share
from topores.analysis.verdict import Evidence, judge
from topores.domain import AlignedPairs, Claim, Corpus, Loop, Passage, State, Verdict

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


# Against runs on shuffled pairings.

OWN = {"held_out_mrr": 0.9, "total_persistence": 6.0, "uniformity": -3.0, "rank_me": 70.0}
SHUFFLED = [
    {"held_out_mrr": 0.50 + d, "total_persistence": 6.0 + d, "uniformity": -3.0 + d, "rank_me": 70 + 10 * d}
    for d in (-0.02, 0.0, 0.02)
]


def against(own: dict[str, float], shuffled: list[dict[str, float]]) -> Verdict:
    made = evidence(cloud(NOISE), cloud(0.2))
    return judge(dataclasses.replace(made, own=own, shuffled=shuffled), seed=0)


def claims_of(verdict: Verdict) -> dict[str, Claim]:
    return {c.what.partition(",")[0]: c for c in verdict.claims if "runs on shuffled pairings" in c.what}


def test_better_than_shuffled() -> None:
    found = against(OWN, SHUFFLED)
    assert "found better than after shuffled pairings (MRR 0.90 against 0.50 over 3 runs" in found.sentence
    assert "and nothing else differs from these beyond chance" in found.sentence
    claim = claims_of(found)["MRR of held-out pairs"]
    assert (claim.value, claim.null) == (0.9, pytest.approx(0.5))
    assert claim.p < 0.01
    assert set(claims_of(found)) == {"MRR of held-out pairs", "total H1 persistence", "uniformity", "RankMe"}


@pytest.mark.parametrize("mrr", [0.51, 0.2])
def test_no_better_than_shuffled(mrr: float) -> None:
    """Also where it is worse, which is no sign that the pairing taught something."""
    found = against({**OWN, "held_out_mrr": mrr}, SHUFFLED)
    assert f"found no better, beyond chance, than after shuffled pairings (MRR {mrr:.2f} against 0.50" in found.sentence


def test_what_else_the_pairing_changed_is_named() -> None:
    found = against({**OWN, "total_persistence": 3.0, "uniformity": -4.0}, SHUFFLED)
    assert "and total H1 persistence and uniformity differ from these" in found.sentence
    assert claims_of(found)["RankMe"].p == 1
    found = against({**OWN, "total_persistence": 3.0}, SHUFFLED)
    assert "and total H1 persistence differs from these" in found.sentence


def test_many_measures_need_more_than_one_of_them_alone() -> None:
    """A difference that p = .03 by itself is, is none among three."""
    near = {**OWN, "total_persistence": 6.0 + 0.02 * 5.9 * np.sqrt(4 / 3)}
    alone = {name: near[name] for name in ("held_out_mrr", "total_persistence")}
    assert "total H1 persistence differs" in against(alone, SHUFFLED).sentence
    assert "nothing else differs" in against(near, SHUFFLED).sentence


def test_nothing_held_out_still_compares_the_space() -> None:
    own = {name: value for name, value in OWN.items() if name != "held_out_mrr"}
    assert "nothing differs from runs on shuffled pairings beyond chance" in against(own, SHUFFLED).sentence
    found = against({**own, "rank_me": 5.0}, SHUFFLED)
    assert "RankMe differs from runs on shuffled pairings" in found.sentence


@pytest.mark.parametrize("shuffled", [[], SHUFFLED[:1]])
def test_without_spread_nothing_is_compared(shuffled: list) -> None:
    found = against(OWN, shuffled)
    assert "shuffled" not in found.sentence
    assert not claims_of(found)
