"""`--keep best` and `--stop-at-turn`: what is kept and where a run ends, after kills and resumes as without them."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from topores import load_run, train
from topores.cli import main
from topores.commands.train import in_words, summary
from topores.errors import InputError, Interrupted, RunError, UsageError
from topores.runs import Run, held_out_mrr
from topores.training import best, loop, turn
from topores.training.turn import LOOPS, Rule

pytestmark = pytest.mark.slow

CYCLES, TURN, BEST = 10, 3, 6
"""Of runs with `hard_options`: the cycles asked for, the turn by the rule of these tests, and the best cycle."""


@pytest.fixture(scope="module")
def hard_options(tiny_options: dict, two_texts: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Pairs that share three words of ten, so that held-out retrieval has room to rise."""
    draw = random.Random(0)
    words = sorted(set(two_texts[0].read_text(encoding="utf-8").lower().replace(".", "").split()))
    rows = []
    for _ in range(36):
        said = draw.sample(words, 10)
        rows.append({"article": " ".join(said), "meta_analysis": " ".join(said[:3] + draw.sample(words, 7))})
    path = tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    options = {name: value for name, value in tiny_options.items() if name not in ("article", "meta_analysis")}
    return {**options, "pairs": path, "held_out": 0.4, "cycles": CYCLES}


@pytest.fixture(scope="module")
def whole(hard_options: dict, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Every cycle of the run, with neither option."""
    return train(**hard_options, checkpoints="every:1", output=tmp_path_factory.mktemp("runs") / "whole")


@pytest.fixture(autouse=True)
def rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loops of so small a model vanish; that they have come to half is the turn of these tests."""
    monkeypatch.setattr(turn, "RULES", {"full": Rule(LOOPS, "the total persistence of loops", 0.53)})


def weights(run: Run, cycle: int) -> dict[str, torch.Tensor]:
    return load_file(next(run.checkpoints[cycle].rglob("model.safetensors")))


def assert_same_weights(run: Run, other: Run, cycle: int) -> None:
    ours, theirs = weights(run, cycle), weights(other, cycle)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def usual(run: Run) -> list[dict]:
    """The lines of a run, but for the time and what --stop-at-turn adds."""
    return [{k: v for k, v in line.items() if k not in ("seconds", LOOPS)} for line in run.metrics]


def stop_before(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, cycle: int) -> None:
    """End the next run as a kill does, before `place.name` is called at `cycle`; what stands on the disk stays."""
    original, log_cycle, now = getattr(place, name), loop.log_cycle, []

    def noticing(trainee: loop.Trainee, at: int, *rest: Any, **how: Any) -> Any:
        now.append(at)
        return log_cycle(trainee, at, *rest, **how)

    def stopping(*rest: Any, **how: Any) -> Any:
        if now[-1:] == [cycle]:
            raise Interrupted("killed")
        return original(*rest, **how)

    monkeypatch.setattr(loop, "log_cycle", noticing)
    monkeypatch.setattr(place, name, stopping)


PLACES: dict[str, Callable[[], tuple[Any, str]]] = {
    "checkpoint": lambda: (loop, "keep_checkpoint"),
    "line": lambda: (Run, "append_metrics"),
    "state": lambda: (loop, "save_state"),
    "removal": lambda: (best, "remove_whole"),
}
"""What a logged cycle that is kept writes and removes, in this order."""


class TestStopAtTurn:
    def test_ends_at_the_turn_with_its_checkpoint_and_state(
        self, hard_options: dict, whole: Run, tmp_path: Path
    ) -> None:
        run = train(**hard_options, stop_at_turn=True, checkpoints="none", output=tmp_path / "run")
        assert usual(run) == usual(whole)[: TURN + 1]
        assert list(run.checkpoints) == [TURN]
        assert_same_weights(run, whole, TURN)
        progress = json.loads((max((run.folder / "state").iterdir()) / "progress.json").read_text())["progress"]
        assert (progress["logged"], progress["losses"]) == (TURN + 1, [])
        assert run.options.cycles == CYCLES

    def test_the_rule_sees_what_it_says_it_sees(self, hard_options: dict, tmp_path: Path) -> None:
        run = train(**hard_options, stop_at_turn=True, checkpoints="none", output=tmp_path / "run")
        ratios = [line[LOOPS] / run.metrics[0][LOOPS] for line in run.metrics]
        assert [ratio <= 0.53 for ratio in ratios] == [False] * TURN + [True]
        said = summary(run, 1.0)
        assert said["cycles"] == said["metrics"]["cycle"] == TURN
        assert f"cycle {TURN}: the total persistence of loops has reached {ratios[-1]:.2f} times" in said["turn"]
        assert f"turn, cycle {TURN}" in in_words(run)

    def test_resume_trains_no_more_until_it_is_taken_back(
        self, hard_options: dict, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = train(**hard_options, stop_at_turn=True, output=tmp_path / "run")
        with monkeypatch.context() as patch:
            patch.setattr(loop, "take_step", lambda _: pytest.fail("a step was taken"))
            for more in ({}, {"cycles": CYCLES + 5}, {"cycles": CYCLES + 5, "stop_at_turn": True}):
                assert len(train(resume=True, output=run.folder, **more).metrics) == TURN + 1
        on = train(resume=True, output=run.folder, stop_at_turn=False)
        assert on.options.cycles == CYCLES + 5
        assert usual(on)[: CYCLES + 1] == usual(whole)
        assert_same_weights(on, whole, CYCLES)
        assert summary(on, 1.0)["turn"] is None

    @pytest.mark.parametrize("place", ["checkpoint", "line", "state"])
    @pytest.mark.parametrize("cycle", [TURN - 1, TURN])
    def test_killed_it_ends_at_the_same_cycle(
        self, hard_options: dict, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, cycle: int
    ) -> None:
        options = {**hard_options, "checkpoints": f"0,{TURN - 1}", "stop_at_turn": True}
        with monkeypatch.context() as patch:
            stop_before(patch, *PLACES[place](), cycle)
            with pytest.raises(Interrupted, match="killed"):
                train(**options, output=tmp_path / "run")
        run = train(resume=True, output=tmp_path / "run")
        assert usual(run) == usual(whole)[: TURN + 1]
        assert list(run.checkpoints) == [0, TURN - 1, TURN]
        assert_same_weights(run, whole, TURN)

    def test_nulls_end_where_the_run_ended_and_go_on_with_it(self, hard_options: dict, tmp_path: Path) -> None:
        asked = {**hard_options, "stop_at_turn": True, "null": "shuffled,frozen", "seeds": 1}
        run = train(**asked, checkpoints="none", output=tmp_path / "run")
        assert list(run.nulls) == ["frozen", "shuffled-1"]
        for null in run.nulls.values():
            assert null.metrics[-1]["cycle"] == TURN
            assert list(null.checkpoints) == [TURN]
            assert (null.options.cycles, null.options.stop_at_turn) == (TURN, False)
        on = train(resume=True, output=run.folder, stop_at_turn=False)
        assert [null.metrics[-1]["cycle"] for null in on.nulls.values()] == [CYCLES] * 2

    def test_it_cannot_be_asked_for_later(self, hard_options: dict, tmp_path: Path) -> None:
        run = train(**{**hard_options, "cycles": 1}, output=tmp_path / "run")
        with pytest.raises(
            RunError, match=r"--stop-at-turn needs numbers that are logged from cycle 0 on, and '.*run' was"
        ):
            train(resume=True, output=run.folder, cycles=2, stop_at_turn=True)

    def test_an_encoder_that_was_not_measured_leaves_nothing_behind(self, hard_options: dict, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="has no rule for --encoder lora"):
            train(**hard_options, encoder="lora", stop_at_turn=True, output=tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_on_the_command_line(self, hard_options: dict, tmp_path: Path) -> None:
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in hard_options.items()]
        output = ["--output", str(tmp_path / "run")]
        done = CliRunner().invoke(main, ["train", *flags, *output, "--stop-at-turn", "--checkpoints", "none"])
        assert done.exit_code == 0, done.output
        said = [line for line in done.stderr.splitlines() if "Stopped at the turn" in line]
        assert len(said) == 1
        assert f"cycle {TURN}: the total persistence of loops" in said[0]
        done = CliRunner().invoke(main, ["train", "--resume", *output, "--no-stop-at-turn", "--json"])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["metrics"]["cycle"] == CYCLES


class TestKeepBest:
    def test_under_none_exactly_the_untrained_the_best_and_the_last(
        self, hard_options: dict, whole: Run, tmp_path: Path
    ) -> None:
        run = train(**hard_options, keep="best", checkpoints="none", output=tmp_path / "run")
        assert usual(run) == usual(whole)
        assert list(run.checkpoints) == [0, BEST, CYCLES]
        assert run.best == max(run.metrics, key=lambda line: held_out_mrr(line) or 0)
        assert run.best["cycle"] == BEST
        assert_same_weights(run, whole, BEST)
        assert_same_weights(run, whole, CYCLES)

    def test_what_the_schedule_keeps_stays(self, hard_options: dict, tmp_path: Path) -> None:
        run = train(**hard_options, keep="best", checkpoints="1,2", output=tmp_path / "run")
        assert list(run.checkpoints) == [0, 1, 2, BEST, CYCLES]

    def test_says_which_it_is_and_by_what(self, hard_options: dict, whole: Run, tmp_path: Path) -> None:
        run = train(**hard_options, keep="best", checkpoints="none", output=tmp_path / "run")
        line = run.metrics[BEST]
        mrr = (line["held_out_mrr_1to2"] + line["held_out_mrr_2to1"]) / 2
        path = str(run.checkpoint_path(BEST))
        said = summary(run, 1.0)["best"]
        assert said == {"cycle": BEST, "held_out_mrr": pytest.approx(mrr), "checkpoint": path}
        assert f"Best: cycle {BEST}, held-out MRR {mrr:.3f}: {path}" in in_words(run)
        assert summary(whole, 1.0)["best"] is None
        assert "Best:" not in in_words(whole)

    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize("cycle", [2, BEST])
    def test_killed_while_a_better_one_takes_its_place(
        self, hard_options: dict, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, cycle: int
    ) -> None:
        options = {**hard_options, "keep": "best", "checkpoints": "none"}
        with monkeypatch.context() as patch:
            stop_before(patch, *PLACES[place](), cycle)
            with pytest.raises(Interrupted, match="killed"):
                train(**options, output=tmp_path / "run")
        run = load_run(tmp_path / "run")
        # Whatever a resume goes back to, the best cycle by then is there.
        states = [json.loads((s / "progress.json").read_text())["progress"] for s in (run.folder / "state").iterdir()]
        before = run.metrics[: max(state["logged"] for state in states)]
        assert max(before, key=lambda line: held_out_mrr(line) or 0)["cycle"] in run.checkpoints
        run = train(resume=True, output=run.folder)
        assert usual(run) == usual(whole)
        assert list(run.checkpoints) == [0, BEST, CYCLES]
        assert_same_weights(run, whole, BEST)
        assert not list((run.folder / "checkpoints").glob(".*"))

    def test_more_cycles_by_resume_as_at_once(self, hard_options: dict, whole: Run, tmp_path: Path) -> None:
        options = {**hard_options, "keep": "best", "checkpoints": "none"}
        train(**{**options, "cycles": 2}, output=tmp_path / "run")
        run = train(resume=True, output=tmp_path / "run", cycles=CYCLES)
        assert list(run.checkpoints) == [0, BEST, CYCLES]
        assert_same_weights(run, whole, BEST)

    def test_with_the_turn(self, hard_options: dict, tmp_path: Path) -> None:
        asked = {**hard_options, "keep": "best", "checkpoints": "none", "stop_at_turn": True}
        run = train(**asked, output=tmp_path / "run")
        assert run.best is not None
        assert list(run.checkpoints) == sorted({0, run.best["cycle"], TURN})
        assert run.metrics[-1]["cycle"] == TURN

    def test_without_held_out_pairs_it_is_refused_and_nothing_is_left(self, hard_options: dict, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"^--keep best needs held-out pairs, but there are none; give"):
            train(**{**hard_options, "held_out": 0}, keep="best", output=tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_only_best_can_be_kept_and_a_resume_agrees(self, hard_options: dict, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"--keep is 'beste'\. Did you mean 'best'\?"):
            train(**hard_options, keep="beste", output=tmp_path / "run")
        run = train(**{**hard_options, "cycles": 1}, output=tmp_path / "run")
        with pytest.raises(RunError, match=r"--keep is best, but '.*run' was started with None"):
            train(resume=True, output=run.folder, cycles=2, keep="best")

    def test_nulls_keep_no_best(self, hard_options: dict, tmp_path: Path) -> None:
        # Of a null that never changes the first cycle would be the best.
        asked = {**hard_options, "keep": "best", "checkpoints": "none", "null": "frozen", "cycles": 2}
        run = train(**asked, output=tmp_path / "run")
        assert list(run.nulls["frozen"].checkpoints) == [2]
