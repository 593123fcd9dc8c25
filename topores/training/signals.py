"""Turn SIGINT and SIGTERM into a flag that the loop polls, so that it stops at a consistent state."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_asked() -> Iterator[Callable[[], bool]]:
    """Yields a function that says whether a signal was received. A second signal has its original effect."""
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may set handlers; in other threads the caller's handlers stay.
        yield came.is_set
        return
    # None: the handler was not set from Python and cannot be restored.
    before = {number: signal.getsignal(number) or signal.SIG_DFL for number in SIGNALS}

    def note(number: int, _frame: object) -> None:
        came.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in SIGNALS:
        signal.signal(number, note)
    try:
        yield came.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
