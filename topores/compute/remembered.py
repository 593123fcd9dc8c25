"""Work that a cache may know already: looked up first, done where it is not known, kept as soon as it is done."""

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
    """`[work(item) for item in items]`, but for what `cache` holds.

    Each result is kept when it is there, so that a fault or an interruption loses what was not finished alone.

    Args:
        keys: Of each item: the hash of all that decides its result.
        cache: None keeps nothing.
        plain: A result as values that a cache can hold; `whole` is its inverse.

    Raises:
        WorkFailed: Work on some items failed; the others are kept.
    """
    if cache is None:
        return run_parallel(work, items, label=label, scheduler=scheduler)
    kept = {index: values for index, key in enumerate(keys) if (values := cache.get(key)) is not None}
    known = {index: whole(values) for index, values in kept.items()}

    def keep(index: int, result: Result) -> None:
        cache.put(keys[index], plain(result))

    return run_parallel(work, items, label=label, scheduler=scheduler, known=known, keep=keep)
