"""Parallel work on a real Dask cluster of two processes: bit-equal results even if workers die."""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from topores.compute import cluster as of_cluster
from topores.compute.parallel import WorkFailed, as_finished, run_parallel
from topores.compute.pool import Failed
from topores.errors import ResourceError, UsageError
from topores.topology import persistent_homology

distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install 'topores[dask]'")


@contextmanager
def two_workers() -> Iterator[Any]:
    """A cluster of two processes that gives up on an item that has killed two of them."""
    import cloudpickle
    import dask

    # Functions of this file cannot be imported there by name.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    settings = {"distributed.scheduler.allowed-failures": 1, "distributed.comm.timeouts.connect": "60s"}
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(**options, host="127.0.0.1", silence_logs=logging.CRITICAL) as cluster,
    ):
        yield cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with two_workers() as cluster:
        yield cluster


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The scheduler of a cluster for one test alone: workers that died may still be starting when it ends.

    A source that is edited meanwhile is no matter here, though workers that start later read it.
    """
    monkeypatch.setattr(of_cluster, "_on_worker", _on_any_worker)
    with two_workers() as cluster:
        yield cluster.scheduler_address


def _on_any_worker(work: Callable[[Any], Any], _code: str, item: Any) -> Any:
    return work(item)


@pytest.fixture
def scheduler(cluster: Any) -> str:
    return cluster.scheduler_address


def diagrams(points: np.ndarray) -> list[np.ndarray]:
    return persistent_homology(points, max_degree=1)


def spectrum(points: np.ndarray) -> np.ndarray:
    return np.linalg.svd(points @ points.T)[1]


def die() -> None:
    # Not at once: a worker that dies before it was quite started is not always started again.
    time.sleep(1)
    os._exit(1)


@pytest.mark.slow
@pytest.mark.parametrize("work", [diagrams, spectrum])
def test_threads_and_cluster_give_the_same_bits(scheduler: str, work: Any) -> None:
    clouds = [np.random.default_rng(seed).normal(size=(120, 16)) for seed in range(8)]
    here = run_parallel(work, clouds, label="x")
    there = run_parallel(work, iter(clouds), label="x", scheduler=scheduler)
    for one, other in zip(here, there, strict=True):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert a.dtype == b.dtype
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@pytest.mark.slow
@pytest.mark.filterwarnings("error:Sending large graph")
def test_it_is_done_in_other_processes_and_large_items_pass_without_a_warning(scheduler: str) -> None:
    def work(item: np.ndarray) -> tuple[int, float]:
        time.sleep(0.05)
        return os.getpid(), float(item.sum())

    found = run_parallel(work, (np.full(2_000_000, float(n)) for n in range(6)), label="x", scheduler=scheduler)
    assert len({process for process, _ in found}) == 2
    assert os.getpid() not in {process for process, _ in found}
    assert [total for _, total in found] == [2_000_000.0 * n for n in range(6)]


@pytest.mark.slow
def test_blas_has_one_thread_there_too(scheduler: str) -> None:
    def work(_: int) -> set[int]:
        found = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
        threadpool_limits(limits=2, user_api="blas")  # as work of others may have left it
        return found

    assert run_parallel(work, range(8), label="x", scheduler=scheduler) == [{1}] * 8


@pytest.mark.slow
def test_items_are_taken_as_they_are_needed(scheduler: str) -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(40):
            taken += 1
            yield item

    for received, _ in enumerate(as_finished(abs, items(), label="x", scheduler=scheduler)):
        # Two workers of one thread, AHEAD for each; it may begin with one of them.
        assert taken - received <= 5
    assert taken == 40


@pytest.mark.slow
def test_what_fails_loses_only_its_own_result(scheduler: str) -> None:
    def inverse(x: int) -> float:
        return 1 / x

    with pytest.raises(WorkFailed, match=r"x: 1 of 4 failed \(number 2\), first with ZeroDivisionError") as fault:
        run_parallel(inverse, [1, 0, 2, 4], label="x", scheduler=scheduler)
    assert [r for r in fault.value.results if not isinstance(r, Failed)] == [1, 0.5, 0.25]


@pytest.mark.slow
def test_a_worker_that_dies_once_costs_nothing(mortal: str, tmp_path: Path) -> None:
    died = tmp_path / "died"

    def work(x: int) -> int:
        if x == 3 and not died.exists():
            died.touch()
            die()
        return x * x

    assert run_parallel(work, range(10), label="x", scheduler=mortal) == [x * x for x in range(10)]
    assert died.exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="has no SIGKILL")
def test_a_worker_that_is_killed_costs_nothing(mortal: str, tmp_path: Path) -> None:
    killed = tmp_path / "killed"

    def work(x: int) -> tuple[int, int]:
        time.sleep(0.2)
        return x, os.getpid()

    seen = []
    for _, result in as_finished(work, range(12), label="x", scheduler=mortal):
        seen.append(result)
        if not killed.exists():
            killed.touch()
            os.kill(result[1], signal.SIGKILL)
    assert sorted(x for x, _ in seen) == list(range(12))


@pytest.mark.slow
def test_what_kills_every_worker_is_the_only_one_lost(mortal: str) -> None:
    def work(x: int) -> int:
        if x == 2:
            die()
        time.sleep(0.05)
        return x

    found = dict(as_finished(work, range(8), label="x", scheduler=mortal))
    lost = found.pop(2)
    assert found == {x: x for x in range(8) if x != 2}
    assert isinstance(lost, Failed)
    assert "every worker that ran it died" in str(lost.reason)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
def test_ctrl_c_keeps_what_is_finished_and_cancels_the_rest(cluster: Any, tmp_path: Path) -> None:
    # Removing a file ends the work even if the whole folder goes: pytest removes it as soon as the test has passed.
    hold = tmp_path / "hold"
    hold.touch()

    def work(x: int) -> int:
        while x >= 4 and hold.exists():
            time.sleep(0.05)
        return x

    def listen() -> None:
        for index, _ in as_finished(work, range(100), label="x", scheduler=cluster.scheduler_address):
            seen.append(index)
            if len(seen) == 4:
                threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()

    seen: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        listen()
    assert hold.exists()  # nothing has waited for the two that are still at work
    assert sorted(seen) == [0, 1, 2, 3]
    assert _becomes_true(lambda: not cluster.scheduler.tasks)
    hold.unlink()


def _becomes_true(ask: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not ask() and time.monotonic() < deadline:
        time.sleep(0.05)
    return ask()


@pytest.mark.slow
def test_no_client_is_left(cluster: Any) -> None:
    run_parallel(abs, [1], label="x", scheduler=cluster.scheduler_address)
    assert _becomes_true(lambda: set(cluster.scheduler.clients) == {"fire-and-forget"})


@pytest.mark.slow
def test_workers_of_another_version_are_refused(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a cache would store their results under this version's key."""
    monkeypatch.setattr(of_cluster, "code_version", lambda *_: "edited since")
    with pytest.raises(UsageError, match="have another version of topores"):
        run_parallel(abs, [1], label="x", scheduler=scheduler)


@pytest.fixture
def one_thread() -> Iterator[Any]:
    """A cluster of one worker in a thread of this process."""
    options = {"threads_per_worker": 1, "processes": False, "dashboard_address": ":0", "protocol": "tcp"}
    with distributed.LocalCluster(n_workers=1, **options, silence_logs=logging.CRITICAL) as cluster:
        yield cluster


@pytest.mark.slow
def test_without_any_worker_it_ends_with_one_line(one_thread: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_cluster, "WITHOUT_WORKERS", 3)
    results = as_finished(abs, iter(range(-1000, 0)), label="x", scheduler=one_thread.scheduler_address)
    assert next(results) == (0, 1000)
    one_thread.scale(0)
    with pytest.raises(ResourceError, match="has had no worker for 3 s"):
        list(results)


@pytest.mark.slow
def test_when_the_scheduler_is_lost_it_ends_with_one_line(one_thread: Any) -> None:
    results = as_finished(abs, iter(range(-1000, 0)), label="x", scheduler=one_thread.scheduler_address)
    assert next(results) == (0, 1000)
    one_thread.close()
    with pytest.raises(ResourceError, match="was lost"):
        list(results)


@pytest.mark.slow
def test_a_result_whose_number_was_lost_is_taken_still(one_thread: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Ctrl-C may lose it, between the queue and its use: the command would wait without end."""
    monkeypatch.setattr(of_cluster, "_on_worker", _on_any_worker)
    cluster = of_cluster.Cluster(abs, one_thread.scheduler_address)
    with cluster:
        cluster.submit(0, -3)
        assert cluster._finished.get(timeout=60) == 0
        assert cluster.take() == (0, 3)


@pytest.mark.parametrize("address", ["x", "127.0.0.1:8786", "tcp://host", "tcp://host:port", "http://host:80", ""])
def test_an_address_that_is_none_is_one_line(address: str) -> None:
    with pytest.raises(UsageError, match="give an address such as tcp://host:8786"):
        run_parallel(abs, [1], label="x", scheduler=address)


@pytest.mark.parametrize("answer", ["nothing", "hangs up", "nobody"])
def test_where_no_scheduler_answers_is_one_line(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_cluster, "ANSWER_WITHIN", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if answer == "hangs up":
            threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        if answer == "nobody":
            server.close()
        started = time.monotonic()
        with pytest.raises(UsageError, match=f"No Dask scheduler answers at 'tcp://127.0.0.1:{port}'; start one"):
            run_parallel(abs, [1], label="x", scheduler=f"tcp://127.0.0.1:{port}")
        assert time.monotonic() - started < 10


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'topores\[dask\]'"):
        run_parallel(abs, [1], label="x", scheduler="tcp://127.0.0.1:8786")
