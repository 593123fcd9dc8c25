"""The same work on many items: on the threads of this machine or the workers of a Dask cluster, with a bar."""

import queue
import signal
import socket
import threading
import time
import traceback
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence, Sized
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import joblib
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from topores.compute.cache import code_version
from topores.errors import ResourceError, ToporesError, UsageError

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2
"""Items taken for each thread: the one it works on and the next. No more of them, or of their results, are held."""

ANSWER_WITHIN = 8
"""Seconds a scheduler has to answer."""

WITHOUT_WORKERS = 60
"""Seconds a cluster may be without any worker: long enough to start some, or those that died again."""


@dataclass(frozen=True)
class Failed:
    """Stands in the place of a result: the work on this item raised `reason`, or killed every worker it ran on."""

    index: int
    reason: BaseException


class WorkFailed(ToporesError):
    """Some items failed; the others were all finished.

    Attributes:
        results: One for each item, `Failed` where it failed.
        failures: Those alone.
    """

    def __init__(self, label: str, results: Sequence[Any]) -> None:
        self.results = results
        self.failures = [result for result in results if isinstance(result, Failed)]
        first = self.failures[0].reason
        self.exit_code = 5 if isinstance(first, MemoryError) else getattr(first, "exit_code", 1)
        which = ", ".join(str(failed.index + 1) for failed in self.failures[:5])
        more = ", ..." if len(self.failures) > 5 else ""
        super().__init__(
            f"{label}: {len(self.failures)} of {len(results)} failed (number {which}{more}), first with "
            f"{_in_words(first)}"
        )


def run_parallel(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    label: str,
    scheduler: str | None = None,
    total: int | None = None,
    done: int = 0,
) -> list[Result]:
    """`[work(item) for item in items]`, many at once. The arguments are those of `as_finished`.

    Raises:
        WorkFailed: Work on some items failed. All others were finished first; `results` has them.
    """
    found: dict[int, Result | Failed] = {}
    with closing(as_finished(work, items, label=label, scheduler=scheduler, total=total, done=done)) as finished:
        found.update(finished)
    results: list[Any] = [found[index] for index in range(len(found))]
    failed = next((result for result in results if isinstance(result, Failed)), None)
    if failed is not None:
        raise WorkFailed(label, results) from failed.reason
    return results


def as_finished(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    label: str,
    scheduler: str | None = None,
    total: int | None = None,
    done: int = 0,
) -> Generator[tuple[int, Result | Failed], None, None]:
    """(index, work(item)) for each item, in the order they are finished.

    After Ctrl-C, SIGTERM or a fault of `items`, no item is begun any more; what is finished by then, and on threads
    what is being worked on, is still yielded before the exception goes on. A second Ctrl-C acts at once.

    Args:
        work: A function without state. It may be called in other threads; for a cluster it must be picklable.
        items: Taken one by one, here in the caller's thread, AHEAD for each thread: a generator may make large ones.
        label: What the bar says. It shows on a terminal only.
        scheduler: Address of a Dask scheduler, such as tcp://host:8786; None: threads of this process. Results are
            the same bit for bit, as long as the processors are of one kind.
        total: How many items come, if `items` has no length.
        done: Items that were finished before, such as those a cache knew: the bar counts them.

    Yields:
        Index and result of an item. `Failed` if the work raised an error, or took down the worker even when it ran
        alone; a worker that dies otherwise costs nothing, since its items are sent to another one.

    Raises:
        UsageError: Dask is not installed, no scheduler answers there, or its workers have another topores.
        ResourceError: The cluster was lost, or had no worker for a minute.
    """
    coming, stop = enumerate(items), None
    count = len(items) if total is None and isinstance(items, Sized) else total
    whole = None if count is None else count + done
    pool: _Pool = _Threads(work) if scheduler is None else _Cluster(work, scheduler)
    # disable=None: tqdm is silent where stderr is no terminal.
    with _sigterm_as_ctrl_c(), pool, tqdm(desc=label, total=whole, initial=done, disable=None, leave=False) as bar:
        while True:
            try:
                while stop is None and pool.has_room() and (pair := next(coming, None)) is not None:
                    pool.submit(*pair)
                    del pair  # the item may be large, and be done before this name gets another
                if not pool.is_busy():
                    break
                index, result = pool.take()
                if isinstance(result, Failed) and not isinstance(result.reason, Exception):
                    raise result.reason
            except BaseException as fault:
                if stop is not None:
                    raise
                stop = fault
                pool.cancel()
                continue
            bar.update()
            yield index, result
            del result
    if stop is not None:
        raise stop


class _Pool(ABC):
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


class _Threads(_Pool):
    """Threads that end with the process: an engine deep in a long computation cannot hold up its end.

    joblib's own would take items in one of its threads, and as many as are worked off, however many results wait.
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
        # One BLAS thread for each of ours: more would fight over the same cores, and lose many times their gain.
        self._held.enter_context(threadpool_limits(limits=1, user_api="blas"))

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
        finished = _next_of(self._finished)
        self._in_flight -= 1
        return finished

    def cancel(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
                self._in_flight -= 1

    def _serve(self) -> None:
        while (job := self._waiting.get()) is not None:
            index, item = job
            finished = index, _attempt(self._work, index, item)
            del job, item  # the thread may wait long for the next one
            self._finished.put(finished)
            del finished


class _Cluster(_Pool):
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

        # The item goes with the task, so that another worker can do it if this one dies; Dask calls that large.
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
            result = _attempt(type(future).result, index, future)
            if future.cancelled():
                raise self._lost()
            del self._in_flight[index]
            if isinstance(result, Failed) and isinstance(result.reason, _OtherVersion):
                raise result.reason
            if not isinstance(result, Failed) or not isinstance(result.reason, KilledWorker):
                return index, result
            if index in self._alone:
                died = "every worker that took it died, also without other work; it may need more memory than they have"
                return index, Failed(index, ResourceError(died))
            # All that a dying worker had been given is blamed. The one at fault is known when it runs alone.
            self._suspects.append((index, item))

    def cancel(self) -> None:
        self._suspects.clear()
        unfinished = {index: future for index, (future, _) in self._in_flight.items() if not future.done()}
        for index in unfinished:
            del self._in_flight[index]
        with suppress(Exception):  # the scheduler may be gone, and then nothing is worked on
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

    def _look(self) -> None:
        """Count the cluster's threads, now and then.

        Raises:
            ResourceError: There was none for WITHOUT_WORKERS seconds, or the scheduler is gone.
        """
        if self._client.status != "running":
            raise self._lost()
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
                "start some with dask worker, and run it again."
            )

    def _lost(self) -> ResourceError:
        return ResourceError(f"The Dask scheduler at '{self._scheduler}' was lost; run it again when it answers.")


def _connect(scheduler: str) -> Any:
    """A client of the scheduler."""
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
    """A client would wait without end for another kind of server, and long where there is none.

    Raises:
        OSError: Nobody answers there, or nobody who greets as Dask does.
    """
    with socket.create_connection((host, port), timeout=ANSWER_WITHIN) as connection:
        if is_plain and not connection.recv(1):
            raise ConnectionError("it hangs up")


def _on_worker(work: Callable[[Item], Result], code: str, item: Item) -> Result:
    if code_version("topores") != code:
        raise _OtherVersion(
            "The workers of the Dask cluster have another topores, or other versions of what it computes with; "
            "install the same there, and start them again."
        )
    # As on threads here, and for the same bits: sums are taken in another order by more threads. Never undone, since
    # the other threads of this worker count on it too.
    threadpool_limits(limits=1, user_api="blas")
    return work(item)


class _OtherVersion(UsageError):
    """Whatever such a worker computes could not be told from our own results."""


def _attempt(work: Callable[[Any], object], index: int, item: Any) -> object:
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


def _next_of(finished: queue.SimpleQueue[Result]) -> Result:
    while True:
        # Windows delivers no Ctrl-C to a thread that waits without end.
        with suppress(queue.Empty):
            return finished.get(timeout=1)


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM, where nobody else handles it, end the work as Ctrl-C does."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _in_words(fault: BaseException) -> str:
    said = " ".join(str(fault).split())
    if isinstance(fault, ToporesError) and said:
        return said
    return f"{type(fault).__name__}: {said}" if said else type(fault).__name__
