"""Peak memory of measuring one cloud, and of the RTD of two, by number of points.

    python benchmarks/analysis_memory.py                    # the table in benchmarks/results/analysis_memory.json

Each line runs in a process of its own, on one thread. The clouds are unit rows in 256 columns with the spectrum of
sentence embeddings. `bytes_per_pair` is the peak over the square of the number of points: OF_RTD in
topores/analysis/memory.py, and OF_GEOMETRY together with the homology of the cloud itself
(topores/topology/estimates.py). Linux only: it reads /proc.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

# Set before numpy is imported, which reads it once.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from topores.analysis.cells import Protocol, measure_cloud
from topores.analysis.memory import OF_GEOMETRY, OF_RTD
from topores.topology import rtd
from topores.topology.estimates import estimate

RESULTS = Path(__file__).parent / "results" / "analysis_memory.json"
SIZES = (1000, 2000, 4000)
COLUMNS = 256
PROTOCOL = Protocol("angle", 1, 5000, 20, 500, 0, 0)


def main() -> None:
    if len(sys.argv) == 3:
        print(_measure(sys.argv[1], int(sys.argv[2])))
        return
    lines = []
    for what in ("cloud", "rtd"):
        for points in SIZES:
            done = subprocess.run(
                [sys.executable, __file__, what, str(points)], capture_output=True, text=True, check=True
            )
            seen = int(done.stdout)
            counted = OF_RTD * points**2 if what == "rtd" else estimate(points).bytes + OF_GEOMETRY * points**2
            line = {"what": what, "points": points, "bytes": seen, "bytes_per_pair": round(seen / points**2, 1)}
            lines.append(line | {"over_estimate": round(seen / counted, 2)})
            print(lines[-1], flush=True)
    RESULTS.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")


def _measure(what: str, points: int) -> int:
    before, after = (_cloud(points, seed) for seed in (0, 1))
    rtd(before[:20], after[:20])
    held = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # reset the peak memory
    if what == "rtd":
        rtd(before, 0.9 * before + 0.1 * after)
    else:
        measure_cloud(PROTOCOL, before)
    return _memory("VmHWM") - held


def _cloud(points: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(points, COLUMNS)) * np.arange(1, COLUMNS + 1) ** -0.5
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])


if __name__ == "__main__":
    main()
