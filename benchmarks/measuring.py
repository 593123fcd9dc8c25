"""Measurements shared by several benchmarks."""

import time
from collections.abc import Callable
from pathlib import Path


def megabytes(name: str = "VmHWM") -> float:
    """Memory of this process in MB: current (VmRSS) or peak (VmHWM)."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def held_out_mrr(line: dict) -> float:
    """Held-out MRR of a line of metrics.jsonl, averaged over both directions."""
    return (line["held_out_mrr_1to2"] + line["held_out_mrr_2to1"]) / 2


def alternate(sides: dict[str, Callable[[], object]], repeats: int, cycles: int = 1) -> dict[str, list[float]]:
    """Seconds per cycle of each side in every round, alternating, after one warm-up round."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats + 1):
        for name, side in sides.items():
            began = time.perf_counter()
            for _ in range(cycles):
                side()
            taken[name].append((time.perf_counter() - began) / cycles)
    return {name: each[1:] for name, each in taken.items()}
