"""Training takes no more memory after many steps than after a few."""

import gc
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from topores import train
from topores.text.batches import Batches
from topores.training.state import Progress

WARM_UP = 300
"""Steps until allocators, caches and lazy imports have what they need."""
PER_CYCLE = 15
"""Batches that two passages at a time make of the tiny texts."""

RESIDENT = Path("/proc/self/statm")
pytestmark = pytest.mark.skipif(not RESIDENT.is_file(), reason="reads /proc")


class Watch:
    """Stands where the loop asks, after every step, whether to stop."""

    def __init__(self) -> None:
        self.steps = 0
        self.megabytes: dict[int, float] = {}
        self.blocks: dict[int, int] = {}
        self.most_losses = 0
        self.progress: Progress | None = None

    def __call__(self) -> bool:
        self.steps += 1
        if self.steps == WARM_UP:
            (self.progress,) = (found for found in gc.get_objects() if type(found) is Progress)
        if self.progress:
            self.most_losses = max(self.most_losses, len(self.progress.losses))
        if self.steps >= WARM_UP and self.steps % 100 == 0:
            gc.collect()
            self.megabytes[self.steps] = int(RESIDENT.read_text().split()[1]) * resource.getpagesize() / 1e6
            # All small objects of Python: floats too, of which a leak would be too small to be seen in megabytes.
            self.blocks[self.steps] = sys.getallocatedblocks()
        return False

    @contextmanager
    def stop_asked(self) -> Iterator[Callable[[], bool]]:
        yield self


@pytest.mark.parametrize("steps", [67 * PER_CYCLE, pytest.param(667 * PER_CYCLE, marks=pytest.mark.slow)])
def test_memory_is_flat(
    steps: int, tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch()
    monkeypatch.setattr("topores.training.assemble.stop_asked", watch.stop_asked)
    # As in cycles 100 to 1,000 of a long run: else what a line of metrics keeps would hide what a step does.
    monkeypatch.setattr("topores.training.loop.logged_cycles", lambda _, kept: lambda n: n % 10 == 0 or kept(n))
    article, meta_analysis = two_texts
    run = train(
        article=article, meta_analysis=meta_analysis, model=str(tiny_model), device="cpu", passage_tokens=16,
        batch_size=2, cycles=steps // PER_CYCLE, checkpoints="none", learning_rate=1e-5, output=tmp_path / "run",
    )  # fmt: skip
    assert Batches(run.corpus, 2, 0).per_cycle == PER_CYCLE
    assert watch.steps == steps
    seen = sorted(watch.megabytes)
    half = len(seen) // 2
    megabytes, blocks = ([by[step] for step in seen] for by in (watch.megabytes, watch.blocks))
    # The least of each half: what stays when what is temporary is gone.
    grown = min(megabytes[half:]) - min(megabytes[:half])
    objects, between = min(blocks[half:]) - min(blocks[:half]), seen[half] - seen[0]
    print(f"{steps} steps: {megabytes[0]:.1f} MB after {seen[0]}, {megabytes[-1]:.1f} MB at the end; ", end="")
    print(f"{grown:+.2f} MB and {objects:+} objects in {between} steps")
    assert grown < 4
    # One that stays for each step would be twice as many; a logged cycle's line may stay, in every 150th step.
    assert objects < 300 + between / 2
    assert watch.most_losses < PER_CYCLE
