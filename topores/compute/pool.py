"""Where work on many items runs: the interface of threads and of a cluster."""

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

AHEAD = 2
"""Items held per thread: the one it works on and the next. This bounds the memory of items and results."""


@dataclass(frozen=True)
class Failed:
    """Replaces a result: the work on this item raised `reason`, or killed every worker it ran on."""

    index: int
    reason: BaseException


class Pool(ABC):
    """Runs work on items, one `submit` and one `take` per item."""

    @abstractmethod
    def __enter__(self) -> None: ...

    @abstractmethod
    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None: ...

    @abstractmethod
    def has_room(self) -> bool:
        """Whether one more item should be submitted now."""

    @abstractmethod
    def is_busy(self) -> bool:
        """Whether an item is still to be taken."""

    @abstractmethod
    def submit(self, index: int, item: Any) -> None: ...

    @abstractmethod
    def take(self) -> tuple[int, Any]:
        """Wait for the next item that is finished."""

    @abstractmethod
    def cancel(self) -> None:
        """Drop the items that have not started (threads) or not finished (cluster)."""


def attempt(work: Callable[[Any], object], index: int, item: Any) -> object:
    """work(item), or `Failed` if it raised an error."""
    try:
        return work(item)
    except BaseException as fault:
        return Failed(index, _drop_frames(fault))


def _drop_frames(fault: BaseException) -> BaseException:
    """The exception with its traceback as a note. Frames are dropped, as they would keep the failed items alive."""
    fault.add_note("".join(traceback.format_exception(fault)).rstrip())
    reason: BaseException | None = fault
    while reason is not None:
        reason.__traceback__ = None
        reason = reason.__cause__ or reason.__context__
    return fault
