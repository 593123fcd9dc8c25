"""The same work on many items, on threads of this machine or workers of a Dask cluster, with a progress bar."""

import dataclasses
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import closing, contextmanager
from typing import Any, TypeVar

from tqdm import tqdm

from topores.compute.cluster import Cluster
from topores.compute.pool import Failed, Pool
from topores.compute.threads import Threads
from topores.errors import ToporesError

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkFailed(ToporesError):
    """Some items failed; the others were all finished.

    Attributes:
        results: One for each item, `Failed` where it failed.
        failures: The `Failed` ones.
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
            f"{_describe(first)}"
        )


def run_parallel(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    label: str,
    scheduler: str | None = None,
    known: Mapping[int, Result] | None = None,
    keep: Callable[[int, Result], object] | None = None,
) -> list[Result]:
    """`[work(item) for item in items]` in parallel; `work`, `items`, `label` and `scheduler` as in `as_finished`.

    Args:
        known: Results that exist already, by index; these items are skipped.
        keep: Called with the index and result of each computed item, as soon as it is finished.

    Raises:
        WorkFailed: Work on some items failed. All others were finished first and are in `results`.
    """
    found: dict[int, Any] = dict(known or {})
    indices: list[int] = []

    def missing_items() -> Iterator[Item]:
        for index, item in enumerate(items):
            if index not in (known or {}):
                indices.append(index)
                yield item

    options: dict[str, Any] = {
        "label": label,
        "scheduler": scheduler,
        "total": len(items) - len(found) if isinstance(items, Sized) else None,
        "done": len(found),
    }
    with closing(as_finished(work, missing_items(), **options)) as finished:
        for place, result in finished:
            index = indices[place]
            found[index] = dataclasses.replace(result, index=index) if isinstance(result, Failed) else result
            if keep and not isinstance(result, Failed):
                keep(index, result)
    results = [found[index] for index in range(len(found))]
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
    """(index, work(item)) for each item, in the order in which they finish.

    After Ctrl-C, SIGTERM or an error in `items`, no new item is started. Finished results, and on threads those in
    progress, are still yielded before the exception is raised. A second Ctrl-C acts at once.

    Args:
        work: A function without state. It may be called in other threads; for a cluster it must be picklable.
        items: Consumed lazily in the caller's thread, at most AHEAD per worker thread, so a generator may yield large
            items.
        label: Text of the progress bar, which shows on a terminal only.
        scheduler: Address of a Dask scheduler, such as tcp://host:8786; None uses threads of this process. Results
            are bit-identical on processors of the same kind.
        total: Number of items, if `items` has no length.
        done: Items already finished, such as cache hits; the bar starts there.

    Yields:
        Index and result of an item; `Failed` if the work raised an error, or killed the worker even when run alone.
        Items of a worker that dies for another reason are sent to another worker.

    Raises:
        UsageError: Dask is not installed, no scheduler answers, or its workers have another version of topores.
        ResourceError: The connection was lost, or the cluster had no worker for a minute.
    """
    coming, stop = enumerate(items), None
    count = len(items) if total is None and isinstance(items, Sized) else total
    whole = None if count is None else count + done
    pool: Pool = Threads(work) if scheduler is None else Cluster(work, scheduler)
    # disable=None: tqdm is silent where stderr is not a terminal.
    with _sigterm_as_ctrl_c(), pool, tqdm(desc=label, total=whole, initial=done, disable=None, leave=False) as bar:
        while True:
            try:
                while stop is None and pool.has_room() and (pair := next(coming, None)) is not None:
                    pool.submit(*pair)
                    del pair  # the item may be large; do not keep it alive until the next one
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


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C, unless another handler is installed."""
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


def _describe(fault: BaseException) -> str:
    said = " ".join(str(fault).split())
    if isinstance(fault, ToporesError) and said:
        return said
    return f"{type(fault).__name__}: {said}" if said else type(fault).__name__
