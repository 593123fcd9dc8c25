"""JSON on standard output has neither infinity nor NaN: null stands for them, and why."""

import json

import numpy as np
import pytest

from topores.compute.files import json_line


def not_a_number(name: str) -> None:
    pytest.fail(f"{name} in JSON")


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, np.float64("inf")])
def test_what_json_lacks_is_null_and_why(value: float) -> None:
    found = json.loads(json_line({"claims": [{"value": value, "p": 0.5}], "seconds": 1.5}), parse_constant=not_a_number)
    assert found == {"claims": [{"value": None, "p": 0.5, "why": f"value is {value:g}"}], "seconds": 1.5}


def test_a_why_of_its_own_is_kept() -> None:
    found = json.loads(json_line({"why": "dropout moved it", "value": float("inf"), "all": (1.0, float("nan"))}))
    assert found == {"why": "dropout moved it", "value": None, "all": [1.0, None], "why_null": "value is inf"}
