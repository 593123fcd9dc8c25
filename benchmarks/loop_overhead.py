"""Overhead of a step besides the objective, the gradient and the optimizer: batches, seeds, checks, bookkeeping.

    python benchmarks/loop_overhead.py

Trains on the sample texts as `topores train` does, with small batches so that there are many steps, and subtracts from
the time between two steps the time in the objective (including the encoder), the backward pass and the optimizer.
Logged cycles are left out because they include evaluation.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch

from topores import train
from topores.objectives.four_pairings import FourPairings
from topores.training import loop
from topores.training.views import Views

SAMPLE = Path(__file__).parent.parent / "data" / "sample"


def main() -> None:
    inside = [0.0]
    overhead: list[float] = []

    def add_timer(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                inside[0] += time.perf_counter() - started

        return wrapper

    FourPairings.forward = add_timer(FourPairings.forward)  # type: ignore[method-assign]
    Views.backward = add_timer(Views.backward)  # type: ignore[method-assign]
    torch.optim.AdamW.step = add_timer(torch.optim.AdamW.step)  # type: ignore[method-assign]
    torch.optim.AdamW.zero_grad = add_timer(torch.optim.AdamW.zero_grad)  # type: ignore[method-assign]
    step = loop.take_step

    def timed_step(trainee: loop.Trainee) -> dict[str, float]:
        inside[0] = 0.0
        started = time.perf_counter()
        losses = step(trainee)
        overhead.append(time.perf_counter() - started - inside[0])
        return losses

    loop.take_step = timed_step
    with tempfile.TemporaryDirectory() as folder:
        train(
            article=SAMPLE / "article.md", meta_analysis=SAMPLE / "meta_analysis.md", batch_size=2, cycles=2,
            checkpoints="none", output=Path(folder) / "run",
        )  # fmt: skip
    milliseconds = 1000 * np.array(overhead)
    print(
        f"{len(overhead)} steps: {np.median(milliseconds):.2f} ms overhead per step (median), "
        f"{np.quantile(milliseconds, 0.9):.2f} ms (90 % quantile)"
    )


if __name__ == "__main__":
    main()
