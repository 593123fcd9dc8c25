"""Parallel work keeps its order and lets faults through."""

import pytest

from topores.compute.parallel import run_parallel


def test_results_come_in_the_order_of_the_items() -> None:
    assert run_parallel(lambda x: x * x, range(50), label="squares") == [x * x for x in range(50)]


def test_a_fault_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        run_parallel(lambda x: 1 / x, [1, 0], label="inverse")
