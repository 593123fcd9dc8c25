"""Cost of an exact minimum spanning tree, compared with other exact methods on the same clouds.

    python benchmarks/spanning_tree.py --points 5000 20000
    python benchmarks/spanning_tree.py --cloud embeddings.npy      # also your own rows
    python benchmarks/spanning_tree.py --points 100000 --ways topores

The synthetic clouds resemble embeddings of text: low-dimensional clusters on the sphere in 384 dimensions, loose or
tight. Peers: Prim's algorithm with distances on the fly (which topores uses for small clouds), scipy on the distance
matrix, ripser with maxdim=0, and the trees of mlpack, hdbscan and fast_hdbscan if installed. Every method runs in a
separate process: CPU seconds of all threads, and peak memory above what it used after its imports, including the cloud.
A method is skipped if its matrices would not fit in --memory, and stopped after --limit seconds. All must find the same
total length.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from measuring import megabytes

DIM = 384
MATRICES = {"scipy": 3.5, "ripser": 2.0}
"""Peak memory of a method in float64 matrices of points x points, including copies and indices."""
TOLERANCE = 1e-5
"""Relative tolerance for a peer's total length: fast_hdbscan and ripser compute in float32."""


def main() -> None:
    arguments = _arguments()
    if arguments.child:
        print(json.dumps(_child(*arguments.child)))
        return
    from topores.compute.files import write_json
    from topores.training.provenance import versions

    result = {"versions": versions(), "machine": arguments.machine, "runs": []}
    with tempfile.TemporaryDirectory() as folder:
        for name, cloud in _clouds(arguments):
            path = Path(folder) / "cloud.npy"
            np.save(path, cloud)
            ways = _measure(path, cloud, arguments)
            run = {"cloud": name, "points": len(cloud), "dim": cloud.shape[1], "ways": ways}
            result["runs"].append(run)
            print(_describe(run), flush=True)
    if arguments.output:
        write_json(arguments.output, result)


def _clouds(arguments: argparse.Namespace) -> list[tuple[str, np.ndarray]]:
    made = [
        (f"{name} clusters", _cloud(points, clusters))
        for points in arguments.points
        for name, clusters in (("loose", max(1, points // 10)), ("tight", 100))
        if name in arguments.kinds
    ]
    return made + [(path.stem, np.load(path)) for path in arguments.cloud]


def _cloud(points: int, clusters: int, inner: int = 12) -> np.ndarray:
    """Unit rows in clusters of `inner` dimensions each, with centres in 40 dimensions, and a little noise."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(clusters, 40)) @ random.normal(size=(40, DIM)) / np.sqrt(40 * DIM)
    cluster = np.sort(random.integers(clusters, size=points))
    rows = np.empty((points, DIM), dtype=np.float32)
    for number, centre in enumerate(centres):
        here = cluster == number
        directions = random.normal(size=(inner, DIM)) / np.sqrt(DIM)
        rows[here] = centre + 0.3 * random.normal(size=(here.sum(), inner)) @ directions
    rows += 0.01 * random.standard_normal(size=rows.shape, dtype=np.float32)
    return random.permutation(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _measure(path: Path, cloud: np.ndarray, arguments: argparse.Namespace) -> dict[str, dict]:
    found: dict[str, dict] = {}
    for way in arguments.ways:
        needed = MATRICES.get(way, 0) * 8 * len(cloud) ** 2 / 2**30
        if needed > arguments.memory:
            found[way] = {"left_out": f"needs about {needed:.0f} GB"}
        elif way in ("mlpack", "hdbscan", "fast_hdbscan") and not find_spec(way):
            found[way] = {"left_out": "not installed"}
        else:
            found[way] = _in_own_process(way, path, arguments.limit)
    reference = found.get("topores", {}).get("total")
    for way, figures in found.items():
        if reference and "total" in figures and abs(figures["total"] / reference - 1) > TOLERANCE:
            raise SystemExit(f"{way} finds a total length of {figures['total']}, but topores finds {reference}.")
    return found


def _in_own_process(way: str, path: Path, limit: float) -> dict:
    called = [sys.executable, __file__, "--child", way, str(path)]
    try:
        done = subprocess.run(called, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return {"left_out": f"over {limit:.0f} s"}
    if done.returncode < 0:
        return {"left_out": f"ended by {signal.Signals(-done.returncode).name}"}
    if done.returncode:
        return {"left_out": f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"}
    return json.loads(done.stdout.splitlines()[-1])


def _child(way: str, path: str) -> dict[str, float]:
    tree = _ways(way)
    # Warm-up: imports, and compilation at the first call.
    tree(np.random.default_rng(0).normal(size=(600, 8)))
    before = megabytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    cloud = np.load(path)
    started, on_the_wall = time.process_time(), time.perf_counter()
    lengths = tree(cloud)
    seconds, wall = time.process_time() - started, time.perf_counter() - on_the_wall
    over = megabytes("VmHWM") - before
    return {"cpu_seconds": seconds, "wall_seconds": wall, "mb_over_imports": over, "total": float(lengths.sum())}


def _ways(way: str) -> Callable[[np.ndarray], np.ndarray]:
    """A function from rows to the tree's lengths as angles. Peers get unit rows and return chords."""
    if way == "topores":
        from topores.topology import minimum_spanning_tree

        return lambda rows: minimum_spanning_tree(rows).lengths
    if way == "prim":
        from topores.topology import minimum_spanning_tree, spanning_tree

        spanning_tree.FEW = sys.maxsize
        return lambda rows: minimum_spanning_tree(rows).lengths
    peer = {"scipy": _scipy, "ripser": _ripser, "mlpack": _mlpack, "hdbscan": _hdbscan, "fast_hdbscan": _fast_hdbscan}
    chords = peer[way]()

    def angles(rows: np.ndarray) -> np.ndarray:
        unit = rows.astype(np.float64)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        return 2 * np.arcsin(chords(unit) / 2)

    return angles


def _scipy() -> Callable[[np.ndarray], np.ndarray]:
    from scipy.sparse.csgraph import minimum_spanning_tree
    from scipy.spatial.distance import cdist

    return lambda unit: minimum_spanning_tree(cdist(unit, unit), overwrite=True).data


def _ripser() -> Callable[[np.ndarray], np.ndarray]:
    from ripser import ripser
    from scipy.spatial.distance import cdist

    return lambda unit: ripser(cdist(unit, unit), maxdim=0, distance_matrix=True)["dgms"][0][:-1, 1]


def _mlpack() -> Callable[[np.ndarray], np.ndarray]:
    from mlpack import emst

    return lambda unit: emst(input_=unit)["output"][:, 2]


def _hdbscan() -> Callable[[np.ndarray], np.ndarray]:
    from hdbscan._hdbscan_boruvka import KDTreeBoruvkaAlgorithm
    from sklearn.neighbors import KDTree

    def tree(unit: np.ndarray) -> np.ndarray:
        search = KDTreeBoruvkaAlgorithm(KDTree(unit), 1, approx_min_span_tree=False, n_jobs=1)
        return search.spanning_tree()[:, 2]

    return tree


def _fast_hdbscan() -> Callable[[np.ndarray], np.ndarray]:
    from fast_hdbscan.boruvka import parallel_boruvka
    from fast_hdbscan.numba_kdtree import build_kdtree

    def tree(unit: np.ndarray) -> np.ndarray:
        # All arguments by position: it is compiled for exactly these types.
        kdtree = build_kdtree(unit.astype(np.float32))
        return parallel_boruvka(kdtree, 1, 1, np.zeros(1, dtype=np.float32), False)[0][:, 2]

    return tree


def _describe(run: dict) -> str:
    ours = run["ways"].get("topores", {}).get("cpu_seconds")
    lines = [f"{run['cloud']}, {run['points']} points in {run['dim']} dimensions"]
    for way, figures in run["ways"].items():
        if "left_out" in figures:
            lines.append(f"  {way:13s} {figures['left_out']}")
        else:
            ratio = f"{figures['cpu_seconds'] / ours:6.1f} times ours" if ours and way != "topores" else ""
            lines.append(
                f"  {way:13s} {figures['cpu_seconds']:7.1f} CPU s  {figures['mb_over_imports']:6.0f} MB  "
                f"total {figures['total']:.6f}  {ratio}"
            )
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    ways = ["topores", "prim", "scipy", "ripser", "mlpack", "hdbscan", "fast_hdbscan"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, nargs="*", default=[5000, 20000])
    parser.add_argument("--kinds", nargs="+", choices=["loose", "tight"], default=["loose", "tight"])
    parser.add_argument("--cloud", type=Path, nargs="*", default=[], help=".npy files of rows")
    parser.add_argument("--ways", nargs="+", choices=ways, default=ways)
    parser.add_argument("--memory", type=float, default=8, help="GB that a method may use")
    parser.add_argument("--limit", type=float, default=900, help="seconds after which a method is stopped")
    parser.add_argument("--machine", default="", help="description of the machine, for the JSON")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--child", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
