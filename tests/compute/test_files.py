"""Writes are atomic, and a folder has one writer."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from safetensors import SafetensorError

from topores.compute.files import (
    append_line,
    disk_faults,
    one_writer,
    remove_whole,
    sha256_file,
    sha256_text,
    share,
    undo_unfinished,
    write_json,
    write_text,
    write_whole,
)
from topores.errors import ResourceError, RunError


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    write_text(target, "old")

    def fail(aside: Path) -> None:
        aside.write_text("half", encoding="utf-8")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_whole(target, fail)
    assert target.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    def folder_with(*names: str):
        def write(aside: Path) -> None:
            aside.mkdir()
            for name in names:
                (aside / name).write_text(name, encoding="utf-8")

        return write

    write_whole(tmp_path / "model", folder_with("a", "b"))
    write_whole(tmp_path / "model", folder_with("c"))
    assert [p.name for p in (tmp_path / "model").iterdir()] == ["c"]
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


KILLED_WHILE_REPLACING = """
import os, signal, sys
from pathlib import Path
from topores.compute.files import write_whole

steps = 0

def count(event, facts):
    global steps
    if event.startswith("os.") or event in ("open", "shutil.rmtree"):
        steps += 1
        if steps == int(sys.argv[2]) + 1:
            os.kill(os.getpid(), signal.SIGKILL)

def write(aside):
    aside.mkdir()
    (aside / "new").write_text("new")

os.chdir(sys.argv[1])
sys.addaudithook(count)
write_whole(Path("model"), write)
"""


@pytest.mark.skipif(os.name == "nt", reason="has no SIGKILL")
def test_killed_at_any_step_of_replacing_a_folder_it_is_the_old_or_the_new(tmp_path: Path) -> None:
    seen = []
    for steps in range(100):
        place = tmp_path / str(steps)
        (place / "model").mkdir(parents=True)
        (place / "model" / "old").write_text("old", encoding="utf-8")
        command = [sys.executable, "-c", KILLED_WHILE_REPLACING, str(place), str(steps)]
        ended = subprocess.run(command, check=False).returncode
        undo_unfinished(place)
        assert [p.name for p in place.iterdir()] == ["model"]
        seen.append([p.name for p in (place / "model").iterdir()])
        assert [(p.name, p.read_text(encoding="utf-8")) for p in (place / "model").iterdir()] in (
            [("old", "old")],
            [("new", "new")],
        )
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
    # First all old, then all new.
    assert seen == sorted(seen, reverse=True)
    assert len(seen) > 8
    assert ["old"] in seen
    assert seen[-1] == ["new"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_stopped_between_two_renames_the_old_folder_is_put_back(
    tmp_path: Path, stop: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").write_text("", encoding="utf-8")

    def interrupted(*_: object) -> None:
        raise stop

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(stop):
        write_whole(tmp_path / "model", lambda aside: aside.mkdir())
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    assert [p.name for p in (tmp_path / "model").iterdir()] == ["old"]


def test_a_folder_is_removed_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If removal stops after any file, a reader sees no part of the folder, and the next writer clears the rest."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_text("", encoding="utf-8")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            remove_whole(tmp_path / "model")
    assert [p.name for p in tmp_path.iterdir() if not p.name.startswith(".")] == []
    undo_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_others_hide_in_a_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".notes.txt").write_text("", encoding="utf-8")
    undo_unfinished(tmp_path)
    undo_unfinished(tmp_path / "missing")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".git", ".notes.txt"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_all_is_flushed_before_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a power cut could leave an empty file of that name."""
    done: list[str] = []
    flush, replace = os.fsync, Path.replace

    def noted_flush(handle: int) -> None:
        done.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        flush(handle)

    def noted_replace(self: Path, target: Path) -> Path:
        done.append("renamed")
        return replace(self, target)

    def write(aside: Path) -> None:
        (aside / "inner").mkdir(parents=True)
        (aside / "inner" / "file").write_text("x", encoding="utf-8")

    monkeypatch.setattr(os, "fsync", noted_flush)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_whole(tmp_path / "made" / "model", write)
    at = done.index("renamed")
    assert {"file", "inner", "model"} <= set(done[:at])
    assert tmp_path.name in done[:at]  # where the folder 'made' was made
    assert done[at + 1 :] == ["made"]
    done.clear()
    append_line(tmp_path / "lines", "one")
    assert done == ["lines", tmp_path.name]


def test_lines_are_added(tmp_path: Path) -> None:
    for line in ("one", "два"):
        append_line(tmp_path / "lines", line)
    assert (tmp_path / "lines").read_bytes() == "one\nдва\n".encode()


def _fault(kind: str, number: int) -> Exception:
    words = os.strerror(number)
    if kind == "os":
        return OSError(number, words)
    told = f"Error while serializing: I/O error: {words} (os error {number})"
    return SafetensorError(told) if kind == "safetensors" else Exception(told)


@pytest.mark.parametrize("kind", ["os", "safetensors", "tokenizers"])
@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, r"The disk that holds .* is full; free some space"),
        (errno.EDQUOT, r"The disk that holds .* is full; free some space"),
        (errno.EFBIG, r"cannot be written \(file too large\)"),
        (errno.EROFS, r"cannot be written \(read-only file system\)"),
        (errno.EIO, r"cannot be written \(input/output error\)"),
    ],
)
def test_a_full_disk_is_one_line_and_keeps_what_was(tmp_path: Path, kind: str, number: int, said: str) -> None:
    write_text(tmp_path / "f", "old")

    def full(aside: Path) -> None:
        aside.write_text("half", encoding="utf-8")
        raise _fault(kind, number)

    with pytest.raises(ResourceError, match=said) as fault:
        write_whole(tmp_path / "f", full)
    assert fault.value.exit_code == 5
    assert "\n" not in str(fault.value)
    assert (tmp_path / "f").read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_fault_that_is_none_of_the_disk_stays_what_it_is(tmp_path: Path) -> None:
    for fault in (ValueError("no tensor"), SafetensorError("header too large"), FileNotFoundError(2, "x")):
        with pytest.raises(type(fault), match=str(fault)[-3:]), disk_faults(tmp_path):
            raise fault


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ResourceError, match="cannot be written"):
        write_text(tmp_path / "file" / "below", "text")


def test_one_folder_has_one_writer(tmp_path: Path) -> None:
    with one_writer(tmp_path), pytest.raises(RunError, match="Another process is writing"), one_writer(tmp_path):
        pass
    with one_writer(tmp_path):
        pass  # free again


def test_of_many_who_come_at_once_one_writes(tmp_path: Path) -> None:
    writing, most, refused = 0, 0, []
    gate = threading.Barrier(8)

    def write() -> None:
        nonlocal writing, most
        gate.wait()
        try:
            with one_writer(tmp_path):
                writing += 1
                most = max(most, writing)
                gate_open.wait(5)
                writing -= 1
        except RunError as fault:
            refused.append(fault)
            if len(refused) == 7:
                gate_open.set()

    gate_open = threading.Event()
    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, len(refused)) == (1, 7)


def test_hashes_and_json(tmp_path: Path) -> None:
    # The empty string's SHA-256, FIPS 180-4.
    assert sha256_text("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256_file(write_text(tmp_path / "a", "текст")) == sha256_text("текст")
    write_json(tmp_path / "b", {"ключ": [1, 2.5, None]})
    assert json.loads((tmp_path / "b").read_text(encoding="utf-8")) == {"ключ": [1, 2.5, None]}


def test_files_of_equal_bytes_become_one_and_others_stay(tmp_path: Path) -> None:
    for name, content in (("a", b"same"), ("b", b"same"), ("c", b"else"), ("d", b"longer")):
        (tmp_path / name).write_bytes(content)
    for name in "abcd":
        share(tmp_path / name, tmp_path / "a")
    share(tmp_path / "b", tmp_path / "a")  # they are one by now
    share(tmp_path / "c", tmp_path / "missing")
    assert [(tmp_path / name).samefile(tmp_path / "a") for name in "abcd"] == [True, True, False, False]
    assert [(tmp_path / name).read_bytes() for name in "bcd"] == [b"same", b"else", b"longer"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c", "d"]
