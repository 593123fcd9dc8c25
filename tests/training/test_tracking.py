"""Each tracker is read back with its own reader: the lines arrive, a resumed run goes on, and nothing leaves here."""

import importlib
import importlib.machinery
import importlib.util
import json
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from accelerate import Accelerator
from accelerate.tracking import TensorBoardTracker, TrackioTracker

from topores.config import TRACKERS, TrainConfig
from topores.errors import ResourceError, UsageError
from topores.training import tracking
from topores.training.tracking import flatten_options, open_trackers, refuse_missing

LINES = [
    {"cycle": 0, "loss": 3.0, "rank_me": 110.5, "held_out_mrr_1to2": None},
    {"cycle": 1, "loss": 2.5, "rank_me": 111.5, "held_out_mrr_1to2": None},
    {"cycle": 2, "loss": 2.0, "rank_me": 112.5, "held_out_mrr_1to2": None},
]
OPTIONS = {"loss": "infonce", "cycles": 3, "learning_rate": 4e-5, "repair": False, "pairs": None, "track": ["wandb"]}
KEPT = {"loss": "infonce", "cycles": 3, "learning_rate": 4e-5, "repair": False, "track": "wandb"}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable or login of whoever runs the tests; and one process, as the loop sets it up."""
    for name in [name for name in os.environ if name.startswith(("WANDB_", "MLFLOW_", "TRACKIO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    Accelerator(cpu=True)


def needs(name: str) -> pytest.MarkDecorator:
    lacks = [module for module in tracking.NEEDS[name] if importlib.util.find_spec(module) is None]
    return pytest.mark.skipif(bool(lacks), reason=f"{name} needs {' and '.join(lacks)}")


def send(name: str, folder: Path, lines: list[dict[str, Any]] = LINES, options: dict = OPTIONS) -> None:
    with open_trackers((name,), "a run", folder, options, first_cycle=lines[0]["cycle"]) as record:
        for line in lines:
            record(line["cycle"], line)


def send_in_two_parts(name: str, folder: Path) -> None:
    """A run that was killed after cycle 2, whose state is of cycle 1, and which was then asked for more cycles."""
    lost = [{**LINES[2], "loss": 99.0}]
    send(name, folder, LINES[:2] + lost)
    send(name, folder, LINES[2:], {**OPTIONS, "cycles": 4})


class TestTensorboard:
    pytestmark = needs("tensorboard")

    def read(self, folder: Path) -> Any:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        return EventAccumulator(str(folder / "tracking" / "tensorboard")).Reload()

    def scalars(self, folder: Path, tag: str) -> list[tuple[int, float]]:
        return [(event.step, event.value) for event in self.read(folder).Scalars(tag)]

    def test_every_number_at_its_cycle_and_no_none(self, tmp_path: Path) -> None:
        send("tensorboard", tmp_path)
        assert self.read(tmp_path).Tags()["scalars"] == ["loss", "rank_me"]
        assert self.scalars(tmp_path, "loss") == [(0, 3.0), (1, 2.5), (2, 2.0)]
        assert self.scalars(tmp_path, "rank_me") == [(0, 110.5), (1, 111.5), (2, 112.5)]

    def test_a_resumed_run_replaces_what_a_crash_cost_and_keeps_the_rest(self, tmp_path: Path) -> None:
        send_in_two_parts("tensorboard", tmp_path)
        assert self.scalars(tmp_path, "loss") == [(0, 3.0), (1, 2.5), (2, 2.0)]

    def test_options_are_kept_once(self, tmp_path: Path) -> None:
        import yaml

        send_in_two_parts("tensorboard", tmp_path)
        (kept,) = tmp_path.rglob("hparams.yml")
        assert yaml.safe_load(kept.read_text(encoding="utf-8")) == KEPT

    def test_lines_are_on_the_disk_while_the_run_goes_on(self, tmp_path: Path) -> None:
        with open_trackers(("tensorboard",), "a run", tmp_path, OPTIONS) as record:
            record(0, LINES[0])
            assert self.scalars(tmp_path, "loss") == [(0, 3.0)]

    def test_all_that_is_written_lies_in_one_folder(self, tmp_path: Path) -> None:
        send("tensorboard", tmp_path / "run")
        assert [path.name for path in (tmp_path / "run").iterdir()] == [tracking.FOLDER]
        assert [path.name for path in tmp_path.iterdir()] == ["run"]

    def test_other_processes_write_nothing(self, tmp_path: Path) -> None:
        with open_trackers(("tensorboard",), "a run", tmp_path / "run", OPTIONS, writes=False) as record:
            record(0, LINES[0])
        assert not (tmp_path / "run").exists()

    def test_closed_whatever_ends_the_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        closed = spy(monkeypatch, "finish")
        with pytest.raises(KeyboardInterrupt), open_trackers(("tensorboard",), "a run", tmp_path, OPTIONS):
            raise KeyboardInterrupt
        assert closed == [()]

    def test_a_fault_of_the_run_itself_stays_what_it_is(self, tmp_path: Path) -> None:
        full = OSError(28, "No space left on device")
        with (
            pytest.raises(OSError, match="No space") as seen,
            open_trackers(("tensorboard",), "a run", tmp_path, OPTIONS),
        ):
            raise full
        assert seen.value is full

    def test_one_that_fails_is_dropped_and_said_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        calls = spy(monkeypatch, "log", RuntimeError("the dashboard is gone\nfor good"))
        send("tensorboard", tmp_path)
        assert len(calls) == 1
        (said,) = caplog.messages
        assert said.startswith("tensorboard failed at cycle 0 (the dashboard is gone)")

    # Requests' errors of the network are OSErrors without a number.
    @pytest.mark.parametrize("kind", [RuntimeError, OSError])
    def test_one_that_cannot_start_is_one_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
    ) -> None:
        spy(monkeypatch, "start", kind("no server\nat all"))
        closed = spy(monkeypatch, "finish")
        with pytest.raises(UsageError, match=r"^--track is tensorboard, which cannot start \(no server\); .*\.$"):
            send("tensorboard", tmp_path)
        assert closed == []

    def test_none_is_left_out_for_trackers_that_would_choke_on_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent = spy(monkeypatch, "log")
        send("tensorboard", tmp_path, LINES[:1])
        assert sent == [({"loss": 3.0, "rank_me": 110.5},)]

    def test_a_full_disk_at_the_start(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        spy(monkeypatch, "start", OSError(28, "No space left on device"))
        with pytest.raises(ResourceError, match="The disk that holds"):
            send("tensorboard", tmp_path)

    def test_named_twice_it_is_opened_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        started = spy(monkeypatch, "start")
        with open_trackers(("tensorboard", "tensorboard"), "a run", tmp_path, OPTIONS):
            assert len(started) == 1

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "tracking").write_text("a file", encoding="utf-8")
        with pytest.raises(ResourceError, match="tracking' cannot be written"):
            send("tensorboard", tmp_path)


def spy(monkeypatch: pytest.MonkeyPatch, method: str, fault: Exception | None = None) -> list[tuple]:
    """The calls of a method of the tensorboard tracker, which then does what it did, or fails."""
    calls: list[tuple] = []
    before: Callable = getattr(TensorBoardTracker, method)

    def instead(self: TensorBoardTracker, *arguments: Any, **named: Any) -> Any:
        calls.append(arguments)
        if fault:
            raise fault
        return before(self, *arguments, **named)

    monkeypatch.setattr(TensorBoardTracker, method, instead)
    return calls


class TestMlflow:
    pytestmark = needs("mlflow")

    def runs(self, folder: Path) -> list[Any]:
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{folder / 'tracking' / 'mlflow.db'}")
        return client.search_runs([client.get_experiment_by_name("topores").experiment_id])

    def history(self, folder: Path, key: str) -> list[tuple[int, float]]:
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{folder / 'tracking' / 'mlflow.db'}")
        (run,) = self.runs(folder)
        return [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, key)]

    @pytest.mark.slow
    def test_lines_options_and_resume_in_one_run(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        send_in_two_parts("mlflow", tmp_path)
        (run,) = self.runs(tmp_path)
        assert run.info.run_name == "a run"
        assert run.info.status == "FINISHED"
        assert run.data.params == {name: str(value) for name, value in KEPT.items()}
        # What is sent again stands beside what a crash cost: mlflow forgets nothing.
        assert self.history(tmp_path, "loss") == [(0, 3.0), (1, 2.5), (2, 99.0), (2, 2.0)]
        assert set(run.data.metrics) == {"loss", "rank_me"}
        assert capsys.readouterr().out == ""
        assert "MLFLOW_TRACKING_URI" not in os.environ

    def test_another_server_is_the_users_choice(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        assert local("mlflow", tmp_path, "MLFLOW_TRACKING_URI") == "http://127.0.0.1:9"


class TestWandb:
    pytestmark = needs("wandb")

    @pytest.mark.slow
    def test_offline_with_one_id_and_nothing_on_stdout(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("WANDB_SILENT", "true")
        send_in_two_parts("wandb", tmp_path)
        # Its writer is a process of its own, which may still write until it is told to end, as at the end of ours.
        importlib.import_module("wandb").teardown()
        parts = sorted((tmp_path / "tracking" / "wandb").glob("offline-run-*"))
        assert len(parts) == 2
        assert len({part.name.rpartition("-")[2] for part in parts}) == 1
        first, second = (self.history(part) for part in parts)
        assert first == [(0, 3.0, 110.5), (1, 2.5, 111.5), (2, 99.0, 112.5)]
        assert second == [(2, 2.0, 112.5)]
        assert capfd.readouterr().out == ""

    def history(self, part: Path) -> list[tuple[int, float, float]]:
        """Step, loss and RankMe of each row that `wandb sync` would send."""
        from wandb.proto.wandb_internal_pb2 import Record

        (file,) = part.glob("*.wandb")
        rows = []
        for content in log_entries(file.read_bytes()):
            record = Record.FromString(content)
            if record.WhichOneof("record_type") == "history":
                items = {i.key or ".".join(i.nested_key): json.loads(i.value_json) for i in record.history.item}
                rows.append((record.history.step.num, items["loss"], items["rank_me"]))
        return rows


def log_entries(content: bytes) -> Iterator[bytes]:
    """Entries of a LevelDB log: blocks of 32 KiB; each entry has a checksum, 2 bytes of length and 1 of kind."""
    content = content[7:]  # wandb's own mark
    parts, at, mark = b"", 0, 7
    while at + 7 <= len(content):
        left = 32768 - (at + mark) % 32768
        if left < 7:
            at += left
            continue
        length, kind = struct.unpack("<HB", content[at + 4 : at + 7])
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield parts
            parts = b""


class TestTrackio:
    pytestmark = needs("trackio")

    def test_lines_and_resume_in_one_run(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        send_in_two_parts("trackio", tmp_path)
        import trackio
        from trackio.sqlite_storage import SQLiteStorage

        assert SQLiteStorage.get_runs("topores") == ["a run"]
        rows = SQLiteStorage.get_logs("topores", "a run")
        assert [(row["step"], row["loss"]) for row in rows] == [(0, 3.0), (1, 2.5), (2, 99.0), (2, 2.0)]
        assert SQLiteStorage.get_run_config("topores", "a run").items() >= {**KEPT, "cycles": 4}.items()
        assert capsys.readouterr().out == ""
        with pytest.raises(RuntimeError, match=r"trackio\.init"):
            trackio.finish()  # none is left to be closed at exit


def local(name: str, folder: Path, variable: str) -> str | None:
    """A variable as it holds while a tracker is open; the tracker itself is left out."""
    with tracking._variables(tracking._local_environment((name,), folder)):
        return os.environ.get(variable)


class TestWandbStaysHere:
    def test_without_a_key(self, tmp_path: Path) -> None:
        assert local("wandb", tmp_path, "WANDB_MODE") == "offline"
        assert "WANDB_MODE" not in os.environ

    def test_unless_a_key_is_set(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
        assert local("wandb", tmp_path, "WANDB_MODE") is None

    def test_or_a_mode(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WANDB_MODE", "disabled")
        assert local("wandb", tmp_path, "WANDB_MODE") == "disabled"

    @pytest.mark.parametrize(("host", "mode"), [("api.wandb.ai", None), ("elsewhere.org", "offline")])
    def test_or_a_login_was_made(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, mode: str | None
    ) -> None:
        kept = tmp_path / "netrc"
        kept.write_text(f"machine {host}\n  login user\n  password {'0' * 40}\n", encoding="utf-8")
        kept.chmod(0o600)
        monkeypatch.setenv("NETRC", str(kept))
        assert local("wandb", tmp_path, "WANDB_MODE") == mode


class TestMissing:
    @pytest.fixture
    def without(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        def hide(*modules: str) -> None:
            found = {m: None if m in modules else importlib.machinery.ModuleSpec(m, None) for m in ALL_MODULES}
            monkeypatch.setattr(importlib.util, "find_spec", found.__getitem__)

        return hide

    def test_one_line_each_that_says_what_to_install(self, without: Callable[..., None]) -> None:
        without("wandb", "trackio")
        with pytest.raises(UsageError) as refused:
            refuse_missing(("wandb", "tensorboard", "trackio"))
        assert str(refused.value) == (
            "--track is wandb, which is not installed; pip install wandb. "
            "--track is trackio, which is not installed; pip install trackio."
        )

    def test_nothing_is_written(self, without: Callable[..., None], tmp_path: Path) -> None:
        without("wandb")
        with pytest.raises(UsageError):
            send("wandb", tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_mlflow_needs_a_database_unless_it_has_a_server(
        self, without: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        without("sqlalchemy")
        with pytest.raises(UsageError, match=r"^--track is mlflow, which needs sqlalchemy; pip install sqlalchemy\.$"):
            refuse_missing(("mlflow",))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        refuse_missing(("mlflow",))

    def test_all_installed(self, without: Callable[..., None]) -> None:
        without()
        refuse_missing(TRACKERS)


ALL_MODULES = [module for modules in tracking.NEEDS.values() for module in modules]


def test_every_tracker_of_the_options_is_known() -> None:
    assert sorted(tracking.NEEDS) == sorted(TRACKERS)
    for name in TRACKERS:
        assert tracking._tracker(name, "a run", Path("place"), {}, 0).name == name


def test_a_new_run_never_goes_on_in_another_of_the_same_name() -> None:
    new, resumed = (tracking._tracker("trackio", "a run", Path("place"), ids, 0) for ids in ({}, {"trackio": ""}))
    assert isinstance(new, TrackioTracker)
    assert (new.init_kwargs["resume"], resumed.init_kwargs["resume"]) == ("never", "allow")


def test_none_does_nothing(tmp_path: Path) -> None:
    with open_trackers((), "a run", tmp_path / "run", OPTIONS) as record:
        record(0, LINES[0])
    assert not (tmp_path / "run").exists()


def test_options_become_plain() -> None:
    options = TrainConfig(article=Path("a.txt"), meta_analysis=Path("b.txt"), track=("wandb", "mlflow")).to_mapping()
    plain = flatten_options({**options, "nested": {"deeper": {"1to1": 0.25, "none": None}}})
    assert plain["article"] == "a.txt"
    assert plain["track"] == "wandb,mlflow"
    assert plain["nested.deeper.1to1"] == 0.25
    assert plain["repair"] is False
    assert "pairs" not in plain
    assert "nested.deeper.none" not in plain
    assert {type(value) for value in plain.values()} <= {bool, int, float, str}
