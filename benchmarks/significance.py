"""False positives and power of the nulls for loops.

    python benchmarks/significance.py --output benchmarks/results/significance.json

Tables in 384 dimensions, at alpha .05: false positives in clouds without a loop (by angle), loops found in shapes that
have some (by Euclidean distance), both of them for clouds made of pairs, clouds with few bars, rings through some of
the points, cyclic orders of words, and how often p reaches small levels when the null is true. Noise is
Gaussian; its size is the root mean square length of a point's displacement, for circles of radius 1, and also given as
standard deviation per coordinate, which is smaller by a factor of 19.6. About a quarter of an hour on one core.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from scipy.spatial.distance import pdist, squareform

from topores.backbones.loading import open_model
from topores.compute.files import write_json
from topores.topology import TwoTexts, bar_significance, cyclic_order, gaussian_like, persistent_homology
from topores.topology.matched_spectrum import log_ratios, p_among_largest
from topores.training.provenance import versions

DIM, ALPHA = 384, 0.05
POINTS_OF_NULLS, POINTS_OF_SHAPES = (150, 250), 500
NOISES = (0.01, 0.03, 0.1, 0.3, 0.03 * DIM**0.5, 0.1 * DIM**0.5, 0.3 * DIM**0.5)
"""Noise as lengths; the last three are 0.03, 0.1 and 0.3 per coordinate. 0.01 per coordinate would be 0.2."""
PAIRS_OF_NULLS, PAIRS_OF_SHAPES, APART, GAPS = 75, 250, 0.1, (0.0, 1.0)
"""Pairs; distance of partners; distance of the two texts. The clouds have radius 1 or standard deviation 1."""
POINTS_OF_FEW = (24, 40, 80)
RING_AMONG, RING_POINTS, RING_RADII = 200, (24, 60, 200), (0.75, 1.5, 4.0)
"""Points; those of them on a ring; its radius where the spread of the points is 1."""
TAIL_POINTS, TAIL_DRAWS, TAIL_GROUPS, TAIL_REPLICATES = 100, 5000, 500, (39, 99)
LEVELS = (0.05, 0.01, 0.005, 0.001, 0.0005)

Rows = np.ndarray
Random = np.random.Generator


def gaussian(points: int, random: Random) -> Rows:
    return random.normal(size=(points, DIM))


def uniform_sphere(points: int, random: Random) -> Rows:
    return _unit(gaussian(points, random))


def clusters(points: int, random: Random) -> Rows:
    """Gaussian points around six centres, at half the distance of the centres from the origin."""
    centres = _unit(gaussian(6, random))
    return centres[random.integers(6, size=points)] + gaussian(points, random) * 0.5 / DIM**0.5


def ordinary_sphere(points: int, random: Random) -> Rows:
    """The two-dimensional sphere: a curved surface without a loop."""
    return _embed(_unit(random.normal(size=(points, 3))))


def circle(points: int, random: Random) -> Rows:
    turn = random.uniform(0, 2 * np.pi, points)
    return _embed(np.column_stack([np.cos(turn), np.sin(turn)]))


def figure_eight(points: int, random: Random) -> Rows:
    rows = circle(points, random)
    rows[:, 0] += random.choice([-1.0, 1.0], size=points)
    return rows


def torus(points: int, random: Random) -> Rows:
    """The flat torus, a circle times a circle; both loops have radius 1."""
    return _embed(np.hstack([circle(points, random)[:, :2], circle(points, random)[:, :2]]))


NULLS: dict[str, Callable[[int, Random], Rows]] = {
    "Gaussian": gaussian, "uniform on the sphere S^383": uniform_sphere, "six clusters": clusters,
    "the surface S^2": ordinary_sphere,
}  # fmt: skip
SHAPES: dict[str, tuple[Callable[[int, Random], Rows], int]] = {
    "circle": (circle, 1), "figure-eight": (figure_eight, 2), "torus": (torus, 2),
}  # fmt: skip


def falling(points: int, random: Random) -> Rows:
    """Gaussian columns of falling size, as embeddings have them; standard deviation 1."""
    sizes = np.arange(1, DIM + 1) ** -0.7
    return gaussian(points, random) * sizes / np.linalg.norm(sizes)


def hemisphere(points: int, random: Random) -> Rows:
    rows = ordinary_sphere(points, random)
    return np.abs(rows) * np.where(np.arange(DIM) == 2, 1, np.sign(rows))


def two_thirds_of_a_circle(points: int, random: Random) -> Rows:
    turn = random.uniform(0, 4 / 3 * np.pi, points)
    return _embed(np.column_stack([np.cos(turn), np.sin(turn)]))


def spiral(points: int, random: Random) -> Rows:
    turn = random.uniform(0, 1, points)
    return _embed(np.column_stack([turn * np.cos(9 * turn), turn * np.sin(9 * turn)]))


def fork(points: int, random: Random) -> Rows:
    """Three lines from one point."""
    turn, along = random.integers(3, size=points) * 2 * np.pi / 3, random.uniform(0, 1, points)
    return _embed(np.column_stack([along * np.cos(turn), along * np.sin(turn)]))


def small_clusters(points: int, random: Random) -> Rows:
    """Four points around each of many centres in a plane."""
    centres = random.normal(size=(points // 4, 2))
    return _embed(centres[np.arange(points) % len(centres)]) + gaussian(points, random) * 0.05 / DIM**0.5


def even_ring(points: int, random: Random) -> Rows:  # noqa: ARG001
    turn = np.arange(points) * 2 * np.pi / points
    return _embed(np.column_stack([np.cos(turn), np.sin(turn)]))


def two_even_rings(points: int, random: Random) -> Rows:
    rings = even_ring(points // 2, random)
    return np.vstack([rings, np.roll(rings, 2, axis=1) + 3 * np.eye(DIM)[4]])


ORDERED = {
    "weekdays": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "months": "January February March April May June July August September October November December",
    "compass": "north northeast east southeast south southwest west northwest",
    "colours": "red orange yellow green cyan blue violet magenta",
}

PAIRED_NULLS: dict[str, Callable[[int, Random], Rows]] = {
    "Gaussian": lambda n, random: gaussian(n, random) / DIM**0.5, "Gaussian, falling spectrum": falling,
    "uniform on the sphere S^383": uniform_sphere, "the surface S^2": ordinary_sphere,
}  # fmt: skip
FEW: dict[str, tuple[Callable[[int, Random], Rows], int]] = {
    "the surface S^2": (ordinary_sphere, 0), "half of S^2": (hemisphere, 0),
    "two thirds of a circle": (two_thirds_of_a_circle, 0), "spiral": (spiral, 0), "fork": (fork, 0),
    "clusters of four": (small_clusters, 0), "even ring": (even_ring, 1), "two even rings": (two_even_rings, 2),
}  # fmt: skip


def main() -> None:
    arguments = _arguments()
    result: dict = {"alpha": ALPHA, "replicates": arguments.replicates, "versions": versions()}
    for name in arguments.parts:
        measure, table = PARTS[name]
        result[name] = measure(arguments)
        print(table(result[name]) + "\n", flush=True)
        if arguments.output:
            write_json(arguments.output, result)


def _nulls(arguments: argparse.Namespace) -> list[dict]:
    measured = []
    for name, draw in NULLS.items():
        for points in POINTS_OF_NULLS:
            counts = _counts(lambda random, n=points, d=draw: d(n, random), "angle", arguments.clouds, arguments)
            false = {null: float((loops > 0).mean()) for null, loops in counts.items()}
            measured.append({"cloud": name, "points": points, "clouds": arguments.clouds, "false": false})
    return measured


def _shapes(arguments: argparse.Namespace) -> list[dict]:
    measured = []
    for name, (draw, loops) in SHAPES.items():
        for noise in NOISES:

            def noisy(random: Random, draw: Callable = draw, noise: float = noise) -> Rows:
                return draw(POINTS_OF_SHAPES, random) + gaussian(POINTS_OF_SHAPES, random) * noise / DIM**0.5

            counts = _counts(noisy, "euclidean", arguments.shapes, arguments)
            right = {null: float((found == loops).mean()) for null, found in counts.items()}
            more = {null: float((found > loops).mean()) for null, found in counts.items()}
            measured.append({
                "shape": name, "loops": loops, "points": POINTS_OF_SHAPES, "clouds": arguments.shapes,
                "noise": noise, "noise_per_coordinate": noise / DIM**0.5, "right": right, "more": more,
            })  # fmt: skip
    return measured


def _paired(arguments: argparse.Namespace) -> dict:
    """Each point twice, at a distance, once in either text; the texts a gap apart."""
    false, found = [], []
    for gap in GAPS:
        for name, draw in PAIRED_NULLS.items():
            row = {"cloud": name, "pairs": PAIRS_OF_NULLS, "gap": gap, "clouds": arguments.clouds}
            for null, two in (("single", None), ("paired", _two_texts(PAIRS_OF_NULLS))):
                made = partial(_in_pairs, draw, PAIRS_OF_NULLS, gap)
                counts = _counts(made, "angle", arguments.clouds, arguments, two)["p"]
                row[null] = float((counts > 0).mean())
            false.append(row)
            print(row, flush=True)
        for name, (draw, loops) in list(SHAPES.items())[:2]:
            made = partial(_in_pairs, draw, PAIRS_OF_SHAPES, gap)
            counts = _counts(made, "euclidean", arguments.shapes, arguments, _two_texts(PAIRS_OF_SHAPES))["p"]
            row = {"shape": name, "loops": loops, "pairs": PAIRS_OF_SHAPES, "gap": gap, "clouds": arguments.shapes}
            found.append({**row, "all": float((counts >= loops).mean()), "least": int(counts.min()),
                          "most": int(counts.max())})  # fmt: skip
            print(found[-1], flush=True)
    return {"false": false, "found": found}


def _in_pairs(draw: Callable[[int, Random], Rows], pairs: int, gap: float, random: Random) -> Rows:
    """Text 0, then text 1."""
    centres = draw(pairs, random)
    sides = [centres + gaussian(pairs, random) * APART / (2 * DIM) ** 0.5 for _ in range(2)]
    away = np.eye(DIM)[-1] * gap / 2
    return np.vstack([sides[0] - away, sides[1] + away])


def _two_texts(pairs: int) -> TwoTexts:
    return TwoTexts(np.repeat([0, 1], pairs), np.arange(2 * pairs).reshape(2, pairs).T)


def _few(arguments: argparse.Namespace) -> list[dict]:
    measured = []
    for name, (draw, loops) in FEW.items():
        for points in POINTS_OF_FEW:
            counts = _counts(partial(draw, points), "euclidean", arguments.clouds if not loops else 1, arguments)
            share = {null: float(((c > 0) if not loops else (c == loops)).mean()) for null, c in counts.items()}
            measured.append({"cloud": name, "loops": loops, "points": points, "found": share})
    return measured


def _rings(arguments: argparse.Namespace) -> list[dict]:
    measured = []
    for points in RING_POINTS:
        for radius in RING_RADII:
            counts = _counts(partial(_ring_among, points, radius), "angle", arguments.shapes, arguments)["p"]
            measured.append({"on_ring": points, "radius": radius, "found": float((counts > 0).mean())})
    return measured


def _ring_among(points: int, radius: float, random: Random) -> Rows:
    """Points of a falling spectrum around a mean of the same length, some of them moved to a ring in a random plane."""
    rows = falling(RING_AMONG, random)
    plane, _ = np.linalg.qr(random.normal(size=(DIM, 2)))
    rows[:points] += radius * even_ring(points, random)[:, :2] @ plane.T
    return rows + _unit(gaussian(1, random))


def _counts(
    draw: Callable[[Random], Rows],
    metric: str,
    clouds: int,
    arguments: argparse.Namespace,
    two: TwoTexts | None = None,
) -> dict[str, np.ndarray]:
    """Number of significant bars in each cloud, by each null and by both."""
    counts: dict[str, list[int]] = {"universal": [], "spectrum": [], "p": []}
    for cloud in range(clouds):
        rows = draw(np.random.default_rng([arguments.seed, cloud]))
        found = bar_significance(rows, metric=metric, replicates=arguments.replicates, seed=cloud, two_texts=two)
        for null, each in counts.items():
            each.append(int((getattr(found, null) < ALPHA).sum()))
    return {null: np.array(each) for null, each in counts.items()}


def _tail(arguments: argparse.Namespace) -> list[dict]:
    """Largest ratios of many draws of one spectrum, each tested against some of the others."""
    random = np.random.default_rng(arguments.seed)
    flat = gaussian(TAIL_POINTS, random)
    spectra = {"all columns alike": flat, "falling as 1 / sqrt(column)": flat / np.sqrt(np.arange(1, DIM + 1)),
               "three columns": flat[:, :3], "two columns": flat[:, :2]}  # fmt: skip
    measured = []
    for name, rows in spectra.items():
        largest = np.array([_largest(gaussian_like(rows, seed=draw)) for draw in range(TAIL_DRAWS)])
        for replicates in TAIL_REPLICATES:
            groups = [random.permutation(TAIL_DRAWS) for _ in range(TAIL_GROUPS)]
            p = [p_among_largest(largest[g[replicates:]], largest[g[:replicates]]) for g in groups]
            reached = {level: float(np.mean([(each <= level).mean() for each in p])) for level in LEVELS}
            measured.append({"spectrum": name, "replicates": replicates, "reached": reached})
    return measured


def _largest(rows: Rows) -> float:
    bars = persistent_homology(squareform(pdist(rows)), metric="precomputed")[1]
    return float(log_ratios(bars).max(initial=0.0))


def _orders(arguments: argparse.Namespace) -> list[dict]:
    """Words that have a cyclic order, in that order, by the default model."""
    model = open_model("all-MiniLM-L6-v2", "cpu")
    measured = []
    for name, words in ORDERED.items():
        found = cyclic_order(model.encode(words.split()), seed=arguments.seed)
        measured.append({"words": name, "count": len(words.split()), **found._asdict(), "closed": found.closed})
    return measured


def _table_of_orders(measured: list[dict]) -> str:
    head = "| words | count | step | random order | last to first | p | closed |\n"
    return head + "| --- |" + " --- |" * 6 + "\n" + "\n".join(
        f"| {m['words']} | {m['count']} | {m['step']:.2f} | {m['expected']:.2f} | {m['closing']:.2f} | {m['p']:.4f} | "
        f"{'yes' if m['closed'] else 'no'} |"
        for m in measured
    )  # fmt: skip


def _table_of_nulls(measured: list[dict]) -> str:
    head = "| cloud without a loop | points | universal | matched spectrum | both |\n| --- | --- | --- | --- | --- |\n"
    return head + "\n".join(
        f"| {m['cloud']} | {m['points']} | " + " | ".join(f"{share:.1%}" for share in m["false"].values()) + " |"
        for m in measured
    )


def _table_of_shapes(measured: list[dict]) -> str:
    head = "| shape | noise (per coordinate) | universal | matched spectrum | both |\n| --- | --- | --- | --- | --- |\n"
    return head + "\n".join(
        f"| {m['shape']} | {m['noise']:.2g} ({m['noise_per_coordinate']:.2g}) | "
        + " | ".join(f"{m['right'][null]:.0%}, {m['more'][null]:.0%}" for null in m["right"])
        + " |"
        for m in measured
    )


def _table_of_pairs(measured: dict) -> str:
    head = "| pairs without a loop | gap | pairs ignored | pairs kept |\n| --- | --- | --- | --- |\n"
    false = "\n".join(
        f"| {m['cloud']} | {m['gap']:g} | {m['single']:.1%} | {m['paired']:.1%} |" for m in measured["false"]
    )
    then = "\n\n| pairs with loops | gap | all found | loops found |\n| --- | --- | --- | --- |\n"
    return head + false + then + "\n".join(
        f"| {m['shape']} | {m['gap']:g} | {m['all']:.0%} | {m['least']} to {m['most']} |" for m in measured["found"]
    )  # fmt: skip


def _table_of_few(measured: list[dict]) -> str:
    head = "| cloud | loops | points | universal | spectrum | decision |\n| --- | --- | --- | --- | --- | --- |\n"
    return head + "\n".join(
        f"| {m['cloud']} | {m['loops']} | {m['points']} | " + " | ".join(f"{s:.1%}" for s in m["found"].values()) + " |"
        for m in measured
    )


def _table_of_rings(measured: list[dict]) -> str:
    radii = " | ".join(f"radius {radius:g}" for radius in RING_RADII)
    lines = [f"| points on the ring, of {RING_AMONG} | {radii} |", "| --- |" + " --- |" * len(RING_RADII)]
    for points in RING_POINTS:
        shares = [m["found"] for m in measured if m["on_ring"] == points]
        lines.append(f"| {points} | " + " | ".join(f"{share:.0%}" for share in shares) + " |")
    return "\n".join(lines)


def _table_of_tails(measured: list[dict]) -> str:
    head = "| spectrum | draws | " + " | ".join(f"p <= {level:g}" for level in LEVELS) + " |\n"
    return head + "| --- | --- |" + " --- |" * len(LEVELS) + "\n" + "\n".join(
        f"| {m['spectrum']} | {m['replicates']} | " + " | ".join(f"{r:.4f}" for r in m["reached"].values()) + " |"
        for m in measured
    )  # fmt: skip


PARTS = {
    "nulls": (_nulls, _table_of_nulls),
    "shapes": (_shapes, _table_of_shapes),
    "paired": (_paired, _table_of_pairs),
    "few": (_few, _table_of_few),
    "rings": (_rings, _table_of_rings),
    "orders": (_orders, _table_of_orders),
    "tail": (_tail, _table_of_tails),
}


def _unit(rows: Rows) -> Rows:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _embed(rows: Rows) -> Rows:
    return np.pad(rows, ((0, 0), (0, DIM - rows.shape[1])))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--clouds", type=int, default=200, help="clouds without a loop, per kind and size")
    parser.add_argument("--shapes", type=int, default=20, help="clouds per shape and noise")
    parser.add_argument("--replicates", type=int, default=39, help="Gaussian clouds drawn per cloud")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
