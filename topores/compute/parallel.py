"""The same work on many items, on all cores, in order, with a bar on a terminal."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits
from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_parallel(work: Callable[[Item], Result], items: Iterable[Item], *, label: str) -> list[Result]:
    """`[work(item) for item in items]` on threads: the homology engines release the GIL."""
    items = list(items)
    pool = Parallel(n_jobs=-1, prefer="threads", return_as="generator")
    # One BLAS thread for each of ours: more would fight over the same cores, and lose many times their gain.
    with threadpool_limits(limits=1, user_api="blas"):
        results = pool(delayed(work)(item) for item in items)
        # disable=None: tqdm is silent where stderr is no terminal.
        return list(tqdm(results, total=len(items), desc=label, disable=None, leave=False))
