"""Where work on many items is done: what threads and a cluster have in common."""

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

AHEAD = 2
"""Items taken for each thread: the one it works on and the next. No more of them, or of their results, are held."""


@dataclass(frozen=True)
class Failed:
    """Stands in the place of a result: the work on this item raised `reason`, or killed every worker it ran on."""

    index: int
    reason: BaseException


class Pool(ABC):
    """Where items are worked on."""

    @abstractmethod
    def __enter__(self) -> None: ...

    @abstractmethod
    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None: ...

    @abstractmethod
    def has_room(self) -> bool:
        """Whether one more item should be submitted now."""

    @abstractmethod
    def is_busy(self) -> bool:
        """Whether there is something to take."""

    @abstractmethod
    def submit(self, index: int, item: Any) -> None: ...

    @abstractmethod
    def take(self) -> tuple[int, Any]:
        """Wait for the next item that is finished."""

    @abstractmethod
    def cancel(self) -> None:
        """Forget what is not begun, here, or not finished, in a cluster."""


def attempt(work: Callable[[Any], object], index: int, item: Any) -> object:
    """work(item), or `Failed` if it raised an error."""
    try:
        return work(item)
    except BaseException as fault:
        return Failed(index, _in_text(fault))


def _in_text(fault: BaseException) -> BaseException:
    """The fault with its traceback as a note: frames would hold the items of all that failed."""
    fault.add_note("".join(traceback.format_exception(fault)).rstrip())
    reason: BaseException | None = fault
    while reason is not None:
        reason.__traceback__ = None
        reason = reason.__cause__ or reason.__context__
    return fault
