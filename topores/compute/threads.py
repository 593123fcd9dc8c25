"""Runs work on threads of this process."""

import queue
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, TypeVar

import joblib
from threadpoolctl import threadpool_limits

from topores.compute.pool import AHEAD, Pool, attempt

Result = TypeVar("Result")


class Threads(Pool):
    """Daemon threads, so that an engine deep in a long computation does not delay the end of the process.

    joblib's pool is not used: it would consume `items` in a worker thread, without a limit on waiting results.
    """

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work = work
        self._threads: list[threading.Thread] = []
        self._most = joblib.cpu_count()
        self._in_flight = 0
        self._waiting: queue.SimpleQueue[tuple[int, Any] | None] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[tuple[int, object]] = queue.SimpleQueue()
        self._held = ExitStack()

    def __enter__(self) -> None:
        self._held.enter_context(_one_blas_thread())

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.cancel()
        for _thread in self._threads:
            self._waiting.put(None)
        if kind is None or not issubclass(kind, KeyboardInterrupt):
            for thread in self._threads:
                thread.join()
        self._held.close()

    def has_room(self) -> bool:
        return self._in_flight < AHEAD * self._most

    def is_busy(self) -> bool:
        return self._in_flight > 0

    def submit(self, index: int, item: Any) -> None:
        self._in_flight += 1
        self._waiting.put((index, item))
        if len(self._threads) < self._most:
            self._threads.append(threading.Thread(target=self._serve, daemon=True))
            self._threads[-1].start()

    def take(self) -> tuple[int, object]:
        finished = _next_result(self._finished)
        self._in_flight -= 1
        return finished

    def cancel(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
                self._in_flight -= 1

    def _serve(self) -> None:
        # Repeated in each thread: a BLAS built with OpenMP, such as the one in faiss, has a limit per thread.
        _one_blas_thread()
        while (job := self._waiting.get()) is not None:
            index, item = job
            finished = index, attempt(self._work, index, item)
            del job, item  # the thread may wait long for the next one
            self._finished.put(finished)
            del finished


def _one_blas_thread() -> threadpool_limits:
    """Limit BLAS to one thread for each of ours: more would compete for the same cores and be far slower."""
    return threadpool_limits(limits=1, user_api="blas")


def _next_result(finished: queue.SimpleQueue[Result]) -> Result:
    while True:
        # Windows does not deliver Ctrl-C to a thread that waits without a timeout.
        with suppress(queue.Empty):
            return finished.get(timeout=1)
