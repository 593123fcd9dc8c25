"""A run that is written is stopped, continued and ended like one that is trained."""

from pathlib import Path

import pytest

from topores import train
from topores.errors import FailedOn, Interrupted
from topores.runs import Run, load_run
from topores.training.loop import Trainee
from topores.training.written import write_until


@pytest.fixture(scope="module")
def run(tiny_model: Path, two_texts: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Run:
    article, meta_analysis = two_texts
    return train(
        article=article, meta_analysis=meta_analysis, output=tmp_path_factory.mktemp("written") / "run", folds=1,
        null="none", cycles=10**6, model=str(tiny_model), encoder="memory", device="cpu", passage_tokens=16,
    )  # fmt: skip


def test_a_stopped_run_continues_to_equal_lines(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = iter([False, False, True])

    def stopped(trainee: Trainee, cycles: int, **named: object) -> None:
        write_until(trainee, cycles, checkpoints=str(named["checkpoints"]), stopping=lambda: next(stopping))

    config = run.options.to_mapping() | {"output": str(tmp_path / "parts"), "cycles": 1000}
    with monkeypatch.context() as patch:
        patch.setattr("topores.training.assemble.write_until", stopped)
        with pytest.raises(Interrupted, match="after cycle 2 of 1,000"):
            train(**config)
    assert [line["cycle"] for line in load_run(tmp_path / "parts").metrics] == [0, 1, 2]
    parts = train(resume=True, output=tmp_path / "parts", cycles=10**6)
    seen = [[line | {"seconds": 0} for line in one.metrics] for one in (run, parts)]
    assert seen[0] == seen[1]


def test_a_run_with_a_fault_can_end_there(run: Run, tmp_path: Path) -> None:
    config = run.options.to_mapping() | {"output": str(tmp_path / "stopped"), "fail_on": "collapse", "cycles": 10**6}
    with pytest.raises(FailedOn, match="Collapsed"):
        train(**config | {"read_strength": 1000.0})
    assert load_run(tmp_path / "stopped").metrics[-1]["cycle"] < 10**6


def test_cycles_that_are_kept_are_logged(run: Run, tmp_path: Path) -> None:
    config = run.options.to_mapping() | {"output": str(tmp_path / "kept"), "checkpoints": "0,3,700", "cycles": 1000}
    kept = train(**config)
    assert list(kept.checkpoints) == [0, 3, 700, 1000]
    cycles = [line["cycle"] for line in kept.metrics]
    assert cycles == [0, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 700, 1000]


def test_it_says_that_no_weight_of_the_base_has_changed(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = run.options.to_mapping() | {"output": str(tmp_path / "said"), "cycles": 10}
    with caplog.at_level("INFO", logger="topores.training.written"):
        train(**config)
    assert "Every weight of the base is as it was before cycle 0: sha256 " in caplog.text
