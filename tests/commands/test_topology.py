"""`topores topology` and `topores report`: from checkpoints and arrays to results and a page."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from topores import analyse
from topores.analysis.store import read_results, write_results
from topores.commands.report import run_report
from topores.commands.topology import run_topology
from topores.config import TopologyConfig
from topores.domain import Analysis
from topores.errors import InputError
from topores.runs import Run
from topores.topology import persistent_homology


@pytest.fixture(scope="session")
def analysis(tiny_run: Run) -> Analysis:
    return analyse(tiny_run.folder)


def test_every_checkpoint_layer_cloud_and_degree_is_there(analysis: Analysis, tiny_run: Run) -> None:
    places = {
        (c, layer, cloud, d) for c in (0, 1, 2, 4) for layer in range(3) for cloud in analysis.clouds for d in (0, 1)
    }
    assert analysis.clouds == ("t1", "t2", "union")
    assert set(analysis.diagrams) == places
    corpus = tiny_run.corpus
    for cycle, layer, cloud, degree in places:
        if degree == 0:  # one bar for each passage, the essential one among them; equal points merge at 0
            points = {"t1": len(corpus.t1), "t2": len(corpus.t2), "union": len(corpus.t1) + len(corpus.t2)}[cloud]
            assert len(analysis.diagrams[cycle, layer, cloud, degree]) == points


def test_a_diagram_is_that_of_the_embeddings(analysis: Analysis, tiny_run: Run) -> None:
    from sentence_transformers import SentenceTransformer

    texts = [p.text for p in tiny_run.corpus.t1]
    rows = SentenceTransformer(str(tiny_run.checkpoints[2]), device="cpu").encode(texts)
    expected = persistent_homology(rows, max_degree=1)
    for degree in (0, 1):
        seen = analysis.diagrams[2, 2, "t1", degree]
        assert len(seen) == len(expected[degree])
        assert np.allclose(seen, expected[degree], atol=1e-4)


def test_changes_are_against_the_first_state_and_the_one_before(analysis: Analysis) -> None:
    assert {m.against for m in analysis.measurements if m.cycle == 4} == {None, 0, 2}
    assert {m.against for m in analysis.measurements if m.cycle == 1} == {None, 0}
    assert {m.against for m in analysis.measurements if m.cycle == 0} == {None}
    wanted = {"bottleneck_distance", "wasserstein_distance", "linear_cka", "procrustes.angle", "procrustes.scale",
              "procrustes.residual", "change"}  # fmt: skip
    assert {m.measure for m in analysis.measurements if m.against is not None} == wanted


def test_the_verdict_says_what_the_measures_say(analysis: Analysis) -> None:
    claims = {claim.what.split(",")[0]: claim for claim in analysis.verdict.claims}
    for name, measure, degree in (
        ("uniformity", "uniformity", None),
        ("RankMe", "rank_me", None),
        ("total H1 persistence", "total_persistence", 1),
    ):
        assert claims[name].value == analysis.value(measure, 4, 2, "union", degree=degree)
        assert claims[name].null == analysis.value(measure, 0, 2, "union", degree=degree)


def test_results_are_read_back_the_same(analysis: Analysis, tiny_run: Run, tmp_path: Path) -> None:
    write_results(analysis, tmp_path)
    again = read_results(tmp_path, tiny_run)
    assert again.measurements == analysis.measurements
    assert again.loops == analysis.loops
    assert again.verdict == analysis.verdict
    assert again.diagrams.keys() == analysis.diagrams.keys()
    assert all(np.array_equal(again.diagrams[k], analysis.diagrams[k]) for k in analysis.diagrams)


def test_damaged_results_are_one_line(analysis: Analysis, tmp_path: Path) -> None:
    write_results(analysis, tmp_path)
    (tmp_path / "diagrams.npz").write_bytes((tmp_path / "diagrams.npz").read_bytes()[:200])
    with pytest.raises(InputError, match=r"cannot be read .*; run topores topology again"):
        read_results(tmp_path, None)


def test_a_frozen_run_changes_by_exactly_nothing(tiny_run: Run, tmp_path: Path) -> None:
    """The same checkpoint under two cycle numbers: every distance is 0, not nearly 0."""
    run = Path(shutil.copytree(tiny_run.folder, tmp_path / "frozen"))
    shutil.rmtree(run / "checkpoints" / "cycle-000000000004")
    shutil.copytree(run / "checkpoints" / "cycle-000000000000", run / "checkpoints" / "cycle-000000000004")
    found = analyse(run)
    zero = {"bottleneck_distance", "wasserstein_distance", "change"}
    assert {m.value for m in found.measurements if m.cycle == 4 and m.against == 0 and m.measure in zero} == {0.0}
    assert found.verdict.sentence == "After 4 cycles nothing changed: every passage stands where it stood."


def test_the_report_and_the_results_are_written_and_written_again(tiny_run: Run, tmp_path: Path) -> None:
    config = TopologyConfig(checkpoint=(str(tiny_run.folder),), output=tmp_path / "page.html", layers="last")
    analysis, path, _ = run_topology(config)
    results = tiny_run.folder / "topology" / "angle-degree1-last"
    assert sorted(p.name for p in results.iterdir()) == ["diagrams.npz", "measures.parquet", "protocol.json"]
    assert pq.read_table(results / "measures.parquet").num_rows == len(analysis.measurements)
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")
    again, second, _ = run_report(tiny_run.folder, tmp_path / "second.html")
    assert again.verdict == analysis.verdict
    assert second.read_text(encoding="utf-8") == page


def test_one_checkpoint_alone(tiny_run: Run) -> None:
    found = analyse(tiny_run.checkpoints[2])
    assert [s.cycle for s in found.states] == [2]
    assert found.clouds == ("t1", "t2", "union")
    assert "alone shows no change" in found.verdict.sentence


def test_a_planted_circle_in_an_array_is_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    turn = rng.uniform(0, 2 * np.pi, 200)
    circle = np.zeros((200, 20))
    circle[:, 0], circle[:, 1], circle[:, 2] = np.cos(turn), np.sin(turn), 0.5
    np.save(tmp_path / "blob.npy", rng.normal(size=(200, 20)))
    np.save(tmp_path / "circle.npy", circle + 0.02 * rng.normal(size=circle.shape))
    found = analyse(tmp_path / "blob.npy", tmp_path / "circle.npy")
    assert "1 of its loops is larger than chance makes" in found.verdict.sentence
    loop = found.loops[0]
    assert loop.cycle == 1
    # Round the circle: the members in their order go once round.
    steps = np.diff(np.unwrap(turn[list(loop.members)]), append=np.nan)[:-1]
    assert abs(abs(steps.sum()) - 2 * np.pi) < 1.5


def test_a_large_cloud_is_sampled_and_says_so(tmp_path: Path) -> None:
    np.save(tmp_path / "many.npy", np.random.default_rng(0).normal(size=(400, 5)))
    found = analyse(tmp_path / "many.npy", max_points=50)
    assert len(found.members["union"]) == 50
    assert found.protocol["exact"] is False
    assert (found.protocol["points"], found.protocol["of"]) == ({"union": 50}, {"union": 400})


def test_voids(tmp_path: Path) -> None:
    sphere = np.random.default_rng(0).normal(size=(120, 3))
    np.save(tmp_path / "sphere.npy", sphere)
    found = analyse(tmp_path / "sphere.npy", max_degree=2, metric="euclidean")
    bars = found.diagrams[0, 0, "union", 2]
    assert (bars[:, 1] - bars[:, 0]).max() > 0.5  # directions of a normal cloud fill the sphere, whose void is one


def test_json_is_one_object_on_stdout(topores, tiny_run: Run, tmp_path: Path) -> None:
    done = topores("topology", "--checkpoint", tiny_run.folder, "--layers", "last", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert {"run", "verdict", "claims", "report", "seconds"} <= result.keys()
    assert all(claim.keys() == {"what", "value", "null", "p"} for claim in result["claims"])
    assert (tmp_path / result["report"]).is_file()
