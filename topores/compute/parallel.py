"""The same work on many items: on the threads of this machine or the workers of a Dask cluster, with a bar."""

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
    known: Mapping[int, Result] | None = None,
    keep: Callable[[int, Result], object] | None = None,
) -> list[Result]:
    """`[work(item) for item in items]`, many at once; `work`, `items`, `label` and `scheduler` as in `as_finished`.

    Args:
        known: Results that are there already, by index: no work is done for them.
        keep: Called with index and result of each other item, as soon as it is finished.

    Raises:
        WorkFailed: Work on some items failed. All others were finished first; `results` has them.
    """
    found: dict[int, Any] = dict(known or {})
    indices: list[int] = []

    def missing() -> Iterator[Item]:
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
    with closing(as_finished(work, missing(), **options)) as finished:
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
    pool: Pool = Threads(work) if scheduler is None else Cluster(work, scheduler)
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
