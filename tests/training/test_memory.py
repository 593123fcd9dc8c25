"""Training takes no more memory after many steps than after a few."""

import gc
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

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


@pytest.mark.slow
@pytest.mark.parametrize("steps", [67 * PER_CYCLE, 667 * PER_CYCLE])
def test_memory_is_flat(steps: int, tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path) -> None:
    # In a process of its own: the threads that other tests leave behind take memory too.
    command = [sys.executable, __file__, str(steps), str(tiny_model), *map(str, two_texts), str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    print(done.stdout)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["per_cycle"] == PER_CYCLE
    assert found["steps"] == steps
    assert found["grown_megabytes"] < 4
    # One that stays for each step would be twice as many; a logged cycle's line may stay, in every 150th step.
    assert found["grown_objects"] < 300 + found["between"] / 2
    assert found["most_losses"] < PER_CYCLE


def measure(steps: int, model: str, article: str, meta_analysis: str, output: Path) -> dict[str, float]:
    """What grew between the first and the second half of a training of `steps`."""
    from topores import train
    from topores.text.batches import Batches
    from topores.training import assemble, loop

    watch = Watch()
    assemble.stop_asked = watch.stop_asked
    # As in cycles 100 to 1,000 of a long run: else what a line of metrics keeps would hide what a step does.
    loop.logged_cycles = lambda _, kept: lambda n: n % 10 == 0 or kept(n)
    run = train(
        article=article, meta_analysis=meta_analysis, model=model, device="cpu", passage_tokens=16, batch_size=2,
        cycles=steps // PER_CYCLE, checkpoints="none", learning_rate=1e-5, output=output,
    )  # fmt: skip
    seen = sorted(watch.megabytes)
    half = len(seen) // 2
    megabytes, blocks = ([by[step] for step in seen] for by in (watch.megabytes, watch.blocks))
    return {
        "steps": watch.steps, "per_cycle": Batches(run.corpus, 2, 0).per_cycle, "most_losses": watch.most_losses,
        # The least of each half: what stays when what is temporary is gone.
        "grown_megabytes": min(megabytes[half:]) - min(megabytes[:half]),
        "grown_objects": min(blocks[half:]) - min(blocks[:half]), "between": seen[half] - seen[0],
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), *sys.argv[2:5], Path(sys.argv[5]))))
