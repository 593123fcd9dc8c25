"""Work that a cache may know already: looked up first, done where it is not known, kept as soon as it is done."""

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, TypeVar

from topores.compute.cache import Cache
from topores.compute.parallel import WorkFailed, as_finished
from topores.compute.pool import Failed

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
    found: dict[int, Any] = {}
    for index, key in enumerate(keys):
        kept = cache.get(key) if cache else None
        if kept is not None:
            found[index] = whole(kept)
    missing = [index for index in range(len(items)) if index not in found]
    todo = (items[index] for index in missing)
    options = {"label": label, "scheduler": scheduler, "total": len(missing), "done": len(found)}
    with closing(as_finished(work, todo, **options)) as finished:  # type: ignore[arg-type]
        for place, result in finished:
            index = missing[place]
            found[index] = result
            if cache and not isinstance(result, Failed):
                cache.put(keys[index], plain(result))
    results = [found[index] for index in range(len(items))]
    failed = next((result for result in results if isinstance(result, Failed)), None)
    if failed is not None:
        raise WorkFailed(label, results) from failed.reason
    return results
