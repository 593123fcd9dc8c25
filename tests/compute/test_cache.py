"""The cache returns what was stored or nothing, whatever happens to its files; keys differ where they must."""

import errno
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import topores.compute.cache as module
from topores.compute import entries, keys
from topores.compute.cache import Amount, Cache, default_folder
from topores.compute.entries import FORMAT
from topores.compute.keys import code_version, digest, sha256_of_folder
from topores.errors import InputError, UsageError

KEY, OTHER = digest(number=1), digest(number=2)
VALUE = {
    "diagrams": [np.array([[0, 1.5], [0.25, np.inf]]), np.zeros((0, 2))],
    "facts": {"engine": "redzed", "exact": True, "seconds": 0.1, "seed": None, "names": ["один", "two"]},
    "rows": np.arange(6, dtype=np.int32).reshape(2, 3).T,
}


@pytest.fixture
def kept(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def filled(kept: Cache) -> Cache:
    kept.put(KEY, VALUE)
    return kept


def file_of(cache: Cache, key: str = KEY) -> Path:
    return cache.folder / key[:2] / f"{key[2:]}.result"


def same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other or one != one


# What goes in comes out.


def test_what_was_put_is_found_again(filled: Cache) -> None:
    found = Cache(filled.folder).get(KEY)
    assert same(found, VALUE)
    assert found is not None
    found["rows"][0] = 7  # the caller's own
    assert filled.get(OTHER) is None


ARRAYS = hnp.arrays(
    st.one_of(hnp.scalar_dtypes(), hnp.unicode_string_dtypes(), hnp.byte_string_dtypes()),
    hnp.array_shapes(min_dims=0, min_side=0, max_side=3),
)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    PLAIN | ARRAYS, lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(), of, max_size=3), max_leaves=6
)


@given(st.dictionaries(st.text(), VALUES, max_size=3))
def test_every_value_comes_back_bit_by_bit(tmp_path_factory: pytest.TempPathFactory, value: dict) -> None:
    cache = Cache(tmp_path_factory.getbasetemp() / "values")
    cache.put(KEY, value)
    assert same(cache.get(KEY), value)
    assert same(cache.get(KEY, mapped=True), value)


def test_a_mapped_array_lies_in_the_file_and_cannot_be_changed(filled: Cache) -> None:
    found = filled.get(KEY, mapped=True)
    assert found is not None
    places = [place for place in (found["rows"], *found["diagrams"]) if place.size]
    for array in places:
        assert not array.flags.owndata
        assert _root(array).__class__.__name__ == "mmap"
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
    filled.prune(larger_than=0)
    assert filled.get(KEY) is None
    assert same(found, VALUE)  # the system keeps what is mapped


def _root(array: Any) -> Any:
    while isinstance(array, np.ndarray | memoryview):
        array = array.base if isinstance(array, np.ndarray) else array.obj
    return array


def test_the_room_is_that_of_the_disk_wherever_the_folder_will_be(tmp_path: Path) -> None:
    here = shutil.disk_usage(tmp_path).free
    assert Cache(tmp_path / "not" / "there" / "yet").room() == pytest.approx(here, rel=0.2)


def test_tuples_come_back_as_lists_and_numpy_numbers_as_pythons(kept: Cache) -> None:
    kept.put(KEY, {"shape": (1, 2), "n": np.int64(3), "x": np.float64(0.1)})
    assert same(kept.get(KEY), {"shape": [1, 2], "n": 3, "x": 0.1})


def test_what_cannot_be_kept_is_refused_and_not_pickled(kept: Cache) -> None:
    for value in (np.array([{}], dtype=object), {1: 2}, Path("x"), {1, 2}, 1j):
        with pytest.raises(TypeError, match=r"give|must be"):
            kept.put(KEY, {"value": value})
    assert kept.get(KEY) is None
    for key in ("", "ab", "../" * 20 + "abcd", KEY.upper(), KEY + "\n"):
        with pytest.raises(ValueError, match="64 hexadecimal digits"):
            kept.get(key)


# Damage.


def _truncated(content: bytes) -> bytes:
    return content[:-1]


def _flipped(content: bytes) -> bytes:
    return content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]


def _in_the_checksum(content: bytes) -> bytes:
    return content[: len(FORMAT)] + bytes([content[len(FORMAT)] ^ 128]) + content[len(FORMAT) + 1 :]


def _longer(content: bytes) -> bytes:
    return content + b"\0"


def _other_format(content: bytes) -> bytes:
    return content.replace(b"topores result", b"topores_result", 1)


def _sound_around(body: bytes) -> bytes:
    return FORMAT + entries._checksum(KEY, [body]) + body


DAMAGE = {
    "truncated": _truncated,
    "a bit of an array": _flipped,
    "a bit of the checksum": _in_the_checksum,
    "longer": _longer,
    "another format": _other_format,
    "empty": lambda _: b"",
    "only its beginning": lambda _: FORMAT,
    "wrong JSON": lambda _: _sound_around(b"3\n{x}"),
    "no length": lambda _: _sound_around(b"x"),
    "JSON of another kind": lambda _: _sound_around(b"3\n[1]"),
    "an array that is missing": lambda _: _sound_around(b'31\n{"dict": {"a": {"array": 4321}}}'),
    "pickled": lambda _: _sound_around(b'12\n{"dict": {}}' + b"\x93NUMPY\x01\0" + b"x" * 40),
}


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_none_and_the_log_says_so(
    filled: Cache, damage: str, mapped: bool, caplog: pytest.LogCaptureFixture
) -> None:
    file = file_of(filled)
    file.write_bytes(DAMAGE[damage](file.read_bytes()))
    with caplog.at_level(logging.WARNING, logger="topores"):
        assert filled.get(KEY, mapped=mapped) is None
    (line,) = caplog.messages
    assert "is damaged" in line
    assert "computing it again" in line
    assert not file.exists()
    filled.put(KEY, VALUE)
    assert same(filled.get(KEY), VALUE)


def test_every_flipped_bit_is_seen(kept: Cache) -> None:
    kept.put(KEY, {"x": np.arange(3)})
    file = file_of(kept)
    sound = file.read_bytes()
    for place in range(len(sound)):
        file.write_bytes(sound[:place] + bytes([sound[place] ^ (1 << place % 8)]) + sound[place + 1 :])
        assert kept.get(KEY) is None, place
    file.write_bytes(sound)
    assert kept.get(KEY) is not None


def test_an_entry_under_another_key_is_damaged(filled: Cache) -> None:
    file_of(filled, OTHER).parent.mkdir(exist_ok=True)
    file_of(filled).rename(file_of(filled, OTHER))
    assert filled.get(OTHER) is None


def test_a_folder_in_the_place_of_an_entry_is_replaced(kept: Cache, caplog: pytest.LogCaptureFixture) -> None:
    (file_of(kept) / "inside").mkdir(parents=True)
    with caplog.at_level(logging.WARNING, logger="topores"):
        assert kept.get(KEY) is None
    assert "cannot be read" in caplog.text
    kept.put(KEY, VALUE)
    assert same(kept.get(KEY), VALUE)


# A disk that does not take it.


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO, errno.ENOENT])
def test_a_disk_that_takes_nothing_is_said_once_and_stops_nothing(
    filled: Cache, number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def full(path: Path, _content: bytes) -> None:
        tried.append(path)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module, "_write", full)
    with caplog.at_level(logging.WARNING, logger="topores"):
        filled.put(OTHER, VALUE)
        filled.put(OTHER, VALUE)
    (line,) = caplog.messages
    assert os.strerror(number) in line
    assert str(filled.folder) in line
    assert len(tried) == 1
    assert filled.get(OTHER) is None
    assert same(filled.get(KEY), VALUE)
    assert [path.name for path in file_of(filled, OTHER).parent.iterdir()] == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_cache_is_read(filled: Cache, caplog: pytest.LogCaptureFixture) -> None:
    places = [filled.folder, *filled.folder.rglob("*")]
    for place in places:
        place.chmod(0o500)
    try:
        with caplog.at_level(logging.WARNING, logger="topores"):
            filled.put(OTHER, VALUE)
        assert "cannot be written" in caplog.text
        assert same(filled.get(KEY), VALUE)
    finally:
        for place in places:
            place.chmod(0o700)


def test_a_file_where_the_cache_should_be(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    cache = Cache(tmp_path / "file")
    with caplog.at_level(logging.WARNING, logger="topores"):
        cache.put(KEY, VALUE)
        assert cache.get(KEY) is None
    assert "cannot be written" in caplog.text
    assert (cache.size(), cache.prune(older_than=0)) == (Amount(0, 0), Amount(0, 0))
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


# Several processes, and death.

WRITER = """
import sys
import numpy as np
from pathlib import Path
from topores.compute.cache import Cache

cache, key = Cache(Path(sys.argv[1])), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for _ in range(60):
    cache.put(key, {"x": np.arange(5000)})
    found = cache.get(key)
    assert found is not None and (found["x"] == np.arange(5000)).all()
"""


def test_two_processes_may_write_and_read_one_key(kept: Cache) -> None:
    command = [sys.executable, "-W", "error", "-c", WRITER, str(kept.folder), KEY]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    writers = [subprocess.Popen(command, text=True, **pipes) for _ in range(2)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    ended = []
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        ended.append((writer.communicate(timeout=120)[1], writer.returncode))
    assert ended == [("", 0)] * 2
    found = kept.get(KEY)
    assert found is not None
    assert (found["x"] == np.arange(5000)).all()
    assert kept.size().entries == 1
    assert len(list(file_of(kept).parent.iterdir())) == 1


KILLED = """
import os, signal, sys
import numpy as np
from pathlib import Path
from topores.compute.cache import Cache

folder, key = Path(sys.argv[1]), sys.argv[2]
steps = die_at = 0

def count(event, facts):
    global steps
    if event.startswith("os.") or event in ("open", "shutil.rmtree"):
        steps += 1
        if steps == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
cache = Cache(folder)
for at in range(1, 100):
    # One interpreter for all: each death is that of a child.
    child = os.fork()
    if child == 0:
        steps, die_at = 0, at
        Cache(folder / str(at)).put(key, {"x": np.arange(50)})
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL
print(at)
"""


@pytest.mark.skipif(os.name == "nt", reason="has no SIGKILL")
def test_killed_at_any_step_of_writing_it_is_whole_or_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path), KEY]
    steps = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert steps > 8
    seen = []
    for at in range(1, steps + 1):
        cache = Cache(tmp_path / str(at))
        found = cache.get(KEY)
        assert found is None or (found["x"] == np.arange(50)).all()
        seen.append(found is not None)
        # Nobody knows yet whether the writer is dead.
        cache.prune()
        for path in cache.folder.rglob("*.aside"):
            os.utime(path, (0, 0))
        cache.prune()
        assert not list(cache.folder.rglob("*.aside"))
        assert (cache.get(KEY) is not None) == seen[-1]
    # First nothing, then all of it.
    assert seen == sorted(seen)
    assert not seen[0]
    assert seen[-1]


def test_a_write_that_is_under_way_is_left_alone(filled: Cache) -> None:
    aside = file_of(filled).parent / f".{KEY[2:]}.result.abcd1234.aside"
    aside.mkdir()
    (aside / "half").write_bytes(b"12345")
    assert filled.prune() == Amount(0, 0)
    assert aside.exists()
    os.utime(aside, (0, 0))
    assert filled.prune() == Amount(0, 5)
    assert not aside.exists()
    assert filled.get(KEY) is not None


# Pruning.


def test_reading_makes_an_entry_young_again(kept: Cache) -> None:
    keys = [digest(number=number) for number in range(4)]
    for age, key in enumerate(keys):
        kept.put(key, {"x": np.zeros(100)})
        then = time.time() - 1000 + age
        os.utime(file_of(kept, key), (then, then))
    assert kept.get(keys[0]) is not None
    one = kept.size().bytes // 4
    assert kept.size() == Amount(4, 4 * one)
    # The order of use is now 1, 2, 3, 0.
    assert kept.prune(larger_than=4 * one) == Amount(0, 0)
    assert kept.prune(larger_than=3 * one) == Amount(1, one)
    assert [kept.get(key) is not None for key in keys] == [True, False, True, True]
    for age, key in enumerate((keys[3], keys[0], keys[2])):
        then = time.time() - 86400 * (9 - age)
        os.utime(file_of(kept, key), (then, then))
    assert kept.prune(older_than=8.5, larger_than=2 * one) == Amount(1, one)
    assert kept.prune(older_than=7.5) == Amount(1, one)
    assert kept.get(keys[2]) is not None
    assert kept.prune(older_than=0) == Amount(1, one)
    assert kept.size() == Amount(0, 0)


def test_what_is_not_the_caches_is_never_removed(filled: Cache) -> None:
    foreign = ["notes.txt", "ab/notes.result", f"{KEY}.result", f"zz/{KEY[2:]}.result", f"ab/{KEY[2:]}.txt", ".x.aside"]
    for name in foreign:
        (filled.folder / name).parent.mkdir(exist_ok=True)
        (filled.folder / name).write_text("mine", encoding="utf-8")
        os.utime(filled.folder / name, (0, 0))
    assert filled.prune(older_than=0, larger_than=0).entries == 1
    assert all((filled.folder / name).exists() for name in foreign)


def test_entries_removed_by_another_process_are_ignored(kept: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        kept.put(digest(number=number), {"number": number})
    pruned = [threading.Thread(target=kept.prune, kwargs={"older_than": 0}) for _ in range(4)]
    for thread in pruned:
        thread.start()
    for thread in pruned:
        thread.join()
    assert kept.size() == Amount(0, 0)
    kept.put(KEY, VALUE)
    monkeypatch.setattr(os, "utime", _denied)
    assert same(kept.get(KEY), VALUE)
    monkeypatch.setattr(Path, "unlink", _denied)
    assert kept.prune(older_than=0) == Amount(0, 0)
    assert kept.size().entries == 1


def _denied(*_: object, **__: object) -> None:
    raise PermissionError(errno.EACCES, "denied")


# Keys.


def test_keys_are_those_of_the_last_release() -> None:
    """Otherwise every stored result would be recomputed; change this only together with FORMAT."""
    written = b"6 0 dict 1" + b"3 6 strnumber" + b"3 1 int1"
    assert hashlib.sha256(written).hexdigest() == KEY


def test_order_of_names_and_kind_of_sequence_do_not_matter() -> None:
    assert digest(a=1, b={"c": 2, "d": 3}) == digest(b={"d": 3, "c": 2}, a=1)
    assert digest(a=(1, 2)) == digest(a=[1, 2])
    grid = np.arange(6.0).reshape(2, 3)
    assert digest(a=grid) == digest(a=np.asfortranarray(grid)) == digest(a=grid.repeat(2, axis=1)[:, ::2])


DIFFERENT: list[Any] = [
    None, True, False, 1, 1.0, "1", "1.0", b"1", 0, 0.0, -0.0, "", "None", float("nan"), float("inf"),
    [], {}, [[]], [1], ["1"], [1, 1], [[1], 1], [1, [1]], {"a": 1}, {"a": "1"}, {"a": {"b": 1}}, {"a": 1, "b": 1},
    ["a", "bc"], ["ab", "c"], ["abc"], "a\0", "3 1 str1",
    np.array(1.0), np.array([1.0]), np.array([[1.0]]), np.array([1]), np.array([1], dtype=np.int32),
    np.array([1], dtype=">i8"), np.array([True]), np.array(["1"]), np.array([1.0], dtype=np.float32),
    np.zeros((0, 2)), np.zeros((2, 0)), np.array([0.0]), np.array([-0.0]),
    np.zeros(1, dtype=[("x", "<i4"), ("y", "<i4")]), np.zeros(1, dtype=[("x", "<i4"), ("z", "<i4")]),
]  # fmt: skip


def test_what_differs_has_another_key() -> None:
    keys = [digest(part=part) for part in DIFFERENT] + [digest(other=1), digest(), digest(part=1, other=1)]
    assert len(set(keys)) == len(DIFFERENT) + 3


@given(VALUES, VALUES)
def test_keys_are_equal_exactly_where_values_are(one: Any, other: Any) -> None:
    assert (digest(part=one) == digest(part=other)) == same(_in_order(one), _in_order(other))
    assert digest(part=one) == digest(part=one)


def _in_order(value: Any) -> Any:
    """A value as keys see it: without the order of names, and with the signs of zeros."""
    if isinstance(value, dict):
        return {name: _in_order(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_in_order(part) for part in value]
    return np.float64(value).tobytes() if isinstance(value, float) else value


@pytest.mark.parametrize("part", [object(), Path("x"), {1}, 1j, np.array([None]), {1: 2}, [{"a": {2: 3}}], len])
def test_what_has_no_bytes_of_its_own_has_no_key(part: Any) -> None:
    with pytest.raises(TypeError, match=r"give|must be"):
        digest(part=part)


# Code and weights.


def test_an_edited_source_is_another_version(tmp_path: Path) -> None:
    def version() -> str:
        code_version.cache_clear()
        return code_version(tmp_path)

    (tmp_path / "part").mkdir()
    engine = tmp_path / "part" / "engine.py"
    engine.write_text("x = 1\n", encoding="utf-8")
    first = version()
    (tmp_path / "notes.md").write_text("no source", encoding="utf-8")
    assert version() == first
    engine.write_text("x = 2\n", encoding="utf-8")
    second = version()
    engine.rename(tmp_path / "engine.py")
    assert len({first, second, version()}) == 3
    assert len({code_version("topores.topology"), code_version("topores.compute"), code_version("topores")}) == 3
    assert code_version("topores.compute") != code_version("topores.compute.files")
    with pytest.raises(ModuleNotFoundError):
        code_version("topores.no_such_part")


def test_another_version_of_a_library_is_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for library in (None, "numpy", "scipy", "redzed-tda", "ripser", "torch"):
        with monkeypatch.context() as patched:
            patched.setattr(keys, "_version", lambda name, newer=library: "99" if name == newer else "1")
            code_version.cache_clear()
            seen.add(code_version("topores.compute"))
    code_version.cache_clear()
    assert len(seen) == 6


def test_sources_are_read_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    code_version.cache_clear()
    first = code_version("topores.compute")
    monkeypatch.setattr(keys, "sha256_file", _denied)
    assert code_version("topores.compute") == first


def test_a_model_is_known_by_the_files_that_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def model(name: str, **files: str) -> Path:
        for file, content in files.items():
            path = tmp_path / name / file.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return tmp_path / name

    one = model("one", model_safetensors="weights", config_json="{}", pooling__config_json="{}")
    known = sha256_of_folder(one)
    other = model("other", pooling__config_json="{}", config_json="{}", model_safetensors="weights", README_md="Hello")
    assert sha256_of_folder(other) == known
    different = [
        model("a", model_safetensors="Weights", config_json="{}", pooling__config_json="{}"),
        model("b", model_bin="weights", config_json="{}", pooling__config_json="{}"),
        model("c", model_safetensors="weights", config_json="{}"),
        model("d", model_safetensors="weights", config_json="{}", pool__config_json="{}"),
        model("e", model_safetensors="weights", config_json="{}", pooling__config_json="{}", vocab_txt="a"),
    ]
    assert len({known, *map(sha256_of_folder, different)}) == 6
    without = [sha256_of_folder(each, without=[each / "pooling"]) for each in (one, *different)]
    assert [each == without[0] for each in without] == [True, False, False, True, False, False]
    for empty in (tmp_path / "missing", model("f", README_md="Hello")):
        with pytest.raises(InputError, match="does not contain a model"):
            sha256_of_folder(empty)

    read = []
    monkeypatch.setattr(keys, "sha256_file", lambda path: read.append(path.name) or "hash")
    assert sha256_of_folder(one) == known
    assert read == []
    (one / "config.json").write_text("{ }", encoding="utf-8")
    assert sha256_of_folder(one) != known
    assert read == ["config.json"]


# Where.


def test_the_folder_is_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("TOPORES_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for platform, place in (
        ("linux", ".cache"), ("darwin", "Library/Caches"), ("win32", "AppData/Local"),
    ):  # fmt: skip
        monkeypatch.setattr(sys, "platform", platform)
        assert default_folder() == tmp_path / place / "topores"
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert default_folder() == tmp_path / "local" / "topores"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_folder() == tmp_path / "local" / "topores"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_folder() == tmp_path / "xdg" / "topores"
    monkeypatch.setenv("TOPORES_CACHE", "~/mine")
    assert default_folder() == tmp_path / "mine"
    assert Cache().folder == tmp_path / "mine"
    assert not (tmp_path / "mine").exists()


def test_without_a_home_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOPORES_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(UsageError, match="set TOPORES_CACHE"):
        default_folder()
