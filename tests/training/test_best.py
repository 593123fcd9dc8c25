"""The best cycle has the greatest held-out MRR, the first of equal ones; what was the best before goes, no more."""

from pathlib import Path

import pytest

from topores.runs import Run, held_out_mrr
from topores.training.best import Best


def line(cycle: int, mrr: float | None, other_way: float | None = None) -> dict:
    return {"cycle": cycle, "held_out_mrr_1to2": mrr, "held_out_mrr_2to1": mrr if other_way is None else other_way}


def run_of(folder: Path, *mrrs: float | None) -> Run:
    """A run that has logged a cycle for each number and kept every checkpoint."""
    run = Run(folder)
    for cycle, mrr in enumerate(mrrs):
        run.append_metrics(line(cycle, mrr))
        run.checkpoint_path(cycle).mkdir(parents=True)
    return run


def nothing_scheduled(cycle: int) -> bool:
    return cycle < 0


@pytest.mark.parametrize(
    ("mrrs", "best"),
    [((0.3, 0.5, 0.5, 0.4), 1), ((0.5, 0.3), 0), ((None, None), None), ((None, 0.2), 1), ((0.0, 0.0), 0), ((), None)],
)
def test_the_best_of_a_run(tmp_path: Path, mrrs: tuple, best: int | None) -> None:
    found = run_of(tmp_path, *mrrs).best
    assert (found and found["cycle"]) == best


def test_both_directions_count_the_same() -> None:
    assert held_out_mrr(line(0, 0.2, 0.6)) == pytest.approx(0.4)
    assert held_out_mrr({"cycle": 0, "held_out_mrr_1to2": None, "held_out_mrr_2to1": 0.6}) == 0.6
    assert held_out_mrr({"cycle": 0}) is None


def test_only_what_is_better_than_all_before_is_kept(tmp_path: Path) -> None:
    best = Best(Run(tmp_path), nothing_scheduled, asked=True)
    mrrs = (0.3, 0.3, 0.2, 0.4, None, 0.35, 0.41)
    assert [best.see(line(c, mrr)) for c, mrr in enumerate(mrrs)] == [True, False, False, True, False, False, True]


def test_a_resumed_run_counts_on(tmp_path: Path) -> None:
    best = Best(run_of(tmp_path, 0.3, 0.5), nothing_scheduled, asked=True)
    assert [best.see(line(2, 0.5)), best.see(line(3, 0.51))] == [False, True]


def test_what_was_the_best_once_is_removed_and_what_belongs_to_later_cycles(tmp_path: Path) -> None:
    # 0, 1 and 3 were the best once, and 0 is untrained; 2 was kept as the end of a shorter run.
    run = run_of(tmp_path, 0.1, 0.2, 0.15, 0.3, 0.4, 0.2)
    for cycle in (9, 10):
        run.checkpoint_path(cycle).mkdir()
    Best(run, lambda cycle: cycle in (1, 10), asked=True).settle()
    assert list(run.checkpoints) == [0, 1, 2, 4, 5, 10]


def test_nobody_asked(tmp_path: Path) -> None:
    run = run_of(tmp_path, 0.1, 0.2, 0.3)
    best = Best(run, nothing_scheduled, asked=False)
    best.settle()
    assert not best.see(line(3, 0.9))
    assert list(run.checkpoints) == [0, 1, 2]
