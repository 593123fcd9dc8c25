"""Measures every requested null that this source allows."""

import logging

from topores import variants
from topores.analysis.nulls._ground import Ground
from topores.domain import NullMeasurement

log = logging.getLogger(__name__)

NULLS = "topores.analysis.nulls"


def measured_nulls(ground: Ground, names: tuple[str, ...], *, asked: bool) -> tuple[NullMeasurement, ...]:
    """Numbers of the named nulls, one after the other.

    Args:
        asked: Whether they were requested by name, so that a null that is not possible here is worth a warning.

    Raises:
        UsageError: There is no null of that name.
    """
    found: list[NullMeasurement] = []
    for name in names:
        null = variants.load(NULLS, name)
        reason = null.why_not(ground)
        if reason:
            log.log(
                logging.WARNING if asked else logging.DEBUG, "The null '%s' is left out: %s.",
                name.replace("_", "-"), reason,
            )  # fmt: skip
            continue
        found += null.measurements(ground)
    return tuple(found)


def in_words(name: str) -> str:
    """What a null is, in words."""
    text: str = variants.load(NULLS, name).TOLD
    return text
