"""The runs of the other folds: what they share with the run, what they hold out, and how they go on after a stop."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from topores import analyse, load_run, train
from topores.analysis.gain import gain_of
from topores.backbones.encoder import Encoder
from topores.compute.files import sha256_file, sha256_text
from topores.domain import DIRECTIONS
from topores.errors import InputError, Interrupted, RunError
from topores.runs import Run
from topores.training import loop


def options(two_texts: tuple[Path, Path], model: Path, **more: Any) -> dict[str, Any]:
    return {
        "article": two_texts[0], "meta_analysis": two_texts[1], "model": str(model), "passage_tokens": 16,
        "encoder": "linear", "device": "cpu", "cycles": 3, "folds": 3, "null": "shuffled", "seeds": 2, **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def run(two_texts: tuple[Path, Path], tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(**options(two_texts, tiny_model, output=tmp_path_factory.mktemp("folds") / "run"))


def test_every_pair_is_held_out_in_one_of_them(run: Run) -> None:
    assert [fold.folder.name for fold in run.folds] == ["run", "fold-2", "fold-3"]
    held = np.concatenate([fold.corpus.pairs_in("held_out") for fold in run.folds])
    assert sorted(held) == list(range(len(run.corpus.pairs)))
    for number, fold in enumerate(run.folds[1:], 2):
        assert (fold.facts["fold"], fold.parent) == (number, Run(run.folder.resolve()))
        assert fold.corpus.t1 == run.corpus.t1
        assert fold.metrics[-1]["cycle"] == 3
        assert list(fold.checkpoints) == [3]
        assert list(fold.nulls) == ["shuffled-1", "shuffled-2"]
        hashes = fold.facts["sha256"]
        assert hashes["corpus"] != run.facts["sha256"]["corpus"]
        assert hashes["base_weights"] == run.facts["sha256"]["base_weights"]
    assert "fold" not in run.facts


def test_the_logged_ranks_are_those_of_the_metrics(run: Run) -> None:
    for one in (*run.folds, *run.nulls.values()):
        assert list(one.held_out_ranks) == [line["cycle"] for line in one.metrics]
        for line in one.metrics:
            for way in DIRECTIONS:
                mrr = np.mean(1 / np.array(one.held_out_ranks[line["cycle"]][way]))
                assert mrr == pytest.approx(line[f"held_out_mrr_{way}"])


def test_the_gain_is_the_mean_over_all_queries(run: Run) -> None:
    gain = gain_of(run, 3)
    assert gain is not None
    assert (gain.folds, gain.pairs, gain.shuffled_runs) == (3, len(run.corpus.pairs), 6)
    change = [
        1 / np.array(fold.held_out_ranks[3][way]) - 1 / np.array(fold.held_out_ranks[0][way])
        for fold in run.folds
        for way in DIRECTIONS
    ]
    assert gain.over.untrained.value == pytest.approx(np.concatenate(change).mean())
    assert gain.over.shuffled is not None
    assert gain_of(run, 2) is not None
    assert gain_of(run, 77) is None


def test_before_training_there_is_no_gain_and_the_first_state_is_analysed_alone(run: Run) -> None:
    assert gain_of(run, 0) is None
    found = analyse(run.checkpoints[0], nulls="none", cache="none")
    assert found.states[0].cycle == 0
    assert not [claim for claim in found.verdict.claims if "over folds" in claim.what]


def test_without_all_folds_there_is_no_gain(run: Run, tmp_path: Path) -> None:
    import shutil

    part = Run(shutil.copytree(run.folder, tmp_path / "part"))
    shutil.rmtree(part.folder / "folds" / "fold-3")
    assert len(part.folds) == 2
    assert gain_of(part, 3) is None
    (part.folder / "held_out_ranks.jsonl").unlink()
    assert part.held_out_ranks == {}


@pytest.mark.slow
@pytest.mark.parametrize(("stopped_in", "step"), [("fold-2", 2), ("shuffled-2", 5)])
def test_a_stop_within_a_fold_or_its_null_is_resumed_to_the_same_numbers(
    two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch,
    stopped_in: str, step: int,
) -> None:  # fmt: skip
    folder, taken, take_step = tmp_path / "stopped", [], loop.take_step

    def stopping(trainee: loop.Trainee) -> dict[str, float]:
        taken.append(trainee.run.folder.name)
        if taken.count(stopped_in) == step:
            raise Interrupted("as Ctrl-C does, but at once")
        return take_step(trainee)

    monkeypatch.setattr(loop, "take_step", stopping)
    with pytest.raises(Interrupted):
        train(**options(two_texts, tiny_model, output=folder))
    assert gain_of(load_run(folder), 3) is None
    monkeypatch.setattr(loop, "take_step", take_step)
    done = train(resume=True, output=folder)
    assert gain_of(done, 3) == gain_of(run, 3)


@pytest.mark.parametrize("encoder", ["linear", "loreft"])
def test_runs_side_by_side_end_in_the_bits_of_runs_one_by_one(
    two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: str
) -> None:
    found = []
    for workers in (1, 3):
        monkeypatch.setattr("joblib.cpu_count", lambda workers=workers: workers)
        done = train(**options(two_texts, tiny_model, output=tmp_path / str(workers), encoder=encoder, cycles=12))
        runs = [one for fold in done.folds for one in (fold, *fold.nulls.values())]
        assert len(runs) == 9
        coarsely = [list(range(13)), [0, 1, 2, 3, 5, 7, 10, 12]]
        assert [[line["cycle"] for line in one.metrics] for one in runs[:2]] == coarsely
        lines = [[line | {"seconds": 0} for line in one.metrics] for one in runs]
        weights = [sha256_folder(one.checkpoints[12]) for one in runs]
        assert len(set(weights)) == 9
        found.append((lines, [one.held_out_ranks for one in runs], weights))
    assert found[0] == found[1]


def sha256_folder(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return sha256_text("".join(f"{path.relative_to(folder)} {sha256_file(path)}" for path in files))


def test_heads_have_folds_and_nulls_unless_told_otherwise(
    two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path
) -> None:
    some: dict[str, Any] = {
        "article": two_texts[0], "meta_analysis": two_texts[1], "model": str(tiny_model), "passage_tokens": 16,
        "encoder": "linear", "device": "cpu", "cycles": 1,
    }  # fmt: skip
    done = train(**some, output=tmp_path / "usual")
    assert (done.options.folds, done.options.null, done.options.seeds) == (5, ("shuffled",), 4)
    assert [len(fold.nulls) for fold in done.folds] == [4] * 5
    for more in ({"null": "none", "folds": 1}, {"held_out": 0.3}):
        done = train(**some, **more, output=tmp_path / "alone", force=True)
        assert (len(done.folds), done.nulls) == (1, {})
    done = train(**{**some, "encoder": "full", "learning_rate": 0.0}, output=tmp_path / "full")
    assert (len(done.folds), done.nulls) == (1, {})


def test_too_few_pairs_for_the_usual_folds_give_fewer(
    tiny_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [{"article": f"bafid {n} nugol", "meta_analysis": f"kegol {n} tafin"} for n in range(8)]
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text("\n".join(map(json.dumps, rows)))
    done = train(pairs=pairs, model=str(tiny_model), encoder="linear", cycles=1, output=tmp_path / "run", device="cpu")
    assert 1 <= len(done.folds) < 5
    assert "4 folds instead of 5: There are 8 aligned pairs, too few for --folds 5" in caplog.text


def test_where_a_part_of_the_pairs_is_enough_it_is_held_out_once(
    tiny_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("topores.training.folds.ENOUGH_PAIRS", 30)
    caplog.set_level("INFO", logger="topores")
    rows = [{"article": f"bafid {n} nugol", "meta_analysis": f"kegol {n} tafin"} for n in range(31)]
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text("\n".join(map(json.dumps, rows)))
    done = train(pairs=pairs, model=str(tiny_model), encoder="linear", cycles=1, output=tmp_path / "run", device="cpu")
    assert (len(done.folds), done.nulls) == (1, {})
    assert "31 pairs are enough to hold a part of them out once; --folds 5 --null shuffled" in caplog.text


def test_frozen_weights_are_written_once_for_each_encoder(
    two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, save = [], Encoder.save
    monkeypatch.setattr("joblib.cpu_count", lambda: 1)
    monkeypatch.setattr(Encoder, "save", lambda self, folder: (whole.append(folder), save(self, folder))[1])
    done = train(**options(two_texts, tiny_model, output=tmp_path / "run", null="none"))
    assert sum(len(fold.checkpoints) for fold in done.folds) > 4
    assert len(whole) == 2  # by the run's own encoder, and by the one that the folds share


def test_a_checkpoint_takes_over_what_is_frozen(run: Run) -> None:
    first, *others = [one.checkpoints[3] for one in (*run.folds, *run.nulls.values())]
    for other in others:
        assert {p.relative_to(other) for p in other.rglob("*")} == {p.relative_to(first) for p in first.rglob("*")}
        assert other.joinpath("model.safetensors").samefile(first / "model.safetensors")
        assert not other.joinpath("modules.json").samefile(first / "modules.json")
        SentenceTransformer(str(other)).encode(["bafid"])


def test_a_line_of_ranks_cut_short_is_left_out_and_written_again(run: Run, tmp_path: Path) -> None:
    import shutil

    cut = Run(shutil.copytree(run.folder, tmp_path / "cut"))
    with (cut.folder / "held_out_ranks.jsonl").open("a") as file:
        file.write('{"cycle": 4, "1to2": [1.0')
    assert list(cut.held_out_ranks) == list(run.held_out_ranks)
    cut.keep_metrics_until(2)
    assert list(cut.held_out_ranks) == [c for c in run.held_out_ranks if c <= 2]
    cut.append_ranks(9, {"1to2": [1.0, math.inf], "2to1": []}, sync=True)
    assert cut.held_out_ranks[9] == {"1to2": [1.0, math.inf], "2to1": []}
    json.loads((cut.folder / "held_out_ranks.jsonl").read_text().splitlines()[-1], parse_constant=pytest.fail)


def test_folds_are_fixed_when_a_run_begins(run: Run) -> None:
    with pytest.raises(RunError, match="--folds is 4, but"):
        train(resume=True, output=run.folder, folds=4)


def test_a_file_that_says_what_is_held_out_has_no_folds(tiny_model: Path, tmp_path: Path) -> None:
    rows = [
        {"article": f"bafid {n}", "meta_analysis": f"kegol {n}", "split": "test" if n < 4 else "train"}
        for n in range(20)
    ]
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(InputError, match=r"column 'split' what is held out, and --folds 2 would hold out other pairs"):
        train(pairs=pairs, model=str(tiny_model), folds=2, output=tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()
