"""Parallel work: order, errors, interrupts, and how many items are held at a time."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Iterator

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from topores.compute.parallel import WorkFailed, as_finished, run_parallel
from topores.compute.pool import Failed
from topores.errors import InputError


@pytest.fixture
def four_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joblib, "cpu_count", lambda: 4)


@pytest.mark.usefixtures("four_threads")
def test_results_come_in_the_order_of_the_items() -> None:
    def work(x: int) -> int:
        time.sleep(0.001 * (x % 5))
        return x * x

    assert run_parallel(work, range(50), label="squares") == [x * x for x in range(50)]
    assert run_parallel(work, (x for x in range(50)), label="squares") == [x * x for x in range(50)]
    assert run_parallel(work, [], label="nothing") == []


@pytest.mark.usefixtures("four_threads")
def test_what_is_known_is_not_worked_on_and_the_rest_is_kept_when_it_is_there() -> None:
    kept = {}
    found = run_parallel(lambda x: 10 // x, [5, 0, 2, 1, 0], label="x", known={1: -1, 4: -2}, keep=kept.__setitem__)
    assert found == [2, -1, 5, 10, -2]
    assert kept == {0: 2, 2: 5, 3: 10}
    with pytest.raises(WorkFailed, match=r"x: 1 of 3 failed \(number 3\)") as fault:
        run_parallel(lambda x: 10 // x, [5, 2, 0], label="x", known={1: -1}, keep=kept.__setitem__)
    assert fault.value.results[:2] == [2, -1]
    assert run_parallel(abs, [1, 2], label="x", known={0: 7, 1: 8}) == [7, 8]


@pytest.mark.usefixtures("four_threads")
def test_each_result_is_handed_over_as_soon_as_it_is_there() -> None:
    first_is_taken = threading.Event()

    def work(x: int) -> int:
        assert x or first_is_taken.wait(30)
        return x

    seen = []
    for index, result in as_finished(work, [1, 0], label="x"):
        seen.append((index, result))
        first_is_taken.set()
    assert seen == [(0, 1), (1, 0)]


@pytest.mark.usefixtures("four_threads")
def test_all_threads_work_at_once() -> None:
    together = threading.Barrier(4, timeout=30)
    assert len(run_parallel(lambda _: together.wait(), range(8), label="x")) == 8


@pytest.mark.usefixtures("four_threads")
def test_what_fails_loses_only_its_own_result() -> None:
    with pytest.raises(WorkFailed, match=r"inverse: 2 of 9 failed \(number 1, 8\), first with ZeroDiv.* by zero") as it:
        run_parallel(lambda x: 1 / x, [0, 1, 2, 3, 4, 5, 6, 0, 8], label="inverse")
    assert it.value.exit_code == 1
    assert isinstance(it.value.__cause__, ZeroDivisionError)
    assert [failed.index for failed in it.value.failures] == [0, 7]
    assert [r for r in it.value.results if not isinstance(r, Failed)] == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6, 1 / 8]
    found = dict(as_finished(lambda x: 1 / x, [0, 4], label="inverse"))
    assert found[1] == 0.25
    assert isinstance(found[0], Failed)
    assert found[0].index == 0


def test_a_fault_of_the_input_keeps_its_sentence_and_its_exit_code() -> None:
    def refuse(_: int) -> None:
        raise InputError("This text is empty; give another.")

    with pytest.raises(WorkFailed, match=r"This text is empty; give another\.$") as fault:
        run_parallel(refuse, [1], label="x")
    assert fault.value.exit_code == InputError.exit_code

    def too_large(_: int) -> None:
        raise MemoryError

    with pytest.raises(WorkFailed, match=r"MemoryError$") as fault:
        run_parallel(too_large, [1], label="x")
    assert fault.value.exit_code == 5


@pytest.mark.usefixtures("four_threads")
def test_a_fault_of_the_items_goes_on_after_what_was_begun() -> None:
    begun = threading.Barrier(5, timeout=30)

    def items() -> Iterator[int]:
        yield from range(4)
        begun.wait()
        raise OSError("no more items")

    def work(x: int) -> int:
        begun.wait()
        time.sleep(0.02)
        return x

    seen: list = []
    with pytest.raises(OSError, match="no more items"):
        seen.extend(as_finished(work, items(), label="x"))
    assert sorted(seen) == [(x, x) for x in range(4)]


@pytest.mark.usefixtures("four_threads")
def test_items_are_taken_as_they_are_needed_and_let_go() -> None:
    gc.freeze()  # what other tests left alive is not looked through thirty times
    alive: weakref.WeakSet = weakref.WeakSet()
    most = 0

    class Large:
        """An object whose living instances can be counted."""

    def made() -> Large:
        nonlocal most
        large = Large()
        alive.add(large)
        most = max(most, len(alive))
        return large

    def items() -> Iterator[Large]:
        assert threading.current_thread() is threading.main_thread()
        for _ in range(30):
            assert not results  # what was handed over is let go before more is made
            yield made()

    results: weakref.WeakSet = weakref.WeakSet()
    for _index, result in as_finished(lambda _: Large(), items(), label="x"):
        results.add(result)
        del result
        time.sleep(0.02)  # slower than the work: nothing may pile up
        gc.collect()
        assert len(alive) <= 1  # all are done; enumerate holds the last
    # AHEAD for each of 4 threads, and the one that has just been made.
    assert most <= 9
    gc.collect()
    gc.unfreeze()
    assert not alive


def test_a_failure_does_not_hold_its_item() -> None:
    class Large:
        """An object that supports weak references."""

    def work(item: Large) -> None:
        try:
            raise KeyError(str(item))
        except KeyError as fault:
            raise ValueError("no") from fault

    large = Large()
    followed = weakref.ref(large)
    failed = list(as_finished(work, iter([large]), label="x"))
    del large
    gc.collect()
    assert followed() is None
    ((_, failure),) = failed
    assert isinstance(failure, Failed)
    # Where it came from can still be read.
    said = "".join(traceback.format_exception(failure.reason))
    assert "KeyError" in said
    assert "in work" in said


def test_blas_has_one_thread_meanwhile_and_all_of_them_after() -> None:
    def threads(_: object = None) -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    import faiss  # noqa: F401 - its OpenBLAS is built with OpenMP: threads are counted for each thread apart

    np.linalg.norm(np.ones((2, 2)))
    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        assert 2 in before
        assert run_parallel(threads, [1], label="x") == [[1] * len(before)]
        assert threads() == before


@pytest.mark.usefixtures("four_threads")
def test_no_thread_is_left() -> None:
    before = threading.active_count()
    run_parallel(abs, range(9), label="x")
    results = as_finished(abs, range(100), label="x")
    next(results)
    results.close()
    assert threading.active_count() == before


@pytest.mark.usefixtures("four_threads")
def test_whoever_stops_listening_stops_the_work() -> None:
    begun = []

    def work(x: int) -> None:
        begun.append(x)
        time.sleep(0.01)

    def listen() -> None:
        for _ in as_finished(work, range(1000), label="x"):
            raise RuntimeError("full disk")

    with pytest.raises(RuntimeError, match="full disk"):
        listen()
    now = len(begun)
    assert now <= 9
    time.sleep(0.05)
    assert len(begun) == now


class _Terminal:
    """Standard error that claims to be a terminal."""

    def __init__(self) -> None:
        self.said = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.said += text
        return len(text)

    def flush(self) -> None: ...


def test_the_bar_counts_what_was_known_and_shows_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    list(as_finished(abs, range(3), label="shapes", done=7))
    assert capsys.readouterr().err == ""
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    run_parallel(abs, range(-7, 3), label="shapes", known=dict.fromkeys(range(7), 0))
    assert "shapes:  70%" in terminal.said
    assert "7/10" in terminal.said
    terminal.said = ""
    list(as_finished(abs, (x for x in range(3)), label="shapes", done=7, total=3))
    assert "7/10" in terminal.said


STOPPED = """
import sys, threading, time
from topores.compute import parallel

import joblib
joblib.cpu_count = lambda: 2
ending = threading.Event()
seen = []

def work(x):
    if x == 3:
        print("now", flush=True)
    if x in (2, 3):
        time.sleep(float(sys.argv[1]))
    return x

try:
    for index, result in parallel.as_finished(work, range(1000), label="x"):
        seen.append(result)
except KeyboardInterrupt:
    print(sorted(seen), flush=True)
    sys.exit(130)
"""


def _stopped(seconds: float, *signals: signal.Signals) -> tuple[int, str, float]:
    """Exit and duration of a process that gets `signals` while both its threads are busy for `seconds`."""
    command = [sys.executable, "-c", STOPPED, str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        started = time.monotonic()
        for number in signals:
            time.sleep(0.2)
            process.send_signal(number)
        said, wrong = process.communicate(timeout=120)
    assert "Traceback" not in wrong
    return process.returncode, said.strip(), time.monotonic() - started


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_those_finish_that_are_being_worked_on(number: signal.Signals) -> None:
    code, said, _ = _stopped(1, number)
    assert (code, said) == (130, "[0, 1, 2, 3]")


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
def test_a_second_signal_waits_for_nothing() -> None:
    code, said, took = _stopped(100, signal.SIGINT, signal.SIGINT)
    assert (code, said) == (130, "[0, 1]")
    assert took < 50


def test_a_handler_that_somebody_set_stays() -> None:
    def own(*_: object) -> None: ...

    before = signal.signal(signal.SIGTERM, own)
    try:
        assert run_parallel(lambda _: signal.getsignal(signal.SIGTERM), [1], label="x") == [own]
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        assert run_parallel(lambda _: signal.getsignal(signal.SIGTERM), [1], label="x") == [signal.default_int_handler]
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_it_works_in_another_thread_than_the_main_one() -> None:
    found: list = []
    thread = threading.Thread(target=lambda: found.append(run_parallel(abs, [-1, -2], label="x")))
    thread.start()
    thread.join(30)
    assert found == [[1, 2]]


def test_dask_is_imported_only_where_it_is_wanted() -> None:
    code = (
        "import sys; from topores.compute.parallel import run_parallel; run_parallel(abs, [1], label='x')\n"
        "assert not {'dask', 'distributed'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
