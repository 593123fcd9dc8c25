"""Each fault fires on what it is named after, and on nothing that a healthy run does."""

import logging
from typing import Any

import numpy as np
import pytest
import torch

from topores import outcomes
from topores.config import FAILURES, LOSSES
from topores.errors import FailedOn
from topores.objectives.four_pairings import four_pairings
from topores.topology import alignment, rank_me, uniformity
from topores.training import monitors
from topores.training.monitors import Fault, Gain, Watch, faults, stop_if

UNTRAINED = {
    "cycle": 0, "loss": 3.1, "one_minus_p": 0.6, "temperature": 0.05,
    "alignment": 0.79, "uniformity": -2.4, "rank_me": 135.0,
    "train_mrr_1to2": 0.2, "train_mrr_2to1": 0.2, "held_out_mrr_1to2": 0.3, "held_out_mrr_2to1": 0.3,
}  # fmt: skip

SAMPLE = [
    (0, .832, .875, -2.36, 73), (1, .988, .875, -2.57, 75), (2, 1., .907, -2.83, 76), (3, 1., .907, -3.04, 77),
    (4, 1., .836, -3.19, 78), (5, 1., .836, -3.30, 78), (12, 1., .767, -3.50, 79), (20, 1., .770, -3.54, 79),
]  # fmt: skip
"""Cycle, training and held-out MRR, uniformity and RankMe of 20 cycles of `full` on the sample pair."""

MATCHED = [(0, -2.40, 135), (1, -2.20, 132), (2, -2.02, 130)]
"""Cycle, uniformity and RankMe of the first cycles on 114 pairs of studies and their reviews: the space contracts."""


def line(cycle: int, **changed: Any) -> dict[str, Any]:
    return {**UNTRAINED, "cycle": cycle, **changed}


def mrrs(train: float, held_out: float | None) -> dict[str, Any]:
    both = [("train", train), ("held_out", held_out)]
    return {f"{split}_mrr_{way}": value for split, value in both for way in ("1to2", "2to1")}


SAMPLE_LINES = [line(c, uniformity=u, rank_me=float(r), **mrrs(train, held)) for c, train, held, u, r in SAMPLE]
MATCHED_LINES = [line(c, uniformity=u, rank_me=float(r)) for c, u, r in MATCHED]


def names(found: list[Fault]) -> list[str]:
    return [fault.name for fault in found]


def test_the_names_are_those_of_fail_on() -> None:
    everything = line(2, uniformity=-0.1, one_minus_p=1e-6, **mrrs(1.0, 0.1))
    found = faults([UNTRAINED, everything], lambda: WORSE)
    assert sorted(names(found)) == sorted(FAILURES.values())
    assert all("\n" not in fault.sentence and fault.sentence.endswith(".") for fault in found)
    assert all(fault.sentence.startswith(f"{fault.name.capitalize()} at cycle 2: ") for fault in found)


def test_no_line_has_no_fault_and_the_untrained_encoder_neither() -> None:
    assert faults([]) == []
    assert faults([UNTRAINED]) == []


class TestCollapsed:
    def space(self, spread: float, directions: int = 384) -> dict[str, float]:
        """200 unit rows in a cone around one direction, or on a few directions without one."""
        rng = np.random.default_rng(0)
        rows = np.zeros((200, 384))
        rows[:, :directions] = spread * rng.normal(size=(200, directions)) / np.sqrt(directions)
        rows += rng.normal(size=384) / np.sqrt(384) if directions == 384 else 0
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return {"uniformity": uniformity(rows), "rank_me": rank_me(rows)}

    # A spread of 1 is what an untrained encoder has: uniformity about -2, mean cosine .5.
    @pytest.mark.parametrize(
        ("now", "told"),
        [
            ((1.0,), None),  # untouched
            ((3.0,), None),  # wider
            ((0.7,), None),  # contracted as under shuffled pairs: -1.3
            ((0.2,), "uniformity"),  # nearly one place, though of many directions still
            ((1.0, 8), "RankMe"),  # wider than before, but flat
            ((0.02,), "uniformity"),
            ((0.02,), "RankMe"),  # both are told
        ],
    )
    def test_made_spaces(self, now: tuple, told: str | None) -> None:
        found = faults([line(0, **self.space(1.0)), line(5, **self.space(*now))])
        assert names(found) == (["collapsed"] if told else [])
        assert all(f"{told} is " in fault.sentence for fault in found)

    @pytest.mark.parametrize("text", ["t1", "t2"])
    def test_of_one_text_alone(self, text: str) -> None:
        """The verdict calls it a collapse, so the watch does; all passages together are still wide."""
        was = {"uniformity_t1": -2.4, "uniformity_t2": -2.3, "rank_me_t1": 60.0, "rank_me_t2": 60.0}
        found = faults([line(0, **was), line(1, **{**was, f"uniformity_{text}": -0.1})])
        assert names(found) == ["collapsed"]
        assert f"uniformity of {text.upper()} is -0.10 (-2." in found[0].sentence
        assert not faults([line(0, **was), line(1, **was)])

    def test_each_measure_sees_what_the_other_does_not(self) -> None:
        start, cone, flat = self.space(1.0), self.space(0.2), self.space(1.0, directions=8)
        assert cone["rank_me"] > start["rank_me"] / 4
        assert flat["uniformity"] < start["uniformity"]

    def test_an_encoder_that_is_narrow_from_the_start_may_stay_so(self) -> None:
        assert faults([line(0, uniformity=-0.4), line(9, uniformity=-0.3)]) == []
        assert names(faults([line(0, uniformity=-0.4), line(9, uniformity=-0.1)])) == ["collapsed"]

    def test_shuffled_pairs_contract_the_space_for_a_while(self) -> None:
        # Full fine-tuning, 114 pairs: to less than half of its start at cycle 2, and -3.60 ten cycles later.
        assert faults([line(0, uniformity=-2.70), line(2, uniformity=-1.31)]) == []

    @pytest.mark.parametrize("lines", [SAMPLE_LINES, MATCHED_LINES])
    def test_real_runs_do_not_collapse(self, lines: list) -> None:
        for end in range(1, len(lines) + 1):
            assert "collapsed" not in names(faults(lines[:end]))


class TestStalled:
    still = line(9, one_minus_p=2e-5, alignment=0.61, **mrrs(1.0, 0.4))

    def test_little_gradient_and_partners_apart(self) -> None:
        (found,) = faults([UNTRAINED, self.still])
        assert found.name == "stalled"
        assert "2.0e-05" in found.sentence
        assert "alignment 0.61" in found.sentence
        assert "--temperature" in found.sentence
        assert "--loss decoupled" in found.sentence

    @pytest.mark.parametrize(
        "changed",
        [
            {"one_minus_p": 2e-3},
            {"one_minus_p": None},
            {"alignment": 0.02, **mrrs(1.0, 1.0)},  # partners are one, and all is found: done
            {"alignment": 0.02, **mrrs(1.0, None)},  # the same with nothing held out
        ],
    )
    def test_not(self, changed: dict) -> None:
        assert faults([UNTRAINED, {**self.still, **changed}]) == []

    def test_questions_that_are_missed_are_enough(self) -> None:
        assert names(faults([UNTRAINED, {**self.still, "alignment": 0.02}])) == ["stalled"]

    def test_lines_of_an_older_run_have_no_one_minus_p(self) -> None:
        lines = [{k: v for k, v in one.items() if k != "one_minus_p"} for one in (UNTRAINED, self.still)]
        assert faults(lines) == []

    @pytest.mark.parametrize("loss", LOSSES)
    def test_fires_for_the_losses_whose_gradient_vanishes_and_no_other(self, loss: str) -> None:
        rows = two_texts_apart()
        told = four_pairings(*rows, temperature=0.03, loss=loss)
        told.total.backward()
        pull = sum(along_the_sphere(r).square().sum() for r in rows).sqrt().item()
        now = line(
            9,
            one_minus_p=told.one_minus_p.item(),
            alignment=alignment(rows[0].detach().numpy(), rows[2].detach().numpy()),
        )
        assert now["one_minus_p"] < outcomes.STILL
        assert now["alignment"] > monitors.APART
        assert names(faults([UNTRAINED, now], loss=loss)) == (["stalled"] if pull < 0.01 else [])


def two_texts_apart() -> list[torch.Tensor]:
    """Two views of 8 passages of two texts: a squared distance of about 1 between partners, near 2 between others."""
    generator = torch.Generator().manual_seed(0)
    axes = torch.linalg.qr(torch.randn(64, 64, generator=generator))[0]
    views = []
    for side in (1, 1, -1, -1):
        rows = axes[:8] + side * 0.6 * axes[8:16] + 0.01 * torch.randn(8, 64, generator=generator)
        views.append(torch.nn.functional.normalize(rows, dim=1).requires_grad_())
    return views


def along_the_sphere(rows: torch.Tensor) -> torch.Tensor:
    assert rows.grad is not None
    return rows.grad - (rows.grad * rows).sum(dim=1, keepdim=True) * rows


EXCLUDED, WORSE, OPEN = (
    Gain(0.0, -0.03, 0.019, 10), Gain(-0.1, -0.2, -0.01, 6), Gain(-0.1, -0.3, 0.1, 10),
)  # fmt: skip
"""Gains of unseen partners."""


class TestMemorised:
    @pytest.mark.parametrize("gain", [EXCLUDED, WORSE])
    def test_training_pairs_found_and_a_gain_for_unseen_ones_excluded(self, gain: Gain) -> None:
        lines = [UNTRAINED, line(1, **mrrs(0.92, 0.4)), line(2, **mrrs(0.98, 0.25))]
        (found,) = faults(lines, lambda: gain)
        assert found.name == "memorised"
        interval = f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
        for part in ("from 0.200 to 0.980", interval, "only to cycle 1", "0.400"):
            assert part in found.sentence

    @pytest.mark.parametrize(
        ("was", "now", "gain"),
        [
            ((0.2, 0.3), (0.95, 0.2), OPEN),  # too little is known
            ((0.2, 0.3), (0.95, 0.2), None),
            ((0.2, 0.3), (0.95, 0.3), Gain(0.0, 0.0, 0.0, 9)),  # nine pairs that kept their ranks
            ((0.2, 0.3), (0.89, 0.2), WORSE),  # not almost perfectly
            ((0.92, 0.3), (0.95, 0.2), WORSE),  # found from the start, and little more now
            ((1.0, 0.3), (1.0, 0.2), WORSE),  # nothing to find
            ((0.2, 0.99), (0.9, 0.99), EXCLUDED),  # nothing to improve
            ((0.2, None), (0.9, None), None),  # nothing held out
        ],
    )
    def test_not(self, was: tuple, now: tuple, gain: Gain | None) -> None:
        assert faults([line(0, **mrrs(*was)), line(1, **mrrs(*now))], lambda: gain) == []

    def test_the_gain_is_asked_only_where_it_could_decide(self) -> None:
        asked: list[int] = []
        for train in (0.5, 0.95):
            faults([UNTRAINED, line(1, **mrrs(train, 0.2))], lambda: asked.append(1) or OPEN)
        assert len(asked) == 1

    def test_no_better_cycle_than_none(self) -> None:
        (found,) = faults([UNTRAINED, line(1, **mrrs(0.9, 0.1))], lambda: WORSE)
        assert "no cycle was better" in found.sentence


class TestWatch:
    cold, warm = line(1, one_minus_p=1e-6), line(1)

    def said(self, watch: Watch, lines: list[dict], caplog: pytest.LogCaptureFixture) -> list[int]:
        """How often something was said at each line."""
        counts = []
        for one in lines:
            caplog.clear()
            watch.see(one)
            counts.append(sum(record.levelno == logging.WARNING for record in caplog.records))
        return counts

    def test_says_a_fault_when_it_begins_and_when_it_begins_anew(self, caplog: pytest.LogCaptureFixture) -> None:
        lines = [UNTRAINED, self.cold, self.cold, self.warm, self.cold, self.cold]
        assert self.said(Watch(), lines, caplog) == [0, 1, 0, 0, 1, 0]
        self.said(Watch(), lines[:2], caplog)
        assert caplog.messages == [faults(lines[:2])[0].sentence]

    def test_a_resumed_run_does_not_repeat_it(self, caplog: pytest.LogCaptureFixture) -> None:
        assert self.said(Watch([UNTRAINED, self.cold]), [self.cold, self.warm, self.cold], caplog) == [0, 0, 1]

    def test_another_fault_is_said_beside_one_that_stands(self, caplog: pytest.LogCaptureFixture) -> None:
        both = {**self.cold, "uniformity": -0.1}
        assert self.said(Watch([UNTRAINED, self.cold]), [both, both], caplog) == [1, 0]
        assert "Collapsed" not in caplog.text

    def test_returns_all_that_is_wrong_whether_said_or_not(self) -> None:
        watch = Watch([UNTRAINED, self.cold])
        assert names(watch.see(self.cold)) == ["stalled"]
        assert watch.see(self.warm) == []

    def test_knows_the_loss(self) -> None:
        assert Watch([UNTRAINED], loss="decoupled").see(self.cold) == []

    def test_the_gain_is_that_of_ranks_since_the_first_line(self, caplog: pytest.LogCaptureFixture) -> None:
        """Ten pairs, each with two queries that fell from the second place to the fourth."""
        groups = np.tile(np.arange(10), 2)
        first, fallen = ({"1to2": [rank] * 10, "2to1": [rank] * 10} for rank in (2.0, 4.0))
        known = line(1, **mrrs(0.95, 0.5))
        whole = Watch(groups=groups)
        lines = (UNTRAINED, first), (known, first), (known | {"cycle": 2}, fallen)
        assert [names(whole.see(*one)) for one in lines] == [[], ["memorised"], ["memorised"]]
        assert "gain +0.000" in caplog.messages[0]
        resumed = Watch([UNTRAINED, known], {0: first, 1: fallen}, groups)
        (found,) = resumed.see(known | {"cycle": 2}, fallen)
        assert "gain -0.250 [-0.250, -0.250]" in found.sentence
        assert len(caplog.messages) == 1


class TestStopIf:
    found = (Fault("collapsed", "Collapsed so."), Fault("memorised", "Memorised so."))

    def test_a_named_fault_ends_the_run_with_code_1(self) -> None:
        with pytest.raises(FailedOn, match=r"^Memorised so\. .*--fail-on") as stopped:
            stop_if(self.found, frozenset({"memorised", "stalled"}))
        assert stopped.value.exit_code == 1

    def test_others_do_not(self) -> None:
        stop_if(self.found, frozenset({"stalled"}))
        stop_if(self.found, frozenset())
        stop_if([], frozenset(FAILURES.values()))
