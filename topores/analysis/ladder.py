"""The ladder of nulls, climbed: each that is asked for and can be drawn here, measured."""

import logging

from topores import variants
from topores.analysis.nulls._ground import Ground
from topores.domain import NullMeasurement

log = logging.getLogger(__name__)

NULLS = "topores.analysis.nulls"


def measured_nulls(ground: Ground, names: tuple[str, ...], *, asked: bool) -> tuple[NullMeasurement, ...]:
    """What the nulls called `names` measure, one after the other.

    Args:
        asked: Whether they were asked for by name, so that one that cannot be drawn here is worth a line.

    Raises:
        UsageError: No null of that name.
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
    """What a null is."""
    told: str = variants.load(NULLS, name).TOLD
    return told
