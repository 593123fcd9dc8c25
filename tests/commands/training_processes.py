"""Training processes that start at once: everything is imported in one process, which forks the others.

Run as a script: one JSON object a line comes in, one number a line goes out. {"arguments": [...], ...} forks a
process that is `topores train ARGUMENTS`, and answers its number; {"wait": NUMBER} answers how it ended.
"""

import json
import os
import re
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

WRITTEN = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree")
"""What Python tells its audit hooks about, before it happens; reading the run folder is left out."""


def serve() -> None:
    import tqdm

    # One thread alone: a process with more cannot be forked safely.
    tqdm.tqdm.monitor_interval = 0
    import torch

    torch.set_num_threads(1)
    import topores.commands.train  # noqa: F401
    from topores.cli import main

    sys.argv = ["topores", "train", *json.loads(sys.stdin.readline())["arguments"], "-q", "--json"]
    output, sys.stdout = sys.stdout, sys.stderr
    try:
        main()  # the run that is never stopped; what is made on first use is made now
    except SystemExit as end:
        answer: int | str | None = end.code or 0
    sys.stdout = output
    # Arrow starts its own threads again after a fork; those of Python would be lost.
    if threading.active_count() > 1:
        answer = f"these threads would not survive a fork: {threading.enumerate()}"
    print(answer, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(wait(order["wait"]) if "wait" in order else fork(order), flush=True)


def wait(process: int) -> int:
    """Its exit code, or less than 0: the signal that killed it, or stopped it for now."""
    status = os.waitpid(process, os.WUNTRACED)[1]
    return -os.WSTOPSIG(status) if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)


def fork(order: dict[str, Any]) -> int:
    return os.fork() or train(**order)


def train(
    arguments: list[str],
    folder: str,
    said: str,
    points: str,
    at: tuple[str, int] | None = None,
    then: int = signal.SIGKILL,
    state_every: float = 120.0,
    file_limit: int | None = None,
    no_pickle: bool = False,
) -> NoReturn:
    """Become `topores train ARGUMENTS`.

    Args:
        folder: The run folder; each step of writing in it is added to the file `points`.
        at: Which of these, and how often it must have come: there it gets the signal `then` (an errno below 0: there
            the operating system fails so).
        said: File for what it prints.
        file_limit: Bytes that a file may have.
        no_pickle: Whoever unpickles fails.
    """
    from topores.cli import main
    from topores.training import loop

    code: Any = 70
    try:
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 2)
        os.dup2(2, 1)
        loop.STATE_EVERY = state_every
        sys.argv = ["topores", "train", *arguments]
        watch(folder, os.open(points, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), at, then)
        if file_limit is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, resource.RLIM_INFINITY))
        if no_pickle:
            forbid_pickle()
        main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.stdout.flush()
        os._exit(code)


def watch(folder: str, record: int, at: tuple[str, int] | None, then: int) -> None:
    """Note each step of writing to `folder` before it happens; at one of them do what `train` says."""
    seen: dict[str, int] = {}

    def hook(event: str, facts: tuple) -> None:
        point = named(event, facts, folder)
        if point is None:
            return
        seen[point] = seen.get(point, 0) + 1
        os.write(record, f"{point}\n".encode())
        if at is not None and (point, seen[point]) == tuple(at):
            if then < 0:
                raise OSError(-then, os.strerror(-then))
            os.kill(os.getpid(), then)

    sys.addaudithook(hook)


def named(event: str, facts: tuple, folder: str) -> str | None:
    """A step of writing to `folder`, without what differs from run to run and from cycle to cycle."""
    if event == "open":
        # Files opened to be filled, to be added to, or ("r+") to be flushed when they are filled.
        if not isinstance(facts[1], str) or not set(facts[1]) & set("wa+"):
            return None
    elif event not in WRITTEN:
        return None
    path = os.fsdecode(facts[0]) if not isinstance(facts[0], int) else ""
    if event in ("os.remove", "os.rmdir") and facts[-1] >= 0:
        path = f"{Path(f'/proc/self/fd/{facts[-1]}').readlink()}/{path}"
    if not path.startswith(f"{folder}/"):
        return None
    inside = re.sub(r"\.\w{8}\.aside", ".aside", path.removeprefix(f"{folder}/"))
    return f"{event} {re.sub('[0-9]{9,}', 'N', inside)}{f' {facts[1]}' if event == 'open' else ''}"


def forbid_pickle() -> None:
    import pickle

    import joblib
    import torch

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a pickle is read")

    torch.load = pickle.load = pickle.loads = joblib.load = refuse  # type: ignore[assignment]
    # Others derive from this class when they are imported: it stays one.
    pickle.Unpickler = type("Refused", (pickle.Unpickler,), {"load": refuse})  # type: ignore[misc]


if __name__ == "__main__":
    serve()
