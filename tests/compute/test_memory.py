"""Freed memory is kept, and the usual behaviour can be restored; without glibc nothing happens."""

import subprocess
import sys

import pytest

from topores.compute.memory import keep_freed_memory

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")

PAGES_ASKED_FOR = """
import resource, torch
from topores.compute.memory import keep_freed_memory, usual_memory

def pages_asked_for():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    held = [torch.ones(40 * 2**20 // 4) for _ in range(4)]  # 40 MB each: the usual thresholds map them afresh
    asked = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    del held
    return asked

assert usual_memory()
usual = min(pages_asked_for() for _ in range(5))
assert keep_freed_memory()
print(usual, min(pages_asked_for() for _ in range(8)))
"""
"""In a process of its own: one that has kept what was freed finds room there, whatever is set."""


@linux
def test_what_was_freed_is_had_again_without_asking_the_kernel() -> None:
    done = subprocess.run([sys.executable, "-c", PAGES_ASKED_FOR], capture_output=True, text=True, check=True)
    usual, kept = map(int, done.stdout.split())
    assert kept < usual / 10


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert not keep_freed_memory()
