"""Measures every requested null that this source allows."""

import logging
from types import ModuleType
from typing import NamedTuple

from topores import variants
from topores.analysis.nulls._ground import Ground
from topores.analysis.parts import Parts
from topores.domain import NullMeasurement
from topores.errors import Interrupted, ResourceError, ToporesError
from topores.phrases import Phrase

log = logging.getLogger(__name__)

NULLS = "topores.analysis.nulls"

FAILED = "it cannot be measured here"
"""How the reason begins where a null was tried and failed."""


class Ladder(NamedTuple):
    """What the nulls gave, and which of them cannot be had."""

    measurements: tuple[NullMeasurement, ...]
    left_out: dict[str, str]
    """The reason, by name of the null; a phrase where it can be said in other languages."""


def measured_nulls(ground: Ground, names: tuple[str, ...], parts: Parts, *, asked: bool) -> Ladder:
    """Numbers of the named nulls, one after the other. One that cannot be had costs neither the others nor the rest.

    Args:
        parts: Learns of a null that failed, which another run of the analysis may measure.
        asked: Whether they were requested by name, so that a null that is not possible here is worth a warning.

    Raises:
        UsageError: There is no null of that name.
        ResourceError: There is not enough memory or disk.
    """
    found: list[NullMeasurement] = []
    left_out: dict[str, str] = {}
    for name in names:
        null = variants.load(NULLS, name)
        own, reason = _attempt(null, ground)
        found += own
        if reason:
            left_out[name] = reason
            if reason.startswith(FAILED):
                parts.missing[f"The null '{null.NAME}'"] = reason
            # A failure is said in any case: nobody could have known it.
            level = logging.WARNING if asked or reason.startswith(FAILED) else logging.DEBUG
            log.log(level, "The null '%s' is left out: %s.", name.replace("_", "-"), reason)
    return Ladder(tuple(found), left_out)


def _attempt(null: ModuleType, ground: Ground) -> tuple[list[NullMeasurement], str | None]:
    """The numbers of a null; none, and the reason, if it cannot be had."""
    try:
        reason = null.why_not(ground)
        return ([], reason) if reason else (list(null.measurements(ground)), None)
    except (ResourceError, Interrupted, MemoryError):
        raise
    except Exception as fault:  # third-party models raise all kinds of errors
        log.debug("", exc_info=True)
        said = str(fault) if isinstance(fault, ToporesError) else f"{type(fault).__name__}: {fault}"
        return [], Phrase("it cannot be measured here ({why})", why=" ".join(said.split())[:160].rstrip("."))


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
