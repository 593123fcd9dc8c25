"""Parts of an analysis that may fail alone: the rest is kept, and what is missing is said."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from topores.errors import Interrupted, ResourceError, UsageError

log = logging.getLogger(__name__)

Found = TypeVar("Found")


class Parts:
    """Runs parts of an analysis, and remembers which of them failed."""

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}
        """Why, by the name of the part."""

    def run(self, name: str, work: Callable[[], Found], instead: Any) -> Found:
        """The result of `work`, or `instead` if it fails.

        Args:
            name: Its name for people, as the subject of a sentence.

        Raises:
            ToporesError: The user asked for something impossible, interrupted it, or the machine is too small.
        """
        try:
            return work()
        except (UsageError, ResourceError, Interrupted):
            raise
        except Exception as fault:  # hours of measurements are worth more than one figure
            reason = " ".join(str(fault).split())[:200] or type(fault).__name__
            self.missing[name] = reason
            log.warning("%s is missing, and the rest is kept (%s: %s).", name, type(fault).__name__, reason)
            log.debug("", exc_info=True)
            replacement: Found = instead
            return replacement
