"""Parallel work behind a cache: results are looked up first, and stored as soon as they are computed."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from topores.compute.cache import Cache
from topores.compute.parallel import run_parallel

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_remembered(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    keys: Sequence[str],
    *,
    cache: Cache | None,
    plain: Callable[[Result], dict[str, Any]],
    whole: Callable[[dict[str, Any]], Result],
    label: str,
    scheduler: str | None = None,
) -> list[Result]:
    """`[work(item) for item in items]`, computing only what `cache` does not hold.

    Each result is stored as soon as it is computed, so that an error or an interruption loses only unfinished items.

    Args:
        keys: For each item, the hash of everything that determines its result.
        cache: None stores nothing.
        plain: Turns a result into values that the cache can store.
        whole: The inverse of `plain`.

    Raises:
        WorkFailed: Work on some items failed; the other results are stored.
    """
    if cache is None:
        return run_parallel(work, items, label=label, scheduler=scheduler)
    kept = {index: values for index, key in enumerate(keys) if (values := cache.get(key)) is not None}
    known = {index: whole(values) for index, values in kept.items()}

    def keep(index: int, result: Result) -> None:
        cache.put(keys[index], plain(result))

    return run_parallel(work, items, label=label, scheduler=scheduler, known=known, keep=keep)
