"""Cost of persistent homology by number of points and degree, and the fits that topores estimates it by.

    python benchmarks/homology_cost.py                      # all sizes below, some minutes on one core
    python benchmarks/homology_cost.py --points FILE.npy    # your own rows, as far as they suffice
    python benchmarks/homology_cost.py --kinds              # clouds of several kinds: measured time over estimate

The table of --kinds stands in benchmarks/results/homology_cost.json. Its estimates look at the distances: parts of the
cloud are tried first. The last column compares with the estimate by the number of points alone. In the table, times of
an earlier run stand beside the present estimates; of 1,400 points, only the slowest kind was measured.

Each size runs in a separate process on one thread: CPU seconds (minimum of up to five runs) and peak memory above that
of the process before. Without --points, the clouds are unit rows in 384 columns whose k-th column has standard
deviation k ** -0.5. Sentences embedded by all-MiniLM-L6-v2 took 0.7 to 1.4 times the time and 0.7 to 1.0 times the
memory of these. The fits printed at the end are those in topores/topology/estimates.py. Linux only: it reads /proc.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

# Set before numpy is imported, which reads it once.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from topores.topology import persistent_homology
from topores.topology.engines import TREE
from topores.topology.estimates import Law, estimate, trial

MOST_SECONDS = 300
"""Estimated seconds above which a cloud is left out of the comparison of kinds."""

KINDS = Path(__file__).parent / "results" / "homology_cost.json"

SIZES = {
    TREE: {0: (2000, 5000, 10000, 20000, 50000)},
    "redzed": {
        0: (500, 1000, 2000, 5000),
        1: (200, 500, 1000, 2000, 5000, 8000),
        2: (50, 100, 200, 400),
        3: (30, 60, 100, 150),
    },
    "ripser": {0: (500, 1000, 2000), 1: (200, 500, 1000), 2: (50, 100, 200), 3: (30, 50, 70)},
}
COLUMNS, DECAY = 384, 0.5
RUNS, ENOUGH_SECONDS = 5, 0.5
LEAST_MEMORY = 2**20
"""Bytes below which memory is not measured reliably, because of pages the process already had."""


def main() -> None:
    arguments = _arguments()
    if arguments.measure:
        engine, degree, points = arguments.measure
        print(json.dumps(_measure(engine, int(degree), _cloud(int(points), arguments.points))))
        return
    if arguments.kinds:
        _compare_kinds()
        return
    laws = []
    most = len(np.load(arguments.points, mmap_mode="r")) if arguments.points else np.inf
    print(f"{'engine':>13} {'degree':>6} {'points':>6} {'seconds':>9} {'estimate':>9} {'MB':>7} {'estimate':>9}")
    for engine, degrees in SIZES.items():
        for degree, sizes in degrees.items():
            sizes = tuple(size for size in sizes if size <= most)
            seen = {size: _in_process(engine, degree, size, arguments.points) for size in sizes}
            if len(seen) > 2:
                laws.append(f"{engine}, degree {degree}: Cost({_law(seen, 'seconds')}, {_law(seen, 'bytes')})")
    print(*laws, sep="\n")


def _kinds(points: int) -> dict[str, tuple[np.ndarray, str]]:
    """Clouds of that size, each with its metric: like texts, uniform, clustered, on grids."""
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(10, COLUMNS))[draw.integers(0, 10, points)]
    side = {dim: int(np.ceil(points ** (1 / dim))) for dim in (2, 3)}
    return {
        "text": (_cloud(points, None), "angle"),
        "uniform, 384 columns": (draw.normal(size=(points, COLUMNS)), "angle"),
        "uniform, 64 columns": (draw.normal(size=(points, 64)), "angle"),
        "uniform, 8 columns": (draw.normal(size=(points, 8)), "angle"),
        "uniform cube, 384 columns": (draw.uniform(size=(points, COLUMNS)), "euclidean"),
        "clusters": (centres + 0.5 * draw.normal(size=(points, COLUMNS)), "angle"),
        "tight clusters": (centres + 0.05 * draw.normal(size=(points, COLUMNS)), "angle"),
        "grid, 2 columns": (np.argwhere(np.ones((side[2],) * 2))[:points].astype(float), "euclidean"),
        "grid, 3 columns": (np.argwhere(np.ones((side[3],) * 3))[:points].astype(float), "euclidean"),
    }


def _compare_kinds() -> None:
    """Measured time of degree 1 over its estimates, by kind and size."""
    lines = []
    print(f"{'kind':>26} {'points':>6} {'seconds':>9} {'over estimate':>13} {'over that of texts':>18}")
    for points in (200, 500, 1000, 1400, 2000):
        for kind, (rows, metric) in _kinds(points).items():
            guess = estimate(points, tried=trial(rows, metric=metric)).seconds
            if guess > MOST_SECONDS:
                print(f"{kind:>26} {points:>6} left out: about {guess:.0f} seconds by the estimate", flush=True)
                continue
            seconds: list[float] = []
            while len(seconds) < RUNS and sum(seconds) < ENOUGH_SECONDS:
                started = time.process_time()
                persistent_homology(rows, metric=metric)
                seconds.append(time.process_time() - started)
            seen = min(seconds)
            line = {"kind": kind, "points": points, "seconds": round(seen, 4)}
            line |= {"over_estimate": round(seen / guess, 2), "over_texts": round(seen / estimate(points).seconds, 2)}
            lines.append(line)
            print("{kind:>26} {points:>6} {seconds:>9} {over_estimate:>13} {over_texts:>18}".format(**line), flush=True)
            KINDS.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")


def _in_process(engine: str, degree: int, points: int, rows: Path | None) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", engine, str(degree), str(points)]
    command += ["--points", str(rows)] if rows else []
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    guess = estimate(points, max_degree=degree, engine=_argument(engine))
    print(
        f"{engine:>13} {degree:>6} {points:>6} {seen['seconds']:>9.3f} {guess.seconds:>9.3f} "
        f"{seen['bytes'] / 1e6:>7.1f} {guess.bytes / 1e6:>9.1f}",
        flush=True,
    )
    return seen


def _measure(engine: str, degree: int, rows: np.ndarray) -> dict[str, float]:
    persistent_homology(rows[:10], max_degree=degree, engine=_argument(engine))
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # reset the peak memory
    seconds: list[float] = []
    peak = 0
    while len(seconds) < RUNS and sum(seconds) < ENOUGH_SECONDS:
        started = time.process_time()
        persistent_homology(rows, max_degree=degree, engine=_argument(engine))
        seconds.append(time.process_time() - started)
        peak = peak or _memory("VmHWM")
    return {"seconds": min(seconds), "bytes": float(peak - before)}


def _argument(engine: str) -> str:
    """The engine argument; "auto" selects the spanning tree."""
    return "auto" if engine == TREE else engine


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])


def _cloud(points: int, rows: Path | None) -> np.ndarray:
    if rows:
        return np.load(rows)[:points]
    drawn = np.random.default_rng(0).normal(size=(points, COLUMNS)) * np.arange(1, COLUMNS + 1) ** -DECAY
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def _law(seen: dict[int, dict[str, float]], name: str) -> str:
    """A log-log linear fit, written as in estimates.py: the value at the largest size, and the exponent."""
    measured = {n: found[name] for n, found in seen.items() if name == "seconds" or found["bytes"] > LEAST_MEMORY}
    sizes, values = np.array(list(measured)), np.array(list(measured.values()))
    power, level = np.polyfit(np.log(sizes), np.log(values), 1)
    at = int(sizes[-1])
    return str(Law(at, float(f"{np.exp(level) * at**power:.3g}"), round(float(power), 2)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", action="store_true", help="compare estimates with clouds of several kinds")
    parser.add_argument("--points", type=Path, help="a .npy file of rows")
    parser.add_argument(
        "--measure", nargs=3, metavar=("ENGINE", "DEGREE", "POINTS"), help="measure one size in this process"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
