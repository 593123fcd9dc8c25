"""Freed memory is kept, and given back to its usual ways; where there is no glibc, nothing happens."""

import resource
import sys

import pytest

from topores.compute.memory import keep_freed_memory, usual_memory

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")


@linux
def test_what_was_freed_is_had_again_without_asking_the_kernel() -> None:
    import torch

    def pages_asked_for() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        held = [torch.ones(40 * 2**20 // 4) for _ in range(4)]  # 40 MB each: the usual thresholds map them afresh
        asked = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
        del held
        return asked

    try:
        assert usual_memory()
        usual = min(pages_asked_for() for _ in range(5))
        if not usual:
            pytest.skip("what was freed is had again here without asking, whatever is set")
        assert keep_freed_memory()
        kept = min(pages_asked_for() for _ in range(8))
    finally:
        usual_memory()
    assert kept < usual / 10


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert not keep_freed_memory()
