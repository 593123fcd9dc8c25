"""The verdict's rules on made evidence, each with the answer a careful reader would give."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ortho_group

from topores.analysis.chance import monte_carlo_p, turned_share
from topores.analysis.gain import Ranks, gain_at
from topores.analysis.loop_significance import corrected_for_cells
from topores.analysis.verdict.evidence import LONGEST_LOOP, MOVE, MOVED, SCALE, TURN, Evidence
from topores.analysis.verdict.rules import judge
from topores.domain import AlignedPairs, Claim, Corpus, Loop, Passage, State, Verdict
from topores.evaluations.retrieval import metrics_of
from topores.phrases import Phrase
from topores.runs import held_out_mrr
from topores.sign_flips import sign_flip_p
from topores.text.retrieval import ranks

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
        ("loop_persistence", 0): 2.0, ("loop_persistence", 10): 3.0,
        ("change", 10): float(np.linalg.norm(last - first)), ("procrustes.residual", 10): 0.1, **(values or {}),
    }  # fmt: skip
    return Evidence(STATES, lambda measure, cycle: table.get((measure, cycle)), loops, texts or corpus(), first, last)


NOISE = 6.0
"""Partners in this much noise are found no better than by chance."""


def sentence(*args: object, **kwargs: object) -> str:
    return judge(evidence(*args, **kwargs), seed=0).sentence


def test_learned() -> None:
    found = judge(evidence(cloud(NOISE), cloud(0.2)), seed=0)
    assert found.outcome == "learned"
    assert "the encoder learned: unseen partners are found better than before (" in found.sentence
    claim = found.claims[0]
    assert claim.value == pytest.approx(1.0)
    assert claim.null < 0.6
    assert claim.p < 0.01


def test_memorised_is_not_learned() -> None:
    """Training pairs are found, held-out ones as badly as before."""
    found = judge(evidence(cloud(NOISE), cloud(NOISE, noisy=slice(0, 12))), seed=0)
    assert found.outcome == "memorised"
    assert "the training pairs were memorised: a gain for unseen partners is excluded (" in found.sentence


def test_what_is_better_by_luck_is_not_called_memorised() -> None:
    """Too little is seen to say that unseen partners are found better, and nothing says that they are not."""
    first = cloud(60.0, 3)
    last = first.copy()
    last[:N], last[N + 12 :] = cloud(0.0)[:N], cloud(0.0)[N + 12 :]
    last[N] = last[0]
    found = judge(evidence(first, last), seed=0)
    assert found.outcome == "undecided"
    assert "whether unseen partners are found better is not decided" in found.sentence
    assert found.headline.startswith("Learning not shown")


def test_few_questions_do_not_make_it_memorising() -> None:
    found = judge(evidence(cloud(60.0), cloud(60.0, noisy=slice(0, 6)), texts=corpus(held_out=6)), seed=0)
    assert "too few pairs are held out to tell whether that is learning" in found.sentence
    assert "memorised" not in found.sentence
    assert found.outcome == "undecided"


def test_folds_decide_where_the_run_has_them() -> None:
    """The run's own split says learned; over all folds a gain is excluded."""
    rng = np.random.default_rng(0)
    folds = [
        Ranks(
            {0: 1 / before, 9: 1 / (before - 0.1 + 0.02 * rng.normal(size=14))},
            [{0: 1 / before, 9: 1 / before}] * 3,
            14 * n + np.arange(14),
        )
        for n, before in enumerate(rng.uniform(0.3, 0.8, size=(5, 14)))
    ]
    gain = gain_at(folds, 9, pairs=35)
    own = evidence(cloud(NOISE), cloud(0.2))
    assert judge(own, seed=0).outcome == "learned"
    found = judge(dataclasses.replace(own, gain=gain), seed=0)
    assert found.outcome == "memorised"
    assert "unseen partners are found no better, gain -0.10 [-0.10, -0.09] (MRR " in found.sentence
    assert "over 35 pairs, each held out in one of 5 folds, 95 % intervals" in found.sentence
    before, shuffled = found.claims[:2]
    assert (before.value, before.low, before.high) == gain.over.untrained[:3]
    assert (shuffled.null_of, shuffled.p) == ("shuffled", gain.over.shuffled.p)


def test_unlearned() -> None:
    found = judge(evidence(cloud(0.8), cloud(NOISE)), seed=0)
    assert found.outcome == "unlearned"
    assert "the encoder unlearned: unseen partners are found worse than before (" in found.sentence


def test_known_by_heart_and_worse_is_memorised() -> None:
    """Held-out partners are torn apart while those trained on come together."""
    first, last = cloud(3.0), cloud(0.01)
    last[N : N + 12] = np.roll(last[N : N + 12], 5, axis=0)
    found = judge(evidence(first, last), seed=0)
    assert found.outcome == "memorised"
    assert "unseen partners are found worse than before" in found.sentence


def test_noise_alone_shows_no_learning() -> None:
    found = judge(evidence(cloud(NOISE, 1), cloud(NOISE, 2)), seed=0)
    assert "no sign of learning" in found.sentence
    assert found.outcome == "undecided"


def test_nothing_held_out_is_said() -> None:
    assert "nothing was held out, so learning cannot be told from memorising" in sentence(
        cloud(NOISE), cloud(0.1), texts=corpus(held_out=0)
    )


def test_a_run_that_did_not_keep_its_untrained_state_is_not_judged() -> None:
    """Beside its best cycle every later one looks unlearned."""
    made = evidence(cloud(0.2), cloud(NOISE))
    later = (State(5, "cycle 5", Path("a")), STATES[1])
    values = {("uniformity", 5): -2.5, ("rank_me", 5): 30.0, ("loop_persistence", 5): 2.0}
    made = evidence(cloud(0.2), cloud(NOISE), values=values)
    found = judge(dataclasses.replace(made, states=later), seed=0)
    assert found.every_outcome == ("undecided",)
    assert "From cycle 5 to cycle 10 the untrained state was not kept" in found.sentence


def test_no_room_to_rise_is_said() -> None:
    assert "had no room to improve" in sentence(cloud(0.1, 1), cloud(0.1, 1) + 1e-3)


@pytest.mark.parametrize(
    ("now", "collapses"),
    [
        ({("uniformity", 10): -0.3}, True),  # one place
        ({("rank_me", 10): 7.0}, True),  # few directions, as wide as before
        ({("uniformity", 10): -1.3, ("rank_me", 10): 14.0}, False),  # a contraction, as shuffled pairs show it too
        ({("uniformity", 0): -0.4, ("uniformity", 10): -0.35, ("rank_me", 0): 9.0, ("rank_me", 10): 1.0}, True),
        ({("uniformity", 0): -0.4, ("uniformity", 10): -0.35}, False),  # narrow from the start
    ],
)
def test_a_collapse_is_what_outcomes_says(now: dict, collapses: bool) -> None:
    found = judge(evidence(cloud(0.8, 1), cloud(0.8, 2), values=now), seed=0)
    assert (found.outcome == "collapsed") is collapses
    assert ("the space collapsed (" in found.sentence) is collapses


def test_one_text_in_one_place_is_a_collapse() -> None:
    last = cloud(0.8)
    last[:N] = last[0]
    found = judge(evidence(cloud(0.8, 1), last), seed=0)
    assert found.outcome == "collapsed"
    assert "the passages of T1 collapsed (" in found.sentence


def test_frozen() -> None:
    rows = cloud(1.0)
    found = judge(evidence(rows, rows), seed=0)
    assert found.sentence == "After 10 cycles nothing changed: every passage is where it was."
    assert (found.outcome, found.movement) == ("frozen", "unchanged")


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
    found = judge(evidence(cloud(1), cloud(0.5), values=values), seed=0)
    assert f"the space {word} (uniformity -2.50 to {uniformity:.2f}" in found.sentence
    assert (found.outcome == "collapsed") == (word == "collapsed")


def test_the_sentence_and_the_claims_give_each_number_in_its_place() -> None:
    found = judge(evidence(cloud(1), cloud(0.5), values={("uniformity", 10): -3.5, ("rank_me", 10): 40.0}), seed=0)
    assert "uniformity -2.50 to -3.50, RankMe 30 to 40" in found.sentence
    assert "total loop persistence went from 2.00 to 3.00" in found.sentence
    by_name = {claim.quantity: (claim.value, claim.null) for claim in found.claims if claim.null_of == "first"}
    assert by_name["uniformity"] == (-3.5, -2.5)
    assert by_name["rank_me"] == (40.0, 30.0)
    assert by_name["loop_persistence"] == (3.0, 2.0)


def loop(cycle: int, p: float, first: int = 0) -> Loop:
    return Loop(cycle, 6, "union", 0.5, 1.5, p, (first, first + 1, first + 2))


def test_loops_are_counted_only_beyond_the_nulls() -> None:
    none = sentence(cloud(1), cloud(0.5), loops=[loop(10, 0.4)])
    assert "no loop is longer than chance would produce" in none
    assert "lost" not in none
    lost = sentence(cloud(1), cloud(0.5), loops=[loop(10, 0.4), loop(0, 1e-4)])
    assert "no loop is longer than chance would produce; 1 loop of the first state was lost" in lost
    gained = sentence(cloud(1), cloud(0.5), loops=[loop(10, 1e-4), loop(10, 0.01, 3), loop(0, 1e-4)])
    assert "2 loops are longer than chance would produce (p = 0.0001), 1 more than before" in gained
    kept = sentence(cloud(1), cloud(0.5), loops=[loop(10, 1e-4), loop(0, 1e-4)])
    assert kept.endswith("1 loop is longer than chance would produce (p = 0.0001).")


def test_cells_are_corrected_together() -> None:
    """One p of .04 among ten cells is what ten cells give; of ten such, each counts."""
    places = [(10, layer, "union") for layer in range(10)]
    one = corrected_for_cells(dict(zip(places, [0.04] + 9 * [1.0], strict=True)))
    assert list(one) == places
    assert min(one.values()) == pytest.approx(0.4)
    assert list(corrected_for_cells(dict.fromkeys(places, 0.04)).values()) == pytest.approx([0.04] * 10)
    assert corrected_for_cells({}) == {}
    made = dataclasses.replace(evidence(cloud(1), cloud(0.5)), cells={places[0]: 0.04, places[1]: 0.4})
    claim = next(
        c for c in judge(made, seed=0).claims if c.what == "cells (layer, cycle, cloud) with a significant loop, of 2"
    )
    assert (claim.value, claim.p) == (1, 0.04)


@pytest.mark.parametrize(
    ("was", "now", "shuffled", "gained"),
    [
        (0.1, 0.5, (), True),
        (0.1, 0.25, (), False),  # within what other halves of the passages do
        (0.5, 0.1, (), False),  # it counts more loops, and the longest became shorter
        (0.1, 0.5, (0.49, 0.5, 0.51), False),
        (0.1, 0.5, (0.1, 0.11, 0.12), True),
    ],
)
def test_a_loop_is_gained_only_where_the_longest_grew_and_shuffled_pairings_do_not_show_it(
    was: float, now: float, shuffled: tuple[float, ...], gained: bool
) -> None:
    made = dataclasses.replace(
        evidence(cloud(1), cloud(0.5), loops=[loop(10, 0.01), loop(0, 0.06)]), before={LONGEST_LOOP: was},
        own={LONGEST_LOOP: now}, floors={"resample": {LONGEST_LOOP: 0.2}},
        shuffled=[{LONGEST_LOOP: value} for value in shuffled],
    )  # fmt: skip
    found = judge(made, seed=0)
    assert "1 loop is longer than chance would produce (p = 0.01)" in found.sentence
    assert ("1 more than before" in found.sentence) == gained
    assert ("1 loop gained" in found.headline) == gained


def test_one_state_shows_no_change() -> None:
    one = Evidence(STATES[:1], lambda m, _: {"rank_me": 30.0, "uniformity": -2.5}.get(m), [], None, cloud(1), cloud(1))
    assert (
        judge(one, seed=0).sentence
        == "Cycle 0 is the only state, so there is no change to judge. Last layer: RankMe 30, uniformity -2.50."
    )


def test_a_file_name_keeps_its_spelling_at_the_beginning_of_a_sentence() -> None:
    one = Evidence([State(0, "emb.npy", Path("emb.npy"))], lambda *_: None, [], None, cloud(1), cloud(1))
    assert judge(one, seed=0).sentence.startswith("emb.npy is the only state")


def test_one_mrr_in_the_sentence_and_in_the_log() -> None:
    """Twelve held-out passages of T1 ask for four of T2, so the directions have unequal numbers of queries."""
    pairs = AlignedPairs(np.arange(N), np.arange(N) // 3, np.ones(N), np.ones(N), np.ones(N, bool), 1.0)
    split = tuple("held_out" if i < 12 else "train" for i in range(N))
    split_2 = tuple("held_out" if i < 4 else "train" for i in range(N))
    texts = dataclasses.replace(corpus(), pairs=pairs, split_1=split, split_2=split_2)
    last = cloud(1.5)
    ways = [("held_out", "1to2"), ("held_out", "2to1")]
    found = {way: ranks(last[:N], last[N:], texts, *way) for way in ways}
    logged = held_out_mrr(metrics_of(found))
    assert [len(found[way]) for way in ways] == [12, 4]
    assert np.concatenate([1 / found[way] for way in ways]).mean() != pytest.approx(logged, abs=1e-3)
    verdict = judge(evidence(cloud(NOISE), last, texts=texts), seed=0)
    assert verdict.claims[0].value == pytest.approx(logged, abs=1e-12)
    assert f"to {logged:.2f} over 16 queries" in verdict.sentence


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


def test_monte_carlo_p_counts_the_value_itself() -> None:
    assert monte_carlo_p(3.0, [1.0, 2.0, 3.0]) == pytest.approx(2 / 4)
    assert monte_carlo_p(9.0, [1.0] * 19) == pytest.approx(0.05)


# The headline.


def test_the_headline_claims_what_the_rules_do() -> None:
    learned = against(OWN, SHUFFLED)
    assert learned.headline == "Learned; the space deformed"
    assert against(OWN, []).headline == "Learned (no control run); the space deformed"
    no_better = against({**OWN, "held_out_mrr": 0.51}, SHUFFLED)
    assert no_better.headline == "No better than shuffled pairings; the space deformed"


def test_the_headline_of_what_stayed_or_collapsed() -> None:
    rows = cloud(1.0)
    assert judge(evidence(rows, rows), seed=0).headline == "Nothing changed"
    values = {("uniformity", 10): -0.3, ("rank_me", 10): 5.0}
    assert judge(evidence(cloud(1), cloud(0.5), values=values), seed=0).headline == "The space collapsed"
    none = evidence(cloud(NOISE), cloud(0.1), texts=corpus(held_out=0))
    assert judge(none, seed=0).headline.startswith("No held-out pairs to judge by; the space ")


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [(0, 2, "2 loops gained"), (0, 1, "1 loop gained"), (3, 1, "2 loops lost"), (1, 0, "1 loop lost"), (2, 2, "")],
)
def test_the_headline_counts_loops_beyond_chance(first: int, last: int, told: str) -> None:
    loops = [loop(0, 1e-4, k) for k in range(first)] + [loop(10, 1e-4, k) for k in range(last)] + [loop(10, 0.4, 9)]
    found = judge(evidence(cloud(1), cloud(0.5), loops=loops), seed=0).headline
    assert found.endswith(f"; {told}") if told else "loop" not in found


def test_the_headline_without_a_run_says_how_many_states_there_are() -> None:
    made = dataclasses.replace(evidence(cloud(1), cloud(0.5)), corpus=None)
    assert judge(made, seed=0).headline == "2 states: the space deformed"
    one = Evidence(STATES[:1], lambda _, __: 1.0, [loop(0, 1e-4), loop(0, 0.4)], None, cloud(1), cloud(1))
    assert judge(one, seed=0).headline == "One state; 1 significant loop"
    assert judge(dataclasses.replace(one, loops=[loop(0, 0.4)]), seed=0).headline == "One state; no significant loop"
    blind = dataclasses.replace(loop(0, 0.4), blind=True)
    assert judge(dataclasses.replace(one, loops=[blind]), seed=0).headline == "One state; a loop could not be seen"
    assert (
        judge(dataclasses.replace(one, value=lambda _, __: None), seed=0).headline == "One state, so no change to judge"
    )


def test_every_text_of_the_verdict_is_a_phrase() -> None:
    """What is no phrase cannot be said in another language."""
    for found in (against(OWN, SHUFFLED), judge(evidence(cloud(1), cloud(0.5)), seed=0)):
        assert isinstance(found.sentence, Phrase)
        assert isinstance(found.headline, Phrase)
        assert all(isinstance(claim.what, Phrase) for claim in found.claims)
        assert len(found.headline) <= 90


# Against dropout and resampling.

BEFORE = {"held_out_mrr": 0.5, "loop_persistence": 2.0, "uniformity": -2.5, "rank_me": 30.0}
OWN = {"held_out_mrr": 0.9, "loop_persistence": 6.0, "uniformity": -3.0, "rank_me": 70.0}
FLOORS = {
    "dropout": {"loop_persistence": 0.5, "uniformity": 0.1, "rank_me": 2.0, "change": 0.2},
    "resample": {"loop_persistence": 1.0, "uniformity": 0.05, "rank_me": 1.0},
}


def test_a_change_is_beside_the_larger_floor() -> None:
    made = dataclasses.replace(evidence(cloud(1), cloud(0.5)), before=BEFORE, own=OWN, floors=FLOORS)
    found = {c.quantity: c for c in judge(made, seed=0).claims if c.null_of == "noise"}
    assert (found["loop_persistence"].value, found["loop_persistence"].null) == (4.0, 1.0)
    assert found["loop_persistence"].unit == "rad"
    assert found["rank_me"].null == 2.0
    assert "held_out_mrr" not in found


def test_passages_that_move_no_further_than_under_dropout_are_unchanged() -> None:
    values = {("change", 10): 0.19}
    made = dataclasses.replace(evidence(cloud(1), cloud(0.5), values=values), floors=FLOORS)
    found = judge(made, seed=0)
    assert found.movement == "unchanged"
    assert (
        "the passages moved no further than under dropout (0.19 of their spread, dropout alone 0.20)" in found.sentence
    )
    values = {("change", 10): 0.21}
    made = dataclasses.replace(evidence(cloud(1), cloud(0.5), values=values), floors=FLOORS)
    assert judge(made, seed=0).movement == "deformed"


def test_loops_within_the_floor_are_said_to_be() -> None:
    floors = {"resample": {"loop_persistence": 1.5}}
    near = dataclasses.replace(evidence(cloud(1), cloud(0.5)), floors=floors)
    assert "went from 2.00 to 3.00, within the noise of resampling" in judge(near, seed=0).sentence
    far = dataclasses.replace(near, floors={"resample": {"loop_persistence": 0.5}})
    assert "went from 2.00 to 3.00;" in judge(far, seed=0).sentence


def movement(first: np.ndarray, last: np.ndarray) -> str:
    """Without a corpus, so that there may be as many passages as it takes to tell."""
    return judge(dataclasses.replace(evidence(first, last), corpus=None), seed=0).movement


def test_a_turn_is_told_from_a_deformation() -> None:
    rng = np.random.default_rng(9)
    first, turn = rng.normal(size=(200, 10)), ortho_group.rvs(10, random_state=0)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    assert movement(first, first @ turn) == "turned"
    assert movement(first, first + 0.1 * rng.normal(size=first.shape)) == "deformed"
    assert movement(first, first @ turn + 0.25 * rng.normal(size=first.shape)) == "turned and deformed"


@pytest.mark.parametrize(("alone", "kind"), [(0.01, "turned"), (3.2, "deformed")])
def test_a_turn_is_one_only_beyond_that_of_dropout(alone: float, kind: str) -> None:
    rng = np.random.default_rng(9)
    first = rng.normal(size=(200, 10))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    values = {("procrustes.mean_angle", 10): 1.5}
    made = evidence(first, first @ ortho_group.rvs(10, random_state=0), values=values)
    floors = {"dropout": {"procrustes.mean_angle": alone, "change": 0.1}}
    found = judge(dataclasses.replace(made, corpus=None, floors=floors), seed=0)
    assert found.movement == kind
    claim = next(c for c in found.claims if c.quantity == "procrustes.mean_angle")
    assert (claim.value, claim.null) == (1.5, alone)


def test_what_a_turn_leaves_is_a_deformation_only_beyond_dropout() -> None:
    rng = np.random.default_rng(9)
    first, turn = rng.normal(size=(200, 10)), ortho_group.rvs(10, random_state=0)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    made = dataclasses.replace(evidence(first, first @ turn + 0.25 * rng.normal(size=first.shape)), corpus=None)
    moved = made.value("change", 10)
    assert moved is not None
    for share, movement in ((0.3, "turned and deformed"), (0.9, "turned")):
        floors = {"dropout": {"change": share * moved}}
        found = judge(dataclasses.replace(made, floors=floors), seed=0)
        assert found.movement == movement
        assert ("the remainder is within dropout noise" in found.sentence) == (movement == "turned")


def test_a_space_that_shuffled_pairings_turn_as_much_is_said_to() -> None:
    rows = cloud(1.0)
    last = rows @ ortho_group.rvs(40, random_state=0)
    alike = [{TURN: 0.9 + d, SCALE: 0.02 + d, MOVE: 1.0 + d} for d in (-0.01, 0.0, 0.01)]
    own = {TURN: 0.91, SCALE: 0.03, MOVE: 1.01}
    made = dataclasses.replace(evidence(rows, last), own=own, shuffled=alike)
    found = judge(made, seed=0)
    assert "the space rotated, as with shuffled pairs (asked of the other half of the passages, " in found.sentence
    assert "; after shuffled pairings 2% and 90%, p = 1 and 1)" in found.sentence
    assert found.headline.endswith("the space rotated, as with shuffled pairs")
    told = {c.quantity: c for c in found.claims if c.null_of == "shuffled" and c.quantity in MOVED}
    values = [(0.91, pytest.approx(0.9)), (0.03, pytest.approx(0.02)), (1.01, pytest.approx(1.0))]
    assert [(c.value, c.null) for c in told.values()] == values
    for other in (own | {TURN: 0.2}, own | {SCALE: 0.5}, own | {MOVE: 3.0}):
        found = judge(dataclasses.replace(made, own=other), seed=0)
        assert "as with shuffled pairs" not in found.sentence
        assert "; after shuffled pairings 2% and 90%" in found.sentence


def test_texts_that_turn_against_each_other_are_said_to() -> None:
    first = cloud(1.0)
    last = first.copy()
    last[:N] = first[:N] @ ortho_group.rvs(40, random_state=0)
    assert "the two texts rotated against each other: 100% of the change lies between them" in sentence(first, last)
    assert judge(evidence(first, last), seed=0).movement == "turned"  # neither text changed its shape
    both = first @ ortho_group.rvs(40, random_state=0)
    assert "against each other" not in sentence(first, both)


@pytest.mark.parametrize(
    ("was", "now", "word"),
    [(0.1, 0.9, "the space split into"), (0.9, 0.1, "closed"), (0.9, 0.9, ""), (0.1, 0.1, "")],
)
def test_clusters_are_gained_or_lost_against_the_same_spectrum(was: float, now: float, word: str) -> None:
    draws = [{"cluster_gap": 0.2 + 0.001 * i} for i in range(40)]
    made = dataclasses.replace(
        evidence(cloud(1), cloud(0.5)), before={"cluster_gap": was}, own={"cluster_gap": now},
        spectrum={0: draws, 10: draws},
    )  # fmt: skip
    said = judge(made, seed=0).sentence
    assert "p = 0.049)" in said if word else "split" not in said and "closed" not in said
    assert word in said


@pytest.mark.parametrize(("last", "floor"), [(1.0, 0.0), (0.6, 0.5)])
def test_a_cluster_is_not_lost_while_its_gap_widens_or_stays_within_noise(last: float, floor: float) -> None:
    near, far = ([{"cluster_gap": at + 0.001 * i} for i in range(40)] for at in (0.2, 2.0))
    made = dataclasses.replace(
        evidence(cloud(1), cloud(0.5)), before={"cluster_gap": 0.9}, own={"cluster_gap": last},
        spectrum={0: near, 10: far}, floors={"resample": {"cluster_gap": floor}},
    )  # fmt: skip
    assert "split" not in judge(made, seed=0).sentence
    assert "closed" not in judge(made, seed=0).sentence


# Against runs on shuffled pairings.

SHUFFLED = [
    {"held_out_mrr": 0.50 + d, "loop_persistence": 6.0 + d, "uniformity": -3.0 + d, "rank_me": 70 + 10 * d}
    for d in (-0.02, 0.0, 0.02)
]


def against(own: dict[str, float], shuffled: list[dict[str, float]], first: float = NOISE) -> Verdict:
    made = evidence(cloud(first), cloud(0.2))
    return judge(dataclasses.replace(made, before=BEFORE, own=own, shuffled=shuffled, floors=FLOORS), seed=0)


def claims_of(verdict: Verdict) -> dict[str, Claim]:
    return {c.quantity: c for c in verdict.claims if c.null_of == "shuffled"}


def test_better_than_before_and_than_shuffled_is_learned() -> None:
    found = against(OWN, SHUFFLED)
    assert found.outcome == "learned"
    assert "unseen partners are found better than before and than after shuffled pairings (" in found.sentence
    assert "after shuffled pairings 0.50 in 3 runs, enough to detect large effects only, p = " in found.sentence
    claim = claims_of(found)["held_out_mrr"]
    assert (claim.value, claim.null) == (0.9, pytest.approx(0.5))
    assert claim.p < 0.01
    assert set(claims_of(found)) == {"held_out_mrr", "loop_persistence", "uniformity", "rank_me"}


@pytest.mark.parametrize("mrr", [0.51, 0.2])
def test_no_better_than_shuffled(mrr: float) -> None:
    """Also where it is worse, which is no sign that the pairing taught something; and where it rose."""
    found = against({**OWN, "held_out_mrr": mrr}, SHUFFLED)
    assert found.outcome == "no better than shuffled"
    assert (
        "found better than before, but not significantly better than after training on shuffled pairings"
        in found.sentence
    )
    still = against({**OWN, "held_out_mrr": mrr}, SHUFFLED, first=0.3)
    assert still.outcome == "no better than shuffled"
    assert (
        "unseen partners are not found significantly better than after training on shuffled pairings" in still.sentence
    )


def test_a_run_that_memorised_has_not_unmemorised_because_nulls_stand_beside_it() -> None:
    """What --fail-on memorised asks does not depend on whether shuffled runs were trained."""
    first, last = cloud(NOISE), cloud(NOISE, noisy=slice(0, 12))
    alone = judge(evidence(first, last), seed=0)
    assert alone.every_outcome == ("memorised",)
    beside = dataclasses.replace(
        evidence(first, last), before=BEFORE, own={**OWN, "held_out_mrr": 0.5}, shuffled=SHUFFLED, floors=FLOORS
    )
    found = judge(beside, seed=0)
    assert found.outcome == "no better than shuffled"
    assert set(found.every_outcome) == {"no better than shuffled", "memorised"}


def test_a_run_can_be_collapsed_and_memorised() -> None:
    values = {("uniformity", 10): -0.3, ("rank_me", 10): 5.0}
    found = judge(evidence(cloud(NOISE), cloud(NOISE, noisy=slice(0, 12)), values=values), seed=0)
    assert found.every_outcome == ("collapsed", "memorised")
    assert found.headline == "The space collapsed"


def test_more_runs_are_not_called_few() -> None:
    assert "enough to detect large effects only" not in against(OWN, SHUFFLED + SHUFFLED).sentence


def test_what_the_pairing_changed_is_named() -> None:
    """All three left the floors; what shuffled runs show too is not the pairing's."""
    found = against({**OWN, "loop_persistence": 3.1, "uniformity": -4.0}, SHUFFLED)
    assert (
        "the change of total loop persistence and uniformity is attributed to the pairing, while RankMe changed no "
        "more than with shuffled pairings" in found.sentence
    )
    assert claims_of(found)["rank_me"].p == 1
    found = against(OWN, SHUFFLED)
    assert (
        "total loop persistence, uniformity and RankMe changed, but no more than with shuffled pairings"
        in found.sentence
    )


def test_what_stays_within_the_floors_is_not_named_though_shuffled_runs_differ() -> None:
    found = against({**OWN, "loop_persistence": 2.4, "uniformity": -2.55, "rank_me": 31.0}, SHUFFLED)
    assert "its shape did not change beyond dropout and resampling" in found.sentence
    assert claims_of(found)["loop_persistence"].p < 0.05


def test_many_measures_need_more_than_one_of_them_alone() -> None:
    """A difference that p = .03 by itself is, is none among three."""
    near = {**OWN, "loop_persistence": 6.0 + 0.02 * 5.9 * np.sqrt(4 / 3)}
    alone = {name: near[name] for name in ("held_out_mrr", "loop_persistence")}
    assert "the change of total loop persistence is attributed to the pairing" in against(alone, SHUFFLED).sentence
    assert "changed, but no more than with shuffled pairings" in against(near, SHUFFLED).sentence


def test_nothing_held_out_still_compares_the_space() -> None:
    own = {name: value for name, value in OWN.items() if name != "held_out_mrr"}
    made = dataclasses.replace(
        evidence(cloud(NOISE), cloud(0.2), texts=corpus(held_out=0)), before=BEFORE, own={**own, "rank_me": 5.0},
        shuffled=SHUFFLED, floors=FLOORS,
    )  # fmt: skip
    found = judge(made, seed=0)
    assert "the change of RankMe is attributed to the pairing" in found.sentence
    assert found.outcome == "undecided"


@pytest.mark.parametrize("shuffled", [[], SHUFFLED[:1]])
def test_without_spread_nothing_is_compared(shuffled: list) -> None:
    found = against(OWN, shuffled)
    assert "shuffled" not in found.sentence
    assert not claims_of(found)
