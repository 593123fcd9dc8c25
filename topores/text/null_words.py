"""Words that programs write where there is no text."""

import math
from typing import Any

NULL_WORDS = frozenset(
    (
        "", "nan", "-nan", "null", "none", "na", "n/a", "<na>", "<n/a>", "#n/a", "#n/a n/a", "#na", "#null!",
        "#value!", "#ref!", "#name?", "#div/0!", "#num!", "nat", "nil", "(null)", "[null]", "\\n", "undefined",
        "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan",
    )
)  # fmt: skip
"""In small letters: what pandas, R, Excel and databases export for a missing value."""


def is_no_text(value: Any) -> bool:
    """Whether a cell is empty, or holds only a word or a sign for a missing value.

    >>> is_no_text(" NaN "), is_no_text(float("nan")), is_no_text("--"), is_no_text("Nan is a grandmother.")
    (True, True, True, False)
    """
    if isinstance(value, float):
        return math.isnan(value)
    if not isinstance(value, str):
        return value is None
    return value.strip().lower() in NULL_WORDS or not any(map(str.isalnum, value))
