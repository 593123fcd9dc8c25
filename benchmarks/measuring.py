"""What several benchmarks measure."""

from pathlib import Path


def megabytes(name: str = "VmHWM") -> float:
    """Memory of this process, now (VmRSS) or at most so far (VmHWM)."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def held_out_mrr(line: dict) -> float:
    """Mean of both directions, of a line of metrics.jsonl."""
    return (line["held_out_mrr_1to2"] + line["held_out_mrr_2to1"]) / 2
