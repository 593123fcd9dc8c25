"""The ratio of an even ring: that of its diagram, whatever the number of points."""

import numpy as np
import pytest

from topores.topology import persistent_homology, ratio_of_even_ring


@pytest.mark.parametrize("points", [4, 5, 7, 9, 24, 60])
@pytest.mark.parametrize("metric", ["angle", "euclidean"])
def test_it_is_the_ratio_of_the_only_bar(points: int, metric: str) -> None:
    turn = 2 * np.pi * np.arange(points) / points
    bars = persistent_homology(np.column_stack([np.cos(turn), np.sin(turn)]), metric=metric)[1]
    ratios = bars[:, 1] / bars[:, 0]
    assert ratio_of_even_ring(points, metric=metric) == pytest.approx(ratios[ratios > 1.001], rel=1e-6)


def test_three_points_have_no_loop() -> None:
    assert ratio_of_even_ring(3) == 1
