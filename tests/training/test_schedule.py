"""Which cycles are kept and logged, by hand and up to a billion."""

import pytest

from topores.training.schedule import kept_cycles, logged_cycles


@pytest.mark.parametrize(
    ("spec", "cycles", "expected"),
    [
        ("log", 1, [0, 1]),
        ("log", 130, [0, 1, 2, 5, 10, 20, 50, 100, 130]),
        ("every:30", 100, [0, 30, 60, 90, 100]),
        ("0,10,100", 120, [0, 10, 100, 120]),
        ("1e1", 30, [10, 30]),
        ("none", 30, [30]),
    ],
)
def test_kept_cycles(spec: str, cycles: int, expected: list[int]) -> None:
    kept = kept_cycles(spec, cycles)
    assert [c for c in range(cycles + 1) if kept(c)] == expected


def test_a_billion_cycles_keep_few() -> None:
    kept = kept_cycles("log", 10**9)
    assert [10**k for k in range(10) if kept(10**k)] == [10**k for k in range(10)]
    assert not any(kept(10**9 - k) for k in range(1, 1000))


def test_logged_cycles_thin_out_by_decade() -> None:
    logged = logged_cycles(10**6, kept_cycles("none", 10**6))
    assert all(logged(c) for c in range(101))
    assert [c for c in range(1000, 1300) if logged(c)] == [1000, 1100, 1200]
    assert logged(10**6)


def test_every_kept_cycle_is_logged() -> None:
    kept = kept_cycles("7,1003", 2000)
    logged = logged_cycles(2000, kept)
    assert logged(1003)
    assert not logged(1004)
