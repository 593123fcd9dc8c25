"""Speed of persistent homology, compared with existing libraries on the same clouds in one run.

    python benchmarks/topology_speed.py                                     # synthetic clouds similar to texts
    python benchmarks/topology_speed.py --rows FILE.jsonl article summary   # MiniLM's layers of real texts

CPU seconds on one thread, alternating, medians. Three parts:

one cloud     1000 points, loops: ripser (matrix, points), giotto-ph, gudhi, redzed alone, and topores.
the job       30 checkpoints x 7 layers x 20 bootstrap resamples of 1000 points: a loop of `ripser(X[rows])` compared
              with distances that are measured and ranked once per cloud and indexed for each resample. topores runs on
              a tenth of the clouds, the loop on one resample of each; both are extrapolated. To check that cost is
              proportional to the number of resamples, half of them are timed too.
RTD           both directions of 1000 points: giotto-ph on the matrix that the authors build, and topores.

Peers that are not installed are skipped with a message: pip install '.[bench]'.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import redzed_tda
from ripser import ripser
from scipy.spatial.distance import squareform

from topores.compute.files import write_json
from topores.topology import Filtration, pairwise_distances, persistent_homology, rtd
from topores.training.provenance import versions

CHECKPOINTS, LAYERS, RESAMPLES = 30, 7, 20

Side = Callable[[], object]


def main() -> None:
    arguments = _arguments()
    clouds = _clouds(arguments)
    result = {"clouds": arguments.rows[0].stem if arguments.rows else "made", "points": arguments.points,
              "versions": versions(), "machine": arguments.machine}  # fmt: skip
    parts = {
        "one_cloud": lambda: _one_cloud(clouds[-1][-1], arguments.repeats),
        "rtd": lambda: _rtd(clouds[0][-2], clouds[0][-1], arguments.repeats),
        "job": lambda: _job(clouds, arguments.resamples),
    }
    result |= {part: parts[part]() for part in arguments.parts}
    if arguments.output:
        write_json(arguments.output, result)


def _one_cloud(points: np.ndarray, repeats: int) -> dict[str, float]:
    matrix = pairwise_distances(points)
    pairs = squareform(matrix, checks=False)
    sides = {
        "ripser, matrix": lambda: ripser(matrix, distance_matrix=True),
        "ripser, points": lambda: ripser(points),
        "redzed bare, matrix": lambda: redzed_tda.rips(pairs, maxdim=1),
        "topores, matrix": lambda: persistent_homology(matrix, metric="precomputed"),
        "topores, points": lambda: persistent_homology(points),
        **_peers(matrix),
    }
    seconds = _cpu_medians(sides, repeats)
    ours = seconds["topores, matrix"]
    print(f"\none cloud of {len(points)} points, degree 1, CPU seconds")
    _print(seconds, ours)
    overhead = ours / seconds["redzed bare, matrix"] - 1
    print(f"  over the engine alone: {overhead:+.0%} (float64 births and deaths, checks, sorting)")
    return {**seconds, "overhead": overhead}


def _job(clouds: list[list[np.ndarray]], resamples: int) -> dict[str, float]:
    """CPU seconds of the whole job by both methods, extrapolated from a part of it."""
    draw = np.random.default_rng(0)
    loop, ours, first_half = [], 0.0, 0.0
    for points in (cloud for layers in clouds for cloud in layers):
        rows = [draw.integers(0, len(points), len(points)) for _ in range(resamples)]
        loop.append(_cpu(lambda: ripser(points[rows[0]])))  # noqa: B023  called at once
        started = time.process_time()
        filtration = Filtration(points)
        filtration.diagrams()
        built = time.process_time() - started
        half = _cpu(lambda: [filtration.diagrams(rows=r) for r in rows[: resamples // 2]])  # noqa: B023
        rest = _cpu(lambda: [filtration.diagrams(rows=r) for r in rows[resamples // 2 :]])  # noqa: B023
        ours += built + half + rest
        first_half += half / (half + rest)
    cells = len(loop)
    whole = CHECKPOINTS * LAYERS
    seconds = {
        "ripser(X[rows])": float(np.sum(loop)) * resamples * whole / cells,
        "topores": ours * whole / cells,
    }
    print(f"\n{CHECKPOINTS} checkpoints x {LAYERS} layers x {resamples} resamples, from {cells} clouds, CPU s")
    _print(seconds, seconds["topores"])
    spread = float(np.std(loop) / np.mean(loop))
    print(f"  half of the resamples took {first_half / cells:.0%} of their time; the loop's vary by {spread:.0%}")
    return {**seconds, "half": first_half / cells, "loop_spread": spread, "clouds": cells}


def _rtd(a: np.ndarray, b: np.ndarray, repeats: int) -> dict[str, float]:
    doubled = _doubled_matrix(a, b)
    # gudhi and ripser take minutes for the two thousand points of this matrix.
    peers = {name: side for name, side in _peers(doubled).items() if name.startswith("giotto")}
    once = _cpu_medians(peers, 1)
    twice = {f"{name} of one direction, twice": 2 * value for name, value in once.items()}
    seconds = twice | _cpu_medians({"topores": lambda: rtd(a, b)}, repeats)
    print(f"\nRTD of {len(a)} points, both directions, CPU seconds")
    _print(seconds, seconds["topores"])
    return seconds


def _doubled_matrix(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    one, other = (m / np.quantile(m, 0.9) for m in (pairwise_distances(x, "euclidean") for x in (a, b)))
    return np.block([[np.zeros_like(one), one], [one, np.minimum(one, other)]])


def _peers(matrix: np.ndarray) -> dict[str, Side]:
    sides: dict[str, Side] = {}
    try:
        from gph import ripser_parallel

        sides["giotto-ph, matrix"] = lambda: ripser_parallel(matrix, metric="precomputed", maxdim=1, n_threads=1)
    except ImportError:
        print("giotto-ph is not installed; skipped.")
    try:
        from gudhi.sklearn.rips_persistence import RipsPersistence

        gudhi = RipsPersistence(homology_dimensions=[0, 1], input_type="full distance matrix")
        sides["gudhi, matrix"] = lambda: gudhi.fit_transform([matrix])
    except ImportError:
        print("gudhi is not installed; skipped.")
    return sides


def _cpu_medians(sides: dict[str, Side], repeats: int) -> dict[str, float]:
    """Median CPU seconds of each side, alternating."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            taken[name].append(_cpu(side))
    return {name: float(np.median(seconds)) for name, seconds in taken.items()}


def _cpu(call: Side) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def _print(seconds: dict[str, float], ours: float) -> None:
    for name, value in seconds.items():
        print(f"  {name:36} {value:10.3f}   {value / ours:6.1f} times ours", flush=True)


def _clouds(arguments: argparse.Namespace) -> list[list[np.ndarray]]:
    """Clouds by checkpoint and layer: a tenth of the checkpoints, all layers."""
    draw = np.random.default_rng(0)
    states = max(1, CHECKPOINTS // 10) if arguments.checkpoints is None else arguments.checkpoints
    if not arguments.rows:
        return [[_synthetic_rows(draw, arguments.points) for _ in range(LAYERS)] for _ in range(states)]
    from topores.backbones.loading import open_model

    path, *columns = arguments.rows
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    texts = [str(line[str(column)]) for line in lines for column in columns]
    layers = open_model("all-MiniLM-L6-v2", "cpu").encode_layers(texts)
    # Other passages are used in place of other checkpoints: the clouds differ as much, without training.
    chosen = [draw.choice(len(texts), arguments.points, replace=False) for _ in range(states)]
    return [[layer[rows] for layer in layers] for rows in chosen]


def _synthetic_rows(draw: np.random.Generator, points: int) -> np.ndarray:
    """Synthetic unit rows in 384 dimensions around forty topics with few dominant directions, like embeddings."""
    topics = draw.normal(size=(40, 384))
    scale = np.arange(1, 385) ** -0.5
    rows = topics[draw.integers(0, 40, points)] * scale + draw.normal(size=(points, 384)) * scale
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", type=Path, metavar=("FILE", "COLUMN"))
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--checkpoints", type=int, help="how many of the 30 checkpoints; by default a tenth")
    parser.add_argument("--resamples", type=int, default=RESAMPLES)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--parts", nargs="+", default=["one_cloud", "rtd", "job"], help="the last takes ten minutes")
    parser.add_argument("--machine", default="", help="description of the machine, for the JSON")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
