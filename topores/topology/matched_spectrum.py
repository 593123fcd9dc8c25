"""Significance of a bar against Gaussian clouds of the same size, mean and covariance."""

import numpy as np
from jaxtyping import Float
from scipy.stats import gumbel_r

from topores.errors import did_you_mean
from topores.topology.diagrams import finite_bars
from topores.topology.engines import as_degree
from topores.topology.factors import singular_values
from topores.topology.gaussian_like import as_seed, drop_rounding, random_frame
from topores.topology.homology import persistent_homology
from topores.topology.paired_spectrum import PairedGaussianLike, TwoTexts
from topores.topology.points import Numbers, WholeNumber, as_points, as_whole, scale_by_power_of_two, unit_rows

METRICS = ("angle", "euclidean")

TAIL_FROM = 39
"""Draws needed to fit a Gumbel law; with fewer, its scale is too uncertain."""


def matched_spectrum_p_values(
    points: Numbers,
    diagram: Numbers | None = None,
    *,
    metric: str = "angle",
    degree: WholeNumber = 1,
    replicates: WholeNumber = 99,
    seed: WholeNumber = 0,
    two_texts: TwoTexts | None = None,
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
        two_texts: Which rows are partners; the clouds are then drawn by `PairedGaussianLike`, so that partners stay as
            near, and the texts as far apart, as they are. None: all rows are drawn alike.

    Returns:
        In (0, 1], one per finite bar of persistent_homology(points, metric=metric)[degree], in its order.

    Raises:
        ValueError: Unusable points, distances instead of points, degree 0, no draws, a negative seed, or a birth of 0.

    Source:
        Westfall and Young 1993, Resampling-Based Multiple Testing (the largest of each draw); Phipson and Smyth 2010,
        Permutation P-values should never be zero, https://doi.org/10.2202/1544-6115.1585 (the observed cloud counts).
    """
    highest = as_degree_with_ratios(degree)
    as_coordinates(points, metric)
    if diagram is None:
        diagram = persistent_homology(points, metric=metric, max_degree=highest)[highest]
    bars = finite_bars(diagram)
    if not len(bars):
        _as_replicates(replicates), as_seed(seed)
        return np.empty(0)
    largest = largest_log_ratios(
        points, metric=metric, degree=highest, replicates=replicates, seed=seed, two_texts=two_texts
    )
    return p_among_largest(log_ratios(as_chords(bars, metric)), largest)


def as_chords(lengths: Float[np.ndarray, "..."], metric: str) -> Float[np.ndarray, "..."]:
    """Lengths of the metric in the unit of `as_coordinates`: chords of angles."""
    return 2 * np.sin(lengths / 2) if metric == "angle" else lengths


def largest_log_ratios(
    points: Numbers,
    *,
    metric: str,
    degree: int,
    replicates: WholeNumber,
    seed: WholeNumber,
    two_texts: TwoTexts | None = None,
) -> Float[np.ndarray, " replicates"]:
    """The largest log ratio of the bars of each drawn cloud; 0 where it has none. As `matched_spectrum_p_values`."""
    rows, draws, first = as_coordinates(points, metric), _as_replicates(replicates), as_seed(seed)
    if two_texts is not None and len(two_texts.pairs):
        paired = PairedGaussianLike(rows, two_texts)
        return np.array([_largest_log_ratio(paired.draw(first * draws + draw), degree) for draw in range(draws)])
    random = np.random.default_rng(first)
    sizes = drop_rounding(singular_values(rows - rows.mean(axis=0)), rows)
    return np.array(
        [_largest_log_ratio(random_frame(len(rows), len(sizes), random) * sizes, degree) for _ in range(draws)]
    )


def least_significant(largest: Float[np.ndarray, " replicates"], level: float) -> float:
    """The log ratio beyond which p of `p_among_largest` is below `level`; infinite where the draws are too few."""
    allowed = int(np.ceil(level * (1 + len(largest)))) - 2
    return float(np.sort(largest)[-1 - allowed]) if 0 <= allowed < len(largest) else np.inf


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
