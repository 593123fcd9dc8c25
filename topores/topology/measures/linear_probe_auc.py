"""Linear probe: how well a hyperplane separates the rows of one text from those of the other."""

import numpy as np
from jaxtyping import Float

from topores.topology.points import Numbers, WholeNumber, as_points, as_whole, same_columns

UNIT = "share of pairs in order (AUC), 0.5 by chance"
SOURCE = "Alain and Bengio 2016, Understanding intermediate layers using linear classifier probes"

PENALTY_INVERSE = 0.1
"""C of the logistic regression, for columns of root mean square 1."""


def linear_probe_auc(a: Numbers, b: Numbers, *, folds: WholeNumber = 5, seed: WholeNumber = 0) -> float:
    """Cross-validated area under the ROC curve of a logistic regression that classifies rows of `a` against `b`.

    In each stratified fold the rows are centred and divided by the root mean square of the training entries, so that
    translation, scale and rotation do not matter. The L2 penalty has C = 0.1. The AUC is measured on the fold left out
    and averaged over folds.

    Args:
        a: One row per point.
        b: One row per point, not matched with `a`, with equally many columns.
        folds: Number of folds, 2 or more.
        seed: Seed of the split into folds.

    Returns:
        About 0.5 if both clouds have the same distribution, 1 if a hyperplane separates them.

    Raises:
        ValueError: Unusable points, different numbers of columns, or fewer rows than folds.

    Source:
        https://arxiv.org/abs/1610.01644; Hanley and McNeil 1982 (the area is the share of pairs in the right order).
    """
    from sklearn.model_selection import StratifiedKFold  # imported here: it takes a second

    rows_a, rows_b = as_points(a, "a"), as_points(b, "b")
    same_columns(rows_a, rows_b)
    parts = as_whole(folds, "folds")
    fewest = min(len(rows_a), len(rows_b))
    if not 2 <= parts <= fewest:
        raise ValueError(
            f"folds is {parts} for {len(rows_a)} and {len(rows_b)} rows; expected 2 or more, and no more than the rows "
            "of either. Pass fewer folds or larger clouds."
        )
    # Scaling by a power of two is exact, and keeps squares of huge and tiny coordinates representable.
    rows = np.vstack([rows_a, rows_b])
    rows = np.ldexp(rows, -int(np.frexp(np.abs(rows).max())[1]))
    of_b = np.repeat([False, True], [len(rows_a), len(rows_b)])
    split = StratifiedKFold(parts, shuffle=True, random_state=as_whole(seed, "seed"))
    return float(np.mean([_area(rows, of_b, learnt, left_out) for learnt, left_out in split.split(rows, of_b)]))


def _area(rows: Float[np.ndarray, "points dim"], of_b: np.ndarray, learnt: np.ndarray, left_out: np.ndarray) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    centre = rows[learnt].mean(axis=0)
    size = np.sqrt(np.mean((rows[learnt] - centre) ** 2)) or 1.0
    probe = LogisticRegression(C=PENALTY_INVERSE, max_iter=1000)
    probe.fit((rows[learnt] - centre) / size, of_b[learnt])
    return float(roc_auc_score(of_b[left_out], (rows[left_out] - centre) @ probe.coef_[0]))
