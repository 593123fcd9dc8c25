"""The topology of a cloud as a scikit-learn estimator: diagrams, measures and a table of bars from one `fit`."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from topores.compute.resources import available_memory
from topores.topology.engines import TREE, choose_engine
from topores.topology.estimates import check_memory
from topores.topology.homology import persistent_homology
from topores.topology.measures.intrinsic_dimension import intrinsic_dimension
from topores.topology.measures.persistence_entropy import persistence_entropy
from topores.topology.measures.rank_me import rank_me
from topores.topology.measures.total_persistence import total_persistence
from topores.topology.measures.uniformity import uniformity
from topores.topology.points import unit_rows
from topores.topology.significance import universal_p_values
from topores.topology.subsamples import Average, SubsamplePlan, average, sampled_homology

DIAGRAM_MEASURES: dict[str, Callable[[np.ndarray], float]] = {
    "bars": len,
    "total_persistence": total_persistence,
    "persistence_entropy": persistence_entropy,
}


class TopologyAnalyzer(BaseEstimator):  # type: ignore[misc]
    """Persistent homology and geometry of the rows of X.

    Up to `max_points` rows, everything is computed from all rows. With more rows, only degree 0 and RankMe are; the
    rest is averaged over uniform subsamples: `exact_` is False, and the averages estimate the expectation over clouds
    of `subsample_size` points (see `sampled_homology`).

    Args:
        max_degree: Highest degree of homology, 0 or more.
        metric: "angle" (radians), "euclidean" or "precomputed" (X is then the square matrix of distances).
        field: Prime p; homology has coefficients modulo p.
        engine: "auto", "redzed" or "ripser".
        threshold: Edges longer than this are left out; None keeps all.
        max_points: Largest number of rows computed without subsampling.
        subsamples: Number of subsamples for larger clouds.
        subsample_size: Rows of each subsample, at most `max_points`.
        random_state: Integer, numpy.random.RandomState or None; seeds the subsamples.

    Attributes:
        diagrams_: One array (bars, 2) of births and deaths per degree, as `persistent_homology` returns them. If
            `exact_` is False, degrees 1 and up are those of the first subsample.
        measures_: Numbers by name: bars_k, total_persistence_k and persistence_entropy_k for each degree k,
            intrinsic_dimension, and rank_me and uniformity if X has coordinates (normalised to unit rows under
            "angle"). NaN where the rows do not determine the number, as for the intrinsic dimension of two points.
        standard_errors_: Standard errors by the same names; 0 where all rows were used.
        averages_: The `SampledHomology` of `plan_`, with landscapes and Betti curves.
        plan_: The `SubsamplePlan`; `plan_.exact` up to `max_points` rows.
        exact_: Whether `diagrams_` are computed from all rows in every degree.
        engine_: The engine used, also if `engine` is "auto".
        n_features_in_: Columns of X.

    Example:
        >>> turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        >>> circle = np.column_stack([np.cos(turn), np.sin(turn)])
        >>> TopologyAnalyzer(metric="euclidean").fit(circle).diagrams_[1].round(3)
        array([[0.518, 1.732]])
    """

    # No annotations: by scikit-learn's convention nothing is checked before `fit`.
    def __init__(  # type: ignore[no-untyped-def]
        self,
        max_degree=1,
        metric="angle",
        field=2,
        engine="auto",
        threshold=None,
        max_points=5000,
        subsamples=20,
        subsample_size=500,
        random_state=0,
    ):
        self.max_degree = max_degree
        self.metric = metric
        self.field = field
        self.engine = engine
        self.threshold = threshold
        self.max_points = max_points
        self.subsamples = subsamples
        self.subsample_size = subsample_size
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "TopologyAnalyzer":  # noqa: ARG002
        """Compute all attributes.

        Args:
            X: Rows of finite numbers, (points, dim), or distances (points, points) if `metric` is "precomputed".
            y: Ignored; scikit-learn's pipelines pass it.

        Raises:
            TypeError: X is sparse.
            ValueError: X is empty or has NaN, infinity or (under "angle") a row of zeros; a parameter is out of range.
            ResourceError: There is not enough memory; the message says what would fit.
        """
        rows = validate_data(self, X, dtype=np.float64, ensure_non_negative=self.metric == "precomputed")
        self.engine_ = choose_engine(self.engine, self.field, self.max_degree)
        self.plan_ = self._plan(len(rows))
        self.exact_ = self.plan_.exact or self.max_degree == 0
        # The distance matrix is always needed; with a threshold, the rest depends on the cloud.
        degree = self.max_degree if self.threshold is None else 0
        engine = "redzed" if self.engine_ == TREE else self.engine_
        check_memory(self.plan_.size, max_degree=degree, memory=available_memory(), engine=engine)
        options = {"metric": self.metric, "threshold": self.threshold, "field": self.field}
        self.averages_ = sampled_homology(rows, self.plan_, max_degree=self.max_degree, engine=self.engine, **options)
        self.diagrams_ = list(self.averages_.diagrams[0])
        if not self.plan_.exact:
            self.diagrams_[0] = persistent_homology(rows, max_degree=0, **options)[0]
        found = self._diagram_measures() | self._row_measures(rows)
        self.measures_ = {name: float(each.mean) for name, each in found.items()}
        self.standard_errors_ = {name: float(each.standard_error) for name, each in found.items()}
        return self

    def to_frame(self) -> Any:
        """The bars of `diagrams_` as a pandas.DataFrame, one row each: degree, birth, death, persistence, p.

        p comes from `universal_p_values`, not corrected for multiple testing. It is NaN in degree 0 and for essential
        bars, whose death and persistence are inf.

        Raises:
            ImportError: pandas is not installed.
        """
        check_is_fitted(self)
        try:
            from pandas import DataFrame
        except ImportError as error:
            raise ImportError("to_frame needs pandas, which is not installed; run pip install pandas.") from error
        bars = np.concatenate(self.diagrams_)
        degrees = np.repeat(np.arange(len(self.diagrams_)), [len(diagram) for diagram in self.diagrams_])
        p = np.concatenate([_p_values(diagram) for diagram in self.diagrams_])
        births, deaths = bars.T
        return DataFrame({"degree": degrees, "birth": births, "death": deaths, "persistence": deaths - births, "p": p})

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = tags.input_tags.positive_only = self.metric == "precomputed"
        return tags

    def _plan(self, count: int) -> SubsamplePlan:
        if self.max_points < 1:
            raise ValueError(f"max_points is {self.max_points}; expected 1 or more. Use 5000 if in doubt.")
        if count <= self.max_points:
            return SubsamplePlan(count, count, draws=1)
        given = self.random_state
        seed = int(given) if isinstance(given, int | np.integer) else int(check_random_state(given).randint(2**31 - 1))
        return SubsamplePlan(count, min(self.subsample_size, self.max_points), self.subsamples, seed)

    def _diagram_measures(self) -> dict[str, Average]:
        found = {}
        for name, function in DIAGRAM_MEASURES.items():
            found[f"{name}_0"] = average([function(self.diagrams_[0])], exact=True)
            for degree in range(1, len(self.diagrams_)):
                drawn = [function(diagrams[degree]) for diagrams in self.averages_.diagrams]
                found[f"{name}_{degree}"] = average(drawn, exact=self.plan_.exact)
        return found

    def _row_measures(self, rows: np.ndarray) -> dict[str, Average]:
        def over_draws(measure: Callable[[np.ndarray], float], of: np.ndarray) -> Average:
            drawn = (of[np.ix_(part, part)] if self.metric == "precomputed" else of[part] for part in self.plan_)
            return average([_if_determined(measure, each) for each in drawn], exact=self.plan_.exact)

        found = {"intrinsic_dimension": over_draws(lambda part: intrinsic_dimension(part, metric=self.metric), rows)}
        if self.metric == "precomputed":
            return found
        seen = unit_rows(rows) if self.metric == "angle" else rows
        whole = average([_if_determined(rank_me, seen)], exact=True)
        return found | {"rank_me": whole, "uniformity": over_draws(uniformity, seen)}


def _if_determined(measure: Callable[[np.ndarray], float], rows: np.ndarray) -> float:
    """The measure, or NaN where the cloud does not determine it. The rows are already checked."""
    try:
        return measure(rows)
    except ValueError:
        return float("nan")


def _p_values(diagram: np.ndarray) -> np.ndarray:
    p = np.full(len(diagram), np.nan)
    if (diagram[:, 0] > 0).all():
        p[np.isfinite(diagram[:, 1])] = universal_p_values(diagram)
    return p
