import pytest

from topores.topology import modality_gap


def test_by_hand():
    assert modality_gap([[1, 0], [3, 0]], [[2, 5], [2, 3], [2, 4]]) == 4
    assert modality_gap([[1, 2]], [[1, 2], [1, 2]]) == 0


def test_clouds_of_two_spaces_are_named():
    with pytest.raises(ValueError, match="a has 1 columns and b has 2"):
        modality_gap([[1]], [[1, 2]])
    with pytest.raises(ValueError, match=r"b has shape \(2,\)"):
        modality_gap([[1, 2]], [1, 2])
