"""Runs work on a Dask cluster, and survives the loss of workers."""

import queue
import socket
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

from threadpoolctl import threadpool_limits

from topores.compute.keys import code_version
from topores.compute.pool import AHEAD, Failed, Pool, attempt
from topores.errors import ResourceError, UsageError

Item = TypeVar("Item")
Result = TypeVar("Result")

ANSWER_WITHIN = 8
"""Seconds a scheduler has to respond."""

FETCHED_WITHIN = 30
"""Seconds to wait for a finished result before checking that the cluster still exists."""

WITHOUT_WORKERS = 60
"""Seconds a cluster may have no worker: long enough to start some, or to restart those that died."""


class Cluster(Pool):
    """A Dask cluster, through its scheduler."""

    def __init__(self, work: Callable[[Any], Any], scheduler: str) -> None:
        self._work, self._scheduler = work, scheduler
        self._code = code_version("topores")
        self._client: Any = None
        self._name = f"topores-{uuid.uuid4().hex}"
        self._in_flight: dict[int, tuple[Any, Any]] = {}
        self._suspects: list[tuple[int, Any]] = []
        self._alone: set[int] = set()
        self._finished: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._threads, self._looked, self._last_worker = 1, 0.0, time.monotonic()

    def __enter__(self) -> None:
        self._client = _connect(self._scheduler)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.cancel()
        with suppress(Exception):  # the scheduler may be gone; what is left of the connection ends with the process
            self._client.close(timeout=ANSWER_WITHIN)

    def has_room(self) -> bool:
        self._look()
        return len(self._in_flight) < AHEAD * self._threads

    def is_busy(self) -> bool:
        return bool(self._in_flight or self._suspects)

    def submit(self, index: int, item: Any) -> None:
        import dask

        # The item travels with the task, so that another worker can take it over; Dask would warn about its size.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
            key = (self._name, index, uuid.uuid4().hex)
            future = self._client.submit(_on_worker, self._work, self._code, item, key=key)
        self._in_flight[index] = (future, item)
        future.add_done_callback(lambda _future: self._finished.put(index))

    def take(self) -> tuple[int, object]:
        from distributed import KilledWorker

        while True:
            if not self._in_flight:
                self._submit_alone(*self._suspects.pop(0))
            index = self._next_finished()
            if index not in self._in_flight:
                continue  # cancelled
            future, item = self._in_flight[index]
            result = attempt(self._result_of, index, future)
            if future.cancelled():
                raise self._lost_connection()
            del self._in_flight[index]
            if isinstance(result, Failed) and isinstance(result.reason, _OtherVersion):
                raise result.reason
            if not isinstance(result, Failed) or not isinstance(result.reason, KilledWorker):
                return index, result
            if index in self._alone:
                died = "every worker that ran it died, even with no other work; it may need more memory than they have"
                return index, Failed(index, ResourceError(died))
            # Dask blames every item that the dead worker held. Each is run alone to find the one at fault.
            self._suspects.append((index, item))

    def _result_of(self, future: Any) -> object:
        """Fetch a result from its worker. If that worker has died, the cluster computes the result again.

        Raises:
            ResourceError: No worker is left.
        """
        while True:
            try:
                return future.result(timeout=FETCHED_WITHIN)
            except TimeoutError:
                if future.status == "error":
                    raise  # raised by the work itself
                self._look()

    def cancel(self) -> None:
        self._suspects.clear()
        unfinished = {index: future for index, (future, _) in self._in_flight.items() if not future.done()}
        for index in unfinished:
            del self._in_flight[index]
        with suppress(Exception):  # if the scheduler is gone, there is nothing to cancel
            self._client.cancel(list(unfinished.values()))

    def _submit_alone(self, index: int, item: Any) -> None:
        self._alone.add(index)
        self.submit(index, item)

    def _next_finished(self) -> int:
        while True:
            try:
                return self._finished.get(timeout=1)
            except queue.Empty:
                self._look()
                # Ctrl-C between taking a number from the queue and using it loses the number, not the result.
                done = next((index for index, (future, _) in self._in_flight.items() if future.done()), None)
                if done is not None:
                    return done

    def _look(self) -> None:
        """Count the cluster's threads, at most every two seconds.

        Raises:
            ResourceError: There was no worker for WITHOUT_WORKERS seconds, or the scheduler is gone.
        """
        if self._client.status != "running":
            raise self._lost_connection()
        now = time.monotonic()
        if now < self._looked + 2:
            return
        self._looked = now
        with suppress(OSError):
            threads = sum(self._client.nthreads(callback_timeout=ANSWER_WITHIN).values())
            self._threads, self._last_worker = max(threads, 1), now if threads else self._last_worker
        if now > self._last_worker + WITHOUT_WORKERS:
            raise ResourceError(
                f"The Dask cluster at '{self._scheduler}' has had no worker for {WITHOUT_WORKERS} s; "
                "start some with dask worker, and run the command again."
            )

    def _lost_connection(self) -> ResourceError:
        return ResourceError(
            f"The Dask scheduler at '{self._scheduler}' was lost; run the command again when it is up."
        )


def _connect(scheduler: str) -> Any:
    """A Dask client connected to the scheduler."""
    try:
        from distributed import Client
    except ImportError as fault:
        raise UsageError("--scheduler needs Dask, which is not installed; pip install 'topores[dask]'.") from fault
    host, port = _address(scheduler)
    try:
        _knock(host, port, is_plain=scheduler.startswith("tcp:"))
        return Client(scheduler, timeout=ANSWER_WITHIN, set_as_default=False, name="topores")
    except (OSError, ValueError) as fault:
        raise UsageError(
            f"No Dask scheduler answers at '{scheduler}'; start one with dask scheduler, or leave out --scheduler."
        ) from fault


def _address(scheduler: str) -> tuple[str, int]:
    with suppress(ValueError):
        parts = urlsplit(scheduler)
        if parts.scheme in ("tcp", "tls") and parts.hostname and parts.port:
            return parts.hostname, parts.port
    raise UsageError(f"--scheduler is '{scheduler}'; give an address such as tcp://host:8786.")


def _knock(host: str, port: int, is_plain: bool) -> None:
    """Check that a Dask scheduler listens: a client would hang on another kind of server, and be slow without any.

    Raises:
        OSError: Nothing listens there, or it does not greet as Dask does.
    """
    with socket.create_connection((host, port), timeout=ANSWER_WITHIN) as connection:
        if is_plain and not connection.recv(1):
            raise ConnectionError("it closed the connection")


def _on_worker(work: Callable[[Item], Result], code: str, item: Item) -> Result:
    if code_version("topores") != code:
        raise _OtherVersion(
            "The workers of the Dask cluster have another version of topores, or of the libraries it computes with; "
            "install the same versions there and restart them."
        )
    # As on local threads, and for bit-equal results: more threads would sum in another order. Never undone, since the
    # worker's other threads rely on it too.
    threadpool_limits(limits=1, user_api="blas")
    return work(item)


class _OtherVersion(UsageError):
    """The workers run other code; their results could not be told apart from ours."""
