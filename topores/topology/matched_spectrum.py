"""Significance of a bar against Gaussian clouds of the same size, mean and covariance."""

import numpy as np
from jaxtyping import Float
from scipy.stats import gumbel_r

from topores.errors import did_you_mean
from topores.topology.diagrams import finite_bars
from topores.topology.engines import as_degree
from topores.topology.factors import singular_values, svd
from topores.topology.homology import persistent_homology
from topores.topology.points import Numbers, WholeNumber, as_points, as_whole, scale_by_power_of_two, unit_rows

METRICS = ("angle", "euclidean")

TAIL_FROM = 39
"""Draws needed to fit a Gumbel law; with fewer, its scale is too uncertain."""


def gaussian_like(points: Numbers, *, seed: WholeNumber) -> Float[np.ndarray, "points dim"]:
    """A Gaussian cloud with the number of points, the mean and the covariance of `points`, exact up to rounding.

    This is a draw of Gaussian points conditioned on their mean and covariance: the centred cloud keeps its singular
    values and right singular vectors, and its left singular vectors are replaced by a uniformly random orthonormal
    frame.

    Args:
        points: One row per point, in any units. Unit rows do not keep their length.
        seed: 0 or more. Equal seeds give equal clouds.

    Raises:
        ValueError: Unusable points, or a negative seed.

    Source:
        Langsrud 2005, Rotation tests, Statistics and Computing 15, 53-60. https://doi.org/10.1007/s11222-005-4789-5
    """
    return GaussianLike(points).draw(seed)


class GaussianLike:
    """Draws many clouds as `gaussian_like` does, with a single factorisation of `points`.

    Args:
        points: One row per point.

    Raises:
        ValueError: Unusable points.
    """

    def __init__(self, points: Numbers) -> None:
        rows, self._exponent = scale_by_power_of_two(as_points(points))
        self._points, self._mean = len(rows), rows.mean(axis=0)
        _, sizes, directions = svd(rows - self._mean, full_matrices=False)
        self._sizes = _drop_rounding(sizes, rows)
        self._directions = directions[: len(self._sizes)]

    def draw(self, seed: WholeNumber) -> Float[np.ndarray, "points dim"]:
        """
        Raises:
            ValueError: A negative seed.
        """
        frame = _random_frame(self._points, len(self._sizes), np.random.default_rng(_as_seed(seed)))
        return np.ldexp(self._mean + (frame * self._sizes) @ self._directions, self._exponent)


def matched_spectrum_p_values(
    points: Numbers,
    diagram: Numbers | None = None,
    *,
    metric: str = "angle",
    degree: WholeNumber = 1,
    replicates: WholeNumber = 99,
    seed: WholeNumber = 0,
) -> Float[np.ndarray, " finite_bars"]:
    """p of each finite bar: the probability that Gaussian points of this spectrum have any bar of such a ratio.

    The ratio is death / birth. Each ratio is compared with the largest ratio of each cloud that `gaussian_like` draws,
    so p is corrected for the number of bars. With Euclidean distances the test is exact for Gaussian points of any
    covariance. Points on a curved surface are not Gaussian and can have small p without a loop: see `bar_significance`.

    With metric="angle", chords are compared with distances in drawn clouds that are not projected onto the sphere:
    projected, the Gaussian cloud of a circle would itself be a circle. This makes p conservative.

    A bar whose ratio exceeds all draws gets the tail probability of a Gumbel law fitted to the draws' largest log
    ratios, if that is smaller than 1 / (replicates + 1), all draws have bars and there are 39 or more draws. This is a
    model, not a count; benchmarks/significance.py measures that it keeps its level.

    Args:
        points: One row per point.
        diagram: Diagram of degree `degree` of these points, if it is already known.
        metric: "angle" (radians) or "euclidean".
        degree: 1 (loops) or higher.
        replicates: Number of clouds drawn, 1 or more.
        seed: 0 or more.

    Returns:
        In (0, 1], one per finite bar of persistent_homology(points, metric=metric)[degree], in its order.

    Raises:
        ValueError: Unusable points, distances instead of points, degree 0, no draws, a negative seed, or a birth of 0.

    Source:
        Westfall and Young 1993, Resampling-Based Multiple Testing (the largest of each draw); Phipson and Smyth 2010,
        Permutation P-values should never be zero, https://doi.org/10.2202/1544-6115.1585 (the observed cloud counts).
    """
    rows = as_coordinates(points, metric)
    highest, draws = as_degree_with_ratios(degree), _as_replicates(replicates)
    random = np.random.default_rng(_as_seed(seed))
    if diagram is None:
        diagram = persistent_homology(points, metric=metric, max_degree=highest)[highest]
    bars = finite_bars(diagram)
    if not len(bars):
        return np.empty(0)
    observed = log_ratios(2 * np.sin(bars / 2) if metric == "angle" else bars)
    sizes = _drop_rounding(singular_values(rows - rows.mean(axis=0)), rows)
    largest = [_largest_log_ratio(_random_frame(len(rows), len(sizes), random) * sizes, highest) for _ in range(draws)]
    return p_among_largest(observed, np.array(largest))


def p_among_largest(
    observed: Float[np.ndarray, " bars"], largest: Float[np.ndarray, " replicates"]
) -> Float[np.ndarray, " bars"]:
    """(1 + number of draws whose largest log ratio reaches the observed one) / (1 + draws).

    Observed ratios beyond all draws use the tail of a fitted Gumbel law: see `matched_spectrum_p_values`.
    """
    p = (1 + (largest >= observed[:, None]).sum(axis=1)) / (1 + len(largest))
    beyond = observed > largest.max()
    if beyond.any() and len(largest) >= TAIL_FROM and 0 < largest.min() < largest.max():
        # Under the universal law log ratios have an exponential tail, so the largest of many follows a Gumbel law.
        tail = gumbel_r.sf(observed[beyond], *gumbel_r.fit(largest))
        p[beyond] = np.clip(tail, np.finfo(np.float64).tiny, p[beyond])
    return p


def log_ratios(bars: Float[np.ndarray, "bars 2"]) -> Float[np.ndarray, " bars"]:
    """ln(death / birth) of each bar.

    Raises:
        ValueError: A birth of 0 or less.
    """
    births, deaths = bars.T
    if births.min(initial=np.inf) <= 0:
        raise ValueError(
            f"diagram has a birth of {births.min():g}; the ratio death / birth needs births above 0. "
            "Pass a diagram of degree 1 or higher."
        )
    return np.log1p((deaths - births) / births)


def as_coordinates(points: Numbers, metric: str) -> Float[np.ndarray, "points dim"]:
    """Rows whose Euclidean distances are the chords of the metric, in an arbitrary unit.

    Raises:
        ValueError: Unusable points, or metric="precomputed", which has no coordinates.
    """
    if metric == "precomputed":
        raise ValueError(
            "metric is 'precomputed', but a spectrum needs coordinates. "
            "Pass the points, with metric='angle' or 'euclidean'."
        )
    if metric not in METRICS:
        raise ValueError(f"metric is {metric!r}. {did_you_mean(str(metric), METRICS)}")
    return unit_rows(points) if metric == "angle" else scale_by_power_of_two(as_points(points))[0]


def as_degree_with_ratios(degree: WholeNumber) -> int:
    """`degree` as an int of 1 or more.

    Raises:
        ValueError: `degree` is 0 (its bars are born at 0 and have no ratio) or negative.
    """
    number = as_degree(degree)
    if number == 0:
        raise ValueError("degree is 0; expected 1 or higher. Bars of degree 0 are born at 0 and have no ratio.")
    return number


def _random_frame(points: int, columns: int, random: np.random.Generator) -> Float[np.ndarray, "points columns"]:
    """A uniformly random frame of orthonormal columns that sum to 0."""
    drawn = random.normal(size=(points, columns))
    frame, corner = np.linalg.qr(drawn - drawn.mean(axis=0))
    # QR fixes the signs by convention; restoring those of the drawn columns makes the frame uniform.
    return frame * np.sign(corner.diagonal())


def _drop_rounding(
    sizes: Float[np.ndarray, " all"], rows: Float[np.ndarray, "points dim"]
) -> Float[np.ndarray, " rank"]:
    """The singular values above rounding error; the other columns need not be drawn."""
    return sizes[sizes > np.abs(rows).max() * max(rows.shape) * np.finfo(np.float64).eps]


def _largest_log_ratio(rows: Float[np.ndarray, "points dim"], degree: int) -> float:
    """The largest log ratio of a drawn cloud; 0 if it has no bar."""
    bars = persistent_homology(_distances(rows), metric="precomputed", max_degree=degree)[degree]
    return float(log_ratios(finite_bars(bars)).max(initial=0.0))


def _distances(rows: Float[np.ndarray, "points dim"]) -> Float[np.ndarray, "points points"]:
    # By one matrix product: the digits it loses for near points do not matter in a random draw.
    products = rows @ rows.T
    squares = products.diagonal()
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * products, 0))
    np.fill_diagonal(distances, 0)
    return distances


def _as_replicates(replicates: WholeNumber) -> int:
    number = as_whole(replicates, "replicates")
    if number < 1:
        raise ValueError(f"replicates is {number}; expected 1 or more. 99 is usual.")
    return number


def _as_seed(seed: WholeNumber) -> int:
    number = as_whole(seed, "seed")
    if number < 0:
        raise ValueError(f"seed is {number}; expected 0 or more.")
    return number
