"""Nulls beside a run are measured as the run is, at the cycle where it ends."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from topores import analyse, train
from topores.commands.topology import run_topology
from topores.config import TopologyConfig
from topores.runs import Run


@pytest.fixture
def run(two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path) -> Run:
    return train(
        article=two_texts[0], meta_analysis=two_texts[1], model=str(tiny_model), passage_tokens=16, batch_size=16,
        device="cpu", cycles=2, learning_rate=1e-3, null="shuffled,frozen", seeds=2, output=tmp_path / "run",
    )  # fmt: skip


def compared(analysis: Any) -> dict[str, Any]:
    claims = [c for c in analysis.verdict.claims if "runs on shuffled pairings" in c.what]
    return {claim.what.partition(",")[0]: claim for claim in claims}


def test_values_are_those_of_an_analysis_of_the_null_itself(run: Run) -> None:
    found = analyse(run.folder, cache="none", nulls="shuffled")
    claims = compared(found)
    nulls = [analyse(run.nulls[f"shuffled-{seed}"].folder, cache="none", layers="last") for seed in (1, 2)]
    last = found.layers[-1]
    for words, measure, degree in (
        ("total loop persistence", "total_persistence", 1),
        ("spanning tree length", "total_persistence", 0),
        ("uniformity", "uniformity", None),
        ("RankMe", "rank_me", None),
    ):
        theirs = [null.value(measure, 2, last, "union", degree=degree) for null in nulls]
        assert None not in theirs
        assert claims[words].null == pytest.approx(sum(theirs) / 2, rel=1e-9)
        assert claims[words].value == found.value(measure, 2, last, "union", degree=degree)
    ends = [run.nulls[f"shuffled-{seed}"].metrics[-1] for seed in (1, 2)]
    mrr = [(end["held_out_mrr_1to2"] + end["held_out_mrr_2to1"]) / 2 for end in ends]
    assert claims["held-out MRR"].null == pytest.approx(sum(mrr) / 2)
    assert "after shuffled pairings" in found.verdict.sentence


def test_nulls_are_measured_at_every_cycle_that_both_keep(run: Run) -> None:
    found = analyse(run.folder, cache="none", layers="last", nulls="shuffled")
    cycles = {(n.replicate, n.measurement.cycle) for n in found.nulls}
    assert cycles == {(replicate, cycle) for replicate in (0, 1) for cycle in run.checkpoints}
    mrr = {
        (n.replicate, n.measurement.cycle): n.measurement.value
        for n in found.nulls
        if n.measurement.measure == "held_out_mrr"
    }
    line = next(line for line in run.nulls["shuffled-2"].metrics if line["cycle"] == 1)
    assert mrr[1, 1] == pytest.approx((line["held_out_mrr_1to2"] + line["held_out_mrr_2to1"]) / 2)


def test_a_null_is_compared_with_the_others(two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path) -> None:
    run = train(
        article=two_texts[0], meta_analysis=two_texts[1], model=str(tiny_model), passage_tokens=16, batch_size=16,
        device="cpu", cycles=1, learning_rate=1e-3, null="shuffled", seeds=3, output=tmp_path / "run",
    )  # fmt: skip
    found = analyse(run.nulls["shuffled-2"].folder, cache="none", layers="last", nulls="shuffled")
    ends = [run.nulls[f"shuffled-{seed}"].metrics[-1]["uniformity"] for seed in (1, 3)]
    assert compared(found)["uniformity"].null == pytest.approx(sum(ends) / 2, abs=1e-5)


def test_a_null_that_did_not_come_as_far_is_left_out_and_named(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    shutil.rmtree(run.nulls["shuffled-2"].checkpoints[2])
    found = analyse(run.folder, cache="none", layers="last", nulls="shuffled")
    assert not compared(found)
    assert "shuffled-2' has no checkpoint of cycle 2" in caplog.text


def test_a_run_without_nulls_is_judged_without(run: Run) -> None:
    shutil.rmtree(run.folder / "nulls")
    assert not compared(analyse(run.folder, cache="none", layers="last", nulls="shuffled"))


def test_results_are_computed_again_when_the_nulls_have_changed(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    places = {"cache": str(tmp_path / "cache"), "output": tmp_path / "report.html"}
    options = {"layers": "last", "nulls": "shuffled", **places}
    config = TopologyConfig.from_mapping({"checkpoint": [str(run.folder)], **options})
    caplog.set_level("INFO", logger="topores")
    first, _, _ = run_topology(config)
    run_topology(config)
    assert caplog.text.count("Nothing changed") == 1
    train(resume=True, output=run.folder, seeds=3)
    third, _, _ = run_topology(config)
    assert caplog.text.count("Nothing changed") == 1
    assert "2 runs" in next(iter(compared(first).values())).what
    assert "3 runs" in next(iter(compared(third).values())).what
