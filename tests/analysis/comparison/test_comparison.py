"""Runs side by side: what is aligned, what is one kind of run, and what the seeds bear."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from topores.analysis.chance import prediction_p
from topores.analysis.comparison.aligned import LEVELS, Comparison, at_loss
from topores.analysis.comparison.best_cycle import best_cycle
from topores.analysis.comparison.corpora import differing_options, equal_corpora
from topores.analysis.comparison.evidence import EQUAL_LOSS, Judged
from topores.analysis.comparison.replicates import differences, group_replicates, paired_p, welch_p
from topores.analysis.comparison.run import COUNTED, QUANTITIES, ComparedRun
from topores.analysis.comparison.verdict import judge_comparison
from topores.domain import AlignedPairs, Analysis, Claim, Corpus, Loop, Measurement, Passage, State, Verdict
from topores.topology.significance import holm

TEXTS = {"t1": "1" * 64, "t2": "2" * 64}


def corpus(train: int = 8) -> Corpus:
    """So many passages of each text to train on, and four held out."""
    n = train + 4
    sides = [[Passage(s, s, i, 10 * i, 10 * i + 9, f"{s} {i}", 3) for i in range(n)] for s in ("t1", "t2")]  # type: ignore[arg-type]
    split = tuple("train" if i < train else "held_out" for i in range(n))
    pairs = AlignedPairs(np.arange(n), np.arange(n), np.ones(n), np.ones(n), np.ones(n, dtype=bool), 1.0)
    return Corpus(tuple(sides[0]), tuple(sides[1]), pairs, split, split, 1, "texts")


def run(
    name: str = "a",
    losses: dict[int, float] | None = None,
    *,
    kept: tuple[int, ...] = (0, 1, 2),
    mrr: tuple[float, ...] | None = None,
    loops: tuple[float, ...] | None = None,
    uniformity: tuple[float, ...] | None = None,
    significant: dict[int, tuple[float, ...]] | None = None,
    texts: dict[str, str] = TEXTS,
    null: dict[str, Any] | None = None,
    **options: Any,
) -> ComparedRun:
    """A run with lines at the cycles of `losses`; numbers by logged or kept cycle, and p of loops by kept cycle."""
    losses = {0: 2.0, 1: 2.0, 2: 1.0} if losses is None else losses
    lines: list[dict[str, Any]] = [{"cycle": cycle, "loss": loss, "seconds": 0.0} for cycle, loss in losses.items()]
    for i, line in enumerate(lines):
        if mrr:
            line |= {"held_out_mrr_1to2": mrr[i] + 0.1, "held_out_mrr_2to1": mrr[i] - 0.1}
        if uniformity:
            line["uniformity"] = uniformity[i]
    measured = [
        Measurement(c, 3, "union", "total_persistence", v, "rad", 1) for c, v in zip(kept, loops or (), strict=False)
    ]
    found = [
        Loop(cycle, 3, "union", 0.1, 0.2, p, (0, 1, 2)) for cycle, judged in (significant or {}).items() for p in judged
    ]
    analysis = Analysis(
        name=name,
        protocol={"metric": "angle"},
        states=tuple(State(cycle, f"cycle {cycle}", Path("x")) for cycle in kept),
        layers=(0, 3),
        clouds=("t1", "t2", "union"),
        diagrams={},
        measurements=tuple(measured),
        loops=tuple(found),
        verdict=Verdict("", ()),
        corpus=corpus(),
        metrics=tuple(lines),
        run={"options": {"encoder": "full", "seed": 0, "batch_size": 32, **options}, "sha256": texts, "null": null},
    )
    return ComparedRun(name, analysis)


def compared(*runs: ComparedRun) -> Comparison:
    return Comparison(runs)


# The loss of a state.


def test_a_line_has_the_loss_of_the_state_before_it_where_a_cycle_is_one_step() -> None:
    one = run(losses={0: 2.0, 1: 1.9, 2: 1.0, 3: 0.5})
    assert one.steps == 1
    assert one.losses == {0: 2.0, 1: 1.0, 2: 0.5, 3: 0.5}


def test_a_line_of_many_steps_lies_in_the_middle_of_them() -> None:
    """Two steps a cycle: line c is the mean of the states c - 1 and c - 1/2, so it lies at c - 3/4."""
    one = run(losses={0: 2.0, 1: 2.0, 2: 1.0, 3: 0.5}, batch_size=4)
    assert one.steps == 2
    assert one.losses[1] == pytest.approx(2.0 + 0.75 * (1.0 - 2.0))
    assert one.losses[2] == pytest.approx(1.0 + 0.75 * (0.5 - 1.0))


# Alignment.


def test_cycles_are_those_that_all_kept() -> None:
    both = compared(run("a", kept=(0, 1, 2, 5)), run("b", kept=(0, 2, 5, 10)))
    assert both.cycles == (0, 2, 5)


def test_a_number_at_a_loss_lies_on_the_line_between_two_states() -> None:
    """States at the losses 2, 1 and 1/2 with uniformity -1, -2 and -4."""
    one = run(losses={0: 2.0, 1: 2.0, 2: 1.0, 3: 0.5}, uniformity=(-1.0, -2.0, -4.0, -4.0))
    assert [at_loss(one, "uniformity", level) for level in (2.0, 1.5, 1.0, 0.75, 0.5)] == pytest.approx(
        [-1.0, -1.5, -2.0, -3.0, -4.0]
    )
    assert compared(one).cycle_reached(0.75) == (pytest.approx(1.5),)


def test_a_loss_is_reached_when_it_is_reached_first() -> None:
    one = run(losses={0: 2.0, 1: 2.0, 2: 1.0, 3: 1.8, 4: 0.5}, uniformity=(-1.0, -2.0, -3.0, -4.0, -5.0))
    assert one.losses == {0: 2.0, 1: 1.0, 2: 1.8, 3: 0.5, 4: 0.5}
    assert at_loss(one, "uniformity", 1.5) == pytest.approx(-1.5)


def test_a_loss_that_was_never_reached_has_no_numbers() -> None:
    one = run(losses={0: 2.0, 1: 2.0, 2: 1.0}, uniformity=(-1.0, -2.0, -3.0))
    assert at_loss(one, "uniformity", 0.9) is None
    assert at_loss(one, "uniformity", 2.1) is None  # it began below
    assert at_loss(one, "rank_me", 1.5) is None  # nobody measured it


def test_kept_numbers_are_read_between_kept_states() -> None:
    losses = {0: 2.0, 1: 2.0, 2: 1.5, 3: 1.0, 4: 0.5, 5: 0.25}
    one = run(losses=losses, kept=(0, 2, 4), loops=(1.0, 3.0, 9.0))
    # Losses of the kept states are 2, 1 and 1/4.
    assert at_loss(one, "loop_persistence", 1.5) == pytest.approx(2.0)
    assert at_loss(one, "loop_persistence", 0.625) == pytest.approx(6.0)


def test_a_count_is_that_of_the_first_state_at_the_loss_or_below() -> None:
    losses = {0: 2.0, 1: 2.0, 2: 1.0, 3: 0.5}
    one = run(losses=losses, kept=(0, 1, 2), significant={0: (0.5,), 2: (0.01, 0.03, 0.2)})
    assert one.values["significant_loops"] == {0: 0.0, 2: 2.0}
    assert at_loss(one, "significant_loops", 0.75) == 2.0
    assert at_loss(one, "significant_loops", 1.5) is None  # state 1 was not judged


def test_changes_are_those_since_the_first_state() -> None:
    one = run(kept=(0, 1, 2))
    changes = tuple(
        Measurement(2, 3, "union", "procrustes.residual", v, "", against=a) for a, v in ((0, 0.4), (1, 0.1))
    )
    other = Measurement(2, 0, "union", "procrustes.residual", 0.9, "", against=0)
    seen = ComparedRun("a", Analysis(**{**vars(one.analysis), "measurements": (*changes, other)}))
    assert seen.values["procrustes.residual"] == {0: 0.0, 2: 0.4}
    assert seen.values["procrustes.scale"] == {0: 1.0}


def test_levels_go_from_the_lowest_start_to_the_lowest_loss_that_all_reached() -> None:
    slow = run("slow", {0: 2.0, 1: 2.0, 2: 1.2, 3: 0.5}, kept=(0, 1, 2))
    quick = run("quick", {0: 1.6, 1: 1.6, 2: 0.1, 3: 0.01}, kept=(0, 1, 2))
    levels = compared(slow, quick).levels
    assert levels[0] == 1.6
    assert levels[-1] == 0.5
    assert len(levels) == LEVELS
    assert np.diff(np.log(levels)) == pytest.approx(np.log(0.5 / 1.6) / (LEVELS - 1))
    assert all(value is not None for level in levels for value in compared(slow, quick).cycle_reached(level))


def test_levels_end_where_kept_states_do() -> None:
    one = run("a", {0: 2.0, 1: 2.0, 2: 0.4, 3: 0.7, 4: 0.7}, kept=(0, 4))
    assert min(one.losses.values()) == 0.4
    assert compared(one, one).levels[-1] == 0.7


def test_runs_that_share_no_loss_are_not_aligned_by_it() -> None:
    high, low = run("high", {0: 2.0, 1: 2.0, 2: 1.0}), run("low", {0: 0.5, 1: 0.5, 2: 0.1})
    assert compared(high, low).levels == ()
    assert compared(high, run("silent", {})).levels == ()


def test_losses_below_zero_are_parted_by_equal_steps() -> None:
    one = run("a", {0: 1.0, 1: 1.0, 2: -1.0, 3: -1.0})
    assert compared(one, one).levels == pytest.approx(tuple(np.linspace(1.0, -1.0, LEVELS)))


def test_losses_that_do_not_mean_the_same_are_told() -> None:
    assert compared(run("a", temperature=0.05), run("b", temperature=0.1)).losses_differ_by == ("temperature",)
    assert compared(run("a"), run("b", texts={"t1": "x", "t2": "y"})).losses_differ_by == ("texts",)
    # Of eight passages to train on, 32 and 1,024 are all; four are not.
    assert compared(run("a", batch_size=32), run("b", batch_size=1024)).losses_differ_by == ()
    assert compared(run("a", batch_size=32), run("b", batch_size=4)).losses_differ_by == ("batch_size",)


# Kinds.


def test_runs_that_differ_in_the_seed_alone_are_of_one_kind() -> None:
    runs = [
        run("a0", encoder="linear", seed=0, cycles=20, output="x", article="a.txt"),
        run("b0", encoder="loreft", seed=0),
        run("a1", encoder="linear", seed=1, cycles=200, output="y", article="b.txt"),
    ]
    groups = group_replicates(runs)
    assert [[r.name for r in group.runs] for group in groups] == [["a0", "a1"], ["b0"]]
    assert [group.title for group in groups] == ["encoder linear (2 seeds)", "b0"]


def test_a_run_that_repeats_a_seed_is_no_replicate() -> None:
    (group,) = group_replicates([run("a", seed=3), run("again", seed=3), run("other", seed=4)])
    assert [r.name for r in group.runs] == ["a", "other"]
    assert [r.name for r in group.repeats] == ["again"]


def test_nulls_and_other_texts_are_kinds_of_their_own() -> None:
    nulls = [run(f"s{seed}", null={"kind": "shuffled", "seed": seed}) for seed in (1, 2)]
    groups = group_replicates([run("true"), *nulls])
    assert [group.title for group in groups] == ["true", "shuffled null (2 seeds)"]
    other = [run(f"o{seed}", seed=seed, texts={"t1": "9" * 64, "t2": "2" * 64}) for seed in (0, 1)]
    mine = [run(f"m{seed}", seed=seed) for seed in (0, 1)]
    assert [group.title for group in group_replicates([*mine, *other])] == [
        "T1 11111111… (2 seeds)",
        "T1 99999999… (2 seeds)",
    ]


def test_as_few_options_as_tell_kinds_apart_are_named() -> None:
    runs = [
        run(f"{encoder}{rank}{seed}", encoder=encoder, rank=rank, learning_rate=rate, seed=seed)
        for encoder, rank, rate in (("full", 8, 1.0), ("lora", 8, 2.0), ("lora", 16, 2.0))
        for seed in (0, 1)
    ]
    names = [group.name for group in group_replicates(runs)]
    assert names == ["encoder full, rank 8", "encoder lora, rank 8", "encoder lora, rank 16"]


def test_seeds_that_differ_in_an_option_of_another_encoder_are_replicates() -> None:
    """Runs of topores 0.1 recorded the options of all encoders, such as a rank that full fine-tuning does not have."""
    texts = {"article": "a.txt", "meta_analysis": "b.txt", "cached_views": 4, "layers": None, "positions": "all"}
    before = [run(f"r{rank}", seed=seed, rank=rank, **texts) for seed, rank in enumerate((4, 8, 16))]
    now = run("now", seed=3, article="a.txt", meta_analysis="b.txt")
    (group,) = group_replicates([*before, now])
    assert len(group.runs) == 4
    lora = [run(f"r{rank}", seed=seed, encoder="lora", rank=rank, **texts) for seed, rank in enumerate((4, 8))]
    assert len(group_replicates(lora)) == 2


# Corpora.


def with_corpus(found: ComparedRun, changed: Corpus | None) -> ComparedRun:
    return dataclasses.replace(found, analysis=dataclasses.replace(found.analysis, corpus=changed))


def read_by(reader: str | None, model: str, changed: Corpus, seeds: tuple[int, ...] = (0, 1, 2)) -> list[ComparedRun]:
    """Runs of one model whose held-out retrieval differs by seed and by model."""
    place = len(model)
    return [
        with_corpus(
            run(f"{model}{seed}", mrr=(0.1, 0.2, 0.3 + place + seed / 100), model=model, reader=reader, seed=seed),
            changed,
        )
        for seed in seeds
    ]


def test_runs_of_equal_corpora_are_judged() -> None:
    comparison = compared(*read_by("x", "x", corpus()), *read_by("x", "other", corpus()))
    verdict = judge_comparison(comparison)
    assert "held-out MRR is 5.31 in model other (3 seeds) and 1.31 in model x (3 seeds)" in verdict.sentence
    assert [claim.p for claim in verdict.claims if "MRR" in claim.what] == [pytest.approx(2 / 8)]
    assert "different passages" not in verdict.sentence
    assert "reader" not in comparison.losses_differ_by


def test_runs_of_other_corpora_are_described_and_the_remedy_is_named() -> None:
    comparison = compared(*read_by(None, "x", corpus()), *read_by(None, "other", corpus(train=9)))
    verdict = judge_comparison(comparison)
    assert (
        "model x (3 seeds) and model other (3 seeds) were trained on different passages or splits of the texts, so "
        "they are not judged against each other: train them again with the same --reader" in verdict.sentence
    )
    assert all(claim.p is None for claim in verdict.claims if "MRR" in claim.what)
    assert "reader" in comparison.losses_differ_by


def test_of_runs_with_other_seeds_the_split_may_differ_and_nothing_else() -> None:
    split = dataclasses.replace(corpus(), split_1=corpus().split_1[::-1], split_2=corpus().split_2[::-1])
    shifted = dataclasses.replace(corpus(), embargo=2)
    ours = read_by("x", "x", corpus(), (0, 1))
    assert equal_corpora(ours, read_by("x", "y", split, (2, 3)))
    assert not equal_corpora(ours, read_by("x", "y", split, (1, 2)))
    assert not equal_corpora(ours, read_by("x", "y", shifted, (2, 3)))
    # A report of topores 0.1 says nothing of its passages.
    assert equal_corpora(ours, [with_corpus(found, None) for found in read_by("x", "y", split, (1, 2))])


def test_what_is_to_be_made_equal_is_what_differs() -> None:
    one = run("a", reader=None, model="m", passage_tokens=96, held_out=0.2)
    assert differing_options([one], [run("b", reader="m", model="n", passage_tokens=96, held_out=0.2)]) == []
    other = run("b", reader=None, model="n", passage_tokens=64, held_out=0.2)
    assert differing_options([one], [other]) == ["reader", "passage_tokens"]
    found = Judged(compared(one, with_corpus(run("b", model="m", passage_tokens=96, held_out=0.2), corpus(5))))
    assert "on one device with one version" in judge_comparison(found.comparison).sentence


def test_a_shuffled_null_is_compared_by_the_pairs_that_it_was_made_from() -> None:
    true, turned = run("true"), corpus()
    turned = dataclasses.replace(turned, pairs=dataclasses.replace(turned.pairs, t2=turned.pairs.t2[::-1].copy()))
    hashes = {"parent_corpus": true.gist.corpus, "parent_passages": true.gist.passages}
    null = {"null": {"kind": "shuffled", "seed": 1}, "texts": {**TEXTS, **hashes}}
    assert equal_corpora([true], [with_corpus(run("null", **null), turned)])
    assert not equal_corpora([true], [with_corpus(run("other"), turned)])


# Tests.


def test_welch_by_hand() -> None:
    """Means 2 and 6, variances 1: t = 4 / sqrt(2/3), and with two degrees of freedom p = 1 - t / sqrt(t^2 + 2)."""
    assert welch_p([1.0, 2.0, 3.0], [5.0, 6.0, 7.0]) == pytest.approx(1 - np.sqrt(24 / 26))


def test_seed_by_seed_by_hand() -> None:
    """Differences 1, 2, 3: t = 2 sqrt(3), with two degrees of freedom."""
    assert paired_p([2.0, 4.0, 6.0], [1.0, 2.0, 3.0]) == pytest.approx(1 - np.sqrt(12 / 14))


def test_without_any_spread_p_is_what_a_permutation_could_give() -> None:
    assert welch_p([1.0, 1.0], [2.0, 2.0, 2.0]) == pytest.approx(2 / 10)
    assert welch_p([0.1 + 0.2, 0.3], [0.3, 0.1 + 0.2]) == 1.0
    assert paired_p([2.0, 3.0, 4.0], [1.0, 2.0, 3.0]) == pytest.approx(2 / 8)
    assert paired_p([2.0, 3.0, 4.0], [2.0, 3.0, 4.0]) == 1.0


@pytest.mark.parametrize(("sizes", "spreads"), [((3, 3), (1, 1)), ((2, 5), (3, 1)), ((2, 3), (10, 1))])
def test_seeds_alone_are_told_apart_no_oftener_than_said(sizes: tuple[int, int], spreads: tuple[int, int]) -> None:
    draw = np.random.default_rng(0)
    groups = [[(s * draw.normal(size=n)).tolist() for n, s in zip(sizes, spreads, strict=True)] for _ in range(1500)]
    false = np.mean([welch_p(first, second) < 0.05 for first, second in groups])
    assert false < 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 1500)


def kind(encoder: str, numbers: list[float], seeds: list[int] | None = None) -> list[ComparedRun]:
    """Runs of one encoder with these held-out MRRs at cycle 2, where uniformity and loops are as far apart as they."""
    losses = {0: 2.0, 1: 2.0, 2: 1.5, 3: 1.0}
    return [
        run(
            f"{encoder}-{seed}", losses, encoder=encoder, seed=seed, mrr=(0.5, 0.5, m, m),
            uniformity=(-2.0, -2.0, -2 - m, -2 - m), loops=(1.0, 1.5, 1 + m), significant={0: (1.0,), 2: (1.0,)},
        )
        for seed, m in zip(seeds or range(len(numbers)), numbers, strict=True)
    ]  # fmt: skip


def read_mrr(run: ComparedRun) -> float | None:
    return run.values["held_out_mrr"].get(2)


def test_the_seeds_choose_the_test() -> None:
    a, b = kind("a", [0.5, 0.6, 0.8]), kind("b", [0.3, 0.5, 0.55])
    elsewhere, single = kind("c", [0.1, 0.2], [8, 9]), kind("d", [0.9])
    reads = {"held_out_mrr": read_mrr}

    def of(*runs: ComparedRun) -> tuple[str, float | None]:
        (found,) = differences(group_replicates(runs), reads)
        return found.test, found.p

    assert of(*a, *b) == ("seed by seed", pytest.approx(paired_p([0.5, 0.6, 0.8], [0.3, 0.5, 0.55])))
    assert of(*a[:2], *b[:2]) == ("Welch", pytest.approx(welch_p([0.5, 0.6], [0.3, 0.5])))
    assert of(*a, *elsewhere) == ("Welch", pytest.approx(welch_p([0.5, 0.6, 0.8], [0.1, 0.2])))
    assert of(*a, *single) == ("prediction", pytest.approx(prediction_p(0.9, [0.5, 0.6, 0.8])))
    assert of(a[0], single[0]) == ("", None)


def test_p_is_corrected_over_all_pairs_and_retrieval_apart_from_the_rest() -> None:
    values = {"a": [0.5, 0.52], "b": [0.7, 0.73], "c": [0.9, 0.99]}
    runs = [r for encoder, numbers in values.items() for r in kind(encoder, numbers)]
    judged = Judged(compared(*runs))
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    raw = [welch_p(values[one], values[other]) for one, other in pairs]
    assert [d.p for d in judged.differences_of("held_out_mrr")] == pytest.approx(holm(raw))
    others = [d for d in judged.differences if d.quantity != "held_out_mrr"]
    assert list(dict.fromkeys(d.quantity for d in others)) == ["uniformity", "loop_persistence", EQUAL_LOSS]
    # They are the same numbers, moved: their raw p are the same too, and all nine are corrected together.
    assert [d.p for d in others] == pytest.approx(holm(raw * 3))


def test_means_are_told_the_greater_first() -> None:
    judged = Judged(compared(*kind("a", [0.5, 0.6]), *kind("b", [0.7, 0.8])))
    (found,) = judged.differences_of("held_out_mrr")
    assert (found.greater.name, found.lesser.name) == ("encoder b", "encoder a")
    assert found.means == pytest.approx((0.75, 0.55))


# The sentence.


def test_one_run_each_is_told_and_not_judged() -> None:
    found = judge_comparison(compared(*kind("a", [0.5]), *kind("b", [0.75])))
    numbers = "2 runs at cycle 2: held-out MRR is 0.75 in b-0 and 0.50 in a-0"
    assert found.sentence.startswith(f"{numbers}; ")
    assert found.headline == f"{numbers} (one run each, so not tested)"
    assert "one run each, so there is no spread to test by" in found.sentence
    for word in ("better", "differ beyond", "greater in"):
        assert word not in found.sentence
    first = found.claims[0]
    assert first.what == "held-out MRR at cycle 2: b-0, compared with a-0; not tested"
    assert (first.value, first.null) == pytest.approx((0.75, 0.5))
    assert all(claim.p is None for claim in found.claims if claim.quantity != COUNTED)


def test_a_difference_that_seeds_bear_is_claimed() -> None:
    found = judge_comparison(compared(*kind("a", [0.5, 0.51, 0.52]), *kind("b", [0.8, 0.81, 0.83])))
    p = paired_p([0.5, 0.51, 0.52], [0.8, 0.81, 0.83])
    assert p < 0.01
    told = f"encoder b (3 seeds) than by encoder a (3 seeds) (MRR 0.81 against 0.51, p = {p:.2g})"
    assert f"unseen partners are found better by {told}" in found.sentence
    assert found.headline == f"6 runs of 2 kinds at cycle 2: unseen partners are found better by {told}"
    assert "the space of encoder b (3 seeds) is wider than that of encoder a (3 seeds) (uniformity -2.81 against" in (
        found.sentence
    )
    assert found.claims[0].p == pytest.approx(p)
    assert "no spread" not in found.sentence


def test_a_difference_that_is_sure_and_too_small_is_not_claimed() -> None:
    """Learning rates .001 and .00101: every seed differs the same way, by a thousandth."""
    found = judge_comparison(compared(*kind("a", [0.5, 0.6, 0.7]), *kind("b", [0.501, 0.6011, 0.7012])))
    assert "held-out MRR is 0.60 in both, a difference of less than 0.02, too small to name (p = 0.0" in found.sentence
    assert "nothing else differs by an amount worth naming" in found.sentence
    for word in ("better", "wider", "greater"):
        assert word not in found.sentence


def with_ranks(run: ComparedRun, ranks: list[float]) -> ComparedRun:
    """Four passages of each text are held out."""
    return dataclasses.replace(run, ranks={2: {"1to2": ranks, "2to1": ranks}})


def test_retrieval_is_paired_by_seed_and_by_question() -> None:
    """All seeds agree, but one question of four carries the difference: another would as easily go the other way."""
    a, b = kind("a", [0.3, 0.31, 0.33]), kind("b", [0.5, 0.52, 0.53])
    worse, one_better = [4.0, 4.0, 4.0, 4.0], [1.0, 4.0, 4.0, 4.0]
    runs = [*(with_ranks(run, worse) for run in a), *(with_ranks(run, one_better) for run in b)]
    (found,) = differences(group_replicates(runs), {"held_out_mrr": read_mrr}, 2)
    assert found.test == "seed by seed and question by question"
    assert found.p == pytest.approx(1.0)  # of two signs of one group, both are as extreme
    all_better = [with_ranks(run, [1.0] * 4) for run in b]
    (found,) = differences(group_replicates([*runs[:3], *all_better]), {"held_out_mrr": read_mrr}, 2)
    assert found.p == pytest.approx(2 / 2**4, abs=0.01)  # four groups, whatever the seeds
    (found,) = differences(group_replicates([*a, *all_better]), {"held_out_mrr": read_mrr}, 2)
    assert found.test == "seed by seed"  # some have no ranks


def test_a_difference_that_seeds_make_is_not_claimed() -> None:
    found = judge_comparison(compared(*kind("a", [0.2, 0.5, 0.9]), *kind("b", [0.8, 0.3, 0.7])))
    assert (
        "0.60 in encoder b (3 seeds) and 0.53 in encoder a (3 seeds), a difference within the spread over seeds (p = "
        in (found.sentence)
    )
    assert "nothing else differs more than seeds do" in found.sentence
    for word in ("better", "wider", "uniformity went", "at an equal loss"):
        assert word not in found.sentence


def test_loops_at_equal_loss_are_compared_where_losses_mean_the_same() -> None:
    quick = run("quick", {0: 2.0, 1: 2.0, 2: 1.0, 3: 0.5}, kept=(0, 1, 2), loops=(1.0, 2.0, 3.0), encoder="linear")
    slow = run("slow", {0: 2.0, 1: 2.0, 2: 1.5, 3: 1.0}, kept=(0, 1, 2), loops=(1.0, 5.0, 6.0))
    found = judge_comparison(compared(quick, slow))
    assert "at an equal loss of 1 total loop persistence is 6.00 in slow and 2.00 in quick" in found.sentence
    other = run("slow", {0: 2.0, 1: 2.0, 2: 1.5}, loops=(1.0, 5.0, 6.0), temperature=0.1)
    assert "equal loss" not in judge_comparison(compared(quick, other)).sentence


def test_loops_beyond_chance_are_told_by_run() -> None:
    one = run("one", significant={2: (0.01, 0.6)}, encoder="linear")
    found = judge_comparison(compared(one, run("other", significant={2: (0.7,)})))
    assert "loops longer than chance would produce: 1 in one" in found.sentence
    assert [c for c in found.claims if c.what.endswith(": one")] == [
        Claim("significant loops at cycle 2: one", 1.0, 0.0, 0.01, COUNTED, null_of="chance")
    ]


def test_of_loops_that_no_test_could_see_nothing_is_told() -> None:
    runs = [run(name, significant={2: (0.6,)}, encoder=name) for name in ("full", "linear")]
    assert "no run has a loop longer than chance would produce" in judge_comparison(compared(*runs)).sentence
    unseen = []
    for one in runs:
        blind = tuple(dataclasses.replace(loop, blind=True) for loop in one.analysis.loops)
        unseen.append(ComparedRun(one.name, dataclasses.replace(one.analysis, loops=blind)))
    assert "loop longer" not in judge_comparison(compared(*unseen)).sentence


def test_of_many_runs_their_number_is_told() -> None:
    runs = [run(f"r{i}", mrr=(0.5, 0.5, 0.6), significant={2: (0.01,)}, rank=i) for i in range(4)]
    found = judge_comparison(compared(*runs, run("none", mrr=(0.5, 0.5, 0.6), significant={2: (0.9,)}, rank=9)))
    assert "held-out MRR is 0.60 in all; " in found.sentence
    assert "4 of 5 runs have loops longer than chance would produce" in found.sentence
    # Ten pairs of runs, and nothing to judge them by: the one that is furthest apart is shown.
    assert len([claim for claim in found.claims if claim.quantity == "held_out_mrr"]) == 1


def test_replicates_alone_have_a_spread_and_nothing_to_be_compared_with() -> None:
    found = judge_comparison(compared(*kind("a", [0.5, 0.7, 0.6])))
    assert found.sentence == (
        "3 runs that differ in the seed alone at cycle 2: held-out MRR 0.50 to 0.70, uniformity -2.70 to "
        "-2.50, total loop persistence 1.50 to 1.70; there is no other kind to compare them with."
    )
    repeated = judge_comparison(compared(run("a"), run("b")))
    assert repeated.sentence == "2 runs of one kind and one seed: there is nothing to compare."


def test_runs_of_different_texts_are_not_judged_against_each_other() -> None:
    other = [
        run(r.name + "x", mrr=(0.5, 0.5, 0.9), seed=int(r.seed[0]), texts={"t1": "9", "t2": "8"})
        for r in kind("a", [1.0, 1.0])
    ]
    found = judge_comparison(compared(*kind("a", [0.1, 0.11]), *other))
    assert found.sentence.startswith("4 runs of 2 kinds, of different texts, at cycle 2: ")
    assert "of different texts, are not tested against each other" in found.sentence
    assert found.claims[0].p is None


def test_runs_without_a_common_cycle_say_so() -> None:
    found = judge_comparison(compared(run("a", kept=(0, 1)), run("b", kept=(0, 2), encoder="linear")))
    assert found.sentence.startswith("2 runs that kept no cycle in common but the first: ")
    found = judge_comparison(compared(run("a", kept=(1,)), run("b", kept=(2,), encoder="linear")))
    assert found.sentence.startswith("2 runs that kept no cycle in common: ")
    assert all(claim.value is not None for claim in found.claims)


def test_the_runs_are_asked_the_same_only_if_the_same_is_held_out() -> None:
    one = run("a")
    other = ComparedRun("b", Analysis(**{**vars(one.analysis), "corpus": corpus(7)}))
    assert compared(one, run("b")).same_questions
    assert not compared(one, other).same_questions


def test_the_best_cycle_is_the_first_of_the_best() -> None:
    losses = {0: 2.0, 1: 2.0, 2: 1.0, 3: 0.5, 4: 0.4}
    one = run(losses=losses, kept=(0, 1, 3), mrr=(0.3, 0.4, 0.6, 0.6, 0.2), loops=(2.0, 3.0, 5.0))
    best = best_cycle(one)
    assert best is not None
    assert (best.cycle, best.held_out, best.untrained, best.last) == pytest.approx((2, 0.6, 0.3, 0.2))
    assert best.loss == 0.5
    # Between 3 at cycle 1 and 5 at cycle 3, along log(1 + cycle).
    share = np.log(3 / 2) / np.log(4 / 2)
    assert best.loops == pytest.approx((3 + 2 * share) / 2)
    assert best_cycle(run()) is None


def test_every_quantity_has_a_series() -> None:
    assert set(run().values) == set(QUANTITIES)
