"""Measures every requested null that this source allows."""

import logging
from functools import partial
from typing import Any

from topores import variants
from topores.analysis.nulls._ground import Ground
from topores.analysis.parts import Parts
from topores.domain import NullMeasurement

log = logging.getLogger(__name__)

NULLS = "topores.analysis.nulls"


def measured_nulls(ground: Ground, names: tuple[str, ...], parts: Parts, *, asked: bool) -> tuple[NullMeasurement, ...]:
    """Numbers of the named nulls, one after the other.

    Args:
        parts: A null that fails is lost alone.
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
        found += parts.run(f"The null '{null.NAME}'", partial(_all_of, null, ground), [])
    return tuple(found)


def _all_of(null: Any, ground: Ground) -> list[NullMeasurement]:
    return list(null.measurements(ground))


def nulls_in_order() -> list[str]:
    """All nulls by file name, in the order of the ladder."""
    return sorted(variants.names(NULLS), key=lambda name: variants.load(NULLS, name).ORDER)


def name_of(null: str) -> str:
    """Its name in a word or two."""
    name: str = variants.load(NULLS, null).NAME
    return name


def description_of(null: str) -> str:
    """What it is, in a line."""
    text: str = variants.load(NULLS, null).DESCRIPTION
    return text
