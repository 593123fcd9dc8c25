import numpy as np
import pytest

from topores.topology import linear_cka


def by_hsic(a, b):
    """The definition: HSIC of the linear kernels over its largest value (Kornblith et al. 2019, section 3)."""
    middle = np.eye(len(a)) - 1 / len(a)

    def hsic(x, y):
        return np.trace(x @ x.T @ middle @ y @ y.T @ middle)

    return hsic(a, b) / np.sqrt(hsic(a, a) * hsic(b, b))


@pytest.mark.parametrize("shapes", [((20, 5), (20, 8)), ((8, 30), (8, 40)), ((10, 3), (10, 50))])
def test_against_its_definition(shapes):
    random = np.random.default_rng(0)
    a, b = (random.normal(size=shape) + 3 for shape in shapes)
    assert linear_cka(a, b) == pytest.approx(by_hsic(a, b), rel=1e-12)
    assert linear_cka(a, b) == pytest.approx(linear_cka(b, a), rel=1e-12)


def test_rotation_scale_and_shift_leave_1_and_orthogonal_clouds_0():
    random = np.random.default_rng(1)
    a = random.normal(size=(30, 6))
    turned = 4 * a @ np.linalg.qr(random.normal(size=(6, 6)))[0] + 2
    assert linear_cka(a, turned) == pytest.approx(1, rel=1e-12)
    assert linear_cka([[1, 0], [-1, 0], [0, 0], [0, 0]], [[0, 0], [0, 0], [1, 0], [-1, 0]]) == 0


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_any_scale(scale):
    a, b = np.random.default_rng(2).normal(size=(2, 15, 4))
    assert linear_cka(a * scale, b) == pytest.approx(linear_cka(a, b), rel=1e-12)


def test_what_cannot_be_compared_is_named():
    with pytest.raises(ValueError, match="All 3 rows of b are equal"):
        linear_cka(np.eye(3), np.ones((3, 2)))
    with pytest.raises(ValueError, match="expected matched rows"):
        linear_cka(np.eye(3), np.eye(4))
