"""`topores topology` and `topores report`: from checkpoints and arrays to results and a page."""

import inspect
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from topores import analyse, train
from topores.analysis.cells import CloudNumbers, Protocol, measure_cloud
from topores.analysis.store import read_results, write_results
from topores.analysis.verdict import learning, rules
from topores.commands.report import run_report
from topores.commands.topology import run_topology, stop_if
from topores.compute.parallel import WorkFailed
from topores.config import TopologyConfig
from topores.config.topology import FAILING
from topores.domain import Analysis, Verdict
from topores.errors import FailedOn, InputError, ResourceError
from topores.quantities import NOT_QUANTITIES, QUANTITIES
from topores.report import write_report
from topores.runs import Run
from topores.topology import SubsamplePlan, persistent_homology, total_persistence


@pytest.fixture(scope="session")
def analysis(tiny_run: Run) -> Analysis:
    return analyse(tiny_run.folder, nulls="resample")


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
              "procrustes.residual", "change", "rtd", "rtd_spanning_tree", "procrustes.mean_angle",
              "procrustes.angle_q10", "procrustes.angle_q50", "procrustes.angle_q90"}  # fmt: skip
    changes = [m for m in analysis.measurements if m.against is not None and not m.measure.startswith("movement.")]
    assert {m.measure for m in changes} == wanted
    assert {m.layer for m in changes if m.measure == "rtd"} == {2}  # the last one: it costs more than all else
    assert {m.layer for m in changes if m.measure == "rtd_spanning_tree"} == {0, 1, 2}


def test_every_measure_of_one_state_is_there(analysis: Analysis) -> None:
    wanted = {"total_persistence", "persistence_entropy", "betti_curve", "rank_me", "uniformity", "intrinsic_dimension",
              "maximum_likelihood_dimension", "persistent_homology_dimension", "hubness_skewness",
              "modality_gap", "linear_probe_auc", "alignment", "longest_bar", "cluster_gap",
              "loop_p"}  # fmt: skip
    assert {m.measure for m in analysis.measurements if m.cycle == 0} == wanted
    assert all(m.standard_error is None for m in analysis.measurements)


def test_every_number_of_a_run_is_in_the_table_of_quantities(analysis: Analysis, tiny_run: Run) -> None:
    logged = {key for line in tiny_run.metrics for key in line}
    assert logged - {key for one in QUANTITIES.values() for key in one.logged_as} == set(NOT_QUANTITIES)
    measured = {m.measure for m in (*analysis.measurements, *(n.measurement for n in analysis.nulls))}
    assert measured - {one.measured_as for one in QUANTITIES.values()} == set()


def test_the_verdict_says_what_the_measures_say(analysis: Analysis) -> None:
    claims = {claim.quantity: claim for claim in analysis.verdict.claims if claim.null_of == "first"}
    for name, measure, degree in (
        ("uniformity", "uniformity", None),
        ("rank_me", "rank_me", None),
        ("loop_persistence", "total_persistence", 1),
    ):
        assert claims[name].value == analysis.value(measure, 4, 2, "union", degree=degree)
        assert claims[name].null == analysis.value(measure, 0, 2, "union", degree=degree)


def test_results_are_read_back_the_same(analysis: Analysis, tiny_run: Run, tmp_path: Path) -> None:
    write_results(analysis, tmp_path)
    again = read_results(tmp_path, tiny_run)
    assert again.measurements == analysis.measurements
    assert again.nulls == analysis.nulls != ()
    assert again.loops == analysis.loops
    assert again.tracks == analysis.tracks != ()
    assert again.verdict == analysis.verdict
    assert again.diagrams.keys() == analysis.diagrams.keys()
    assert all(np.array_equal(again.diagrams[k], analysis.diagrams[k]) for k in analysis.diagrams)


def test_damaged_results_are_one_line(analysis: Analysis, tmp_path: Path) -> None:
    write_results(analysis, tmp_path)
    (tmp_path / "diagrams.npz").write_bytes((tmp_path / "diagrams.npz").read_bytes()[:200])
    with pytest.raises(InputError, match=r"cannot be read .*; run topores topology again"):
        read_results(tmp_path, None)


@pytest.mark.slow
def test_a_frozen_run_changes_by_exactly_nothing(tiny_run: Run, tmp_path: Path) -> None:
    """The same checkpoint under all cycle numbers: every distance is 0, not nearly 0."""
    run = Path(shutil.copytree(tiny_run.folder, tmp_path / "frozen"))
    for cycle in (1, 2, 4):
        shutil.rmtree(run / "checkpoints" / f"cycle-{cycle:012d}")
        shutil.copytree(run / "checkpoints" / "cycle-000000000000", run / "checkpoints" / f"cycle-{cycle:012d}")
    found = analyse(run, nulls="none")
    zero = {"bottleneck_distance", "wasserstein_distance", "change"}
    assert {m.value for m in found.measurements if m.cycle == 4 and m.against == 0 and m.measure in zero} == {0.0}
    assert found.verdict.sentence == "After 4 cycles nothing changed: every passage is where it was."


@pytest.mark.slow
def test_the_report_and_the_results_are_written_and_written_again(tiny_run: Run, tmp_path: Path) -> None:
    config = TopologyConfig(checkpoint=(str(tiny_run.folder),), output=tmp_path / "page.html", layers="last")
    analysis, path, _ = run_topology(config)
    results = tiny_run.folder / "topology" / "angle-degree1-last"
    assert sorted(p.name for p in results.iterdir()) == [
        "diagrams.npz", "maps.npz", "measures.parquet", "nulls.parquet", "outlines.npz", "protocol.json"
    ]  # fmt: skip
    assert pq.read_table(results / "measures.parquet").num_rows == len(analysis.measurements)
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")
    again, second, _ = run_report(tiny_run.folder, tmp_path / "second.html")
    assert again.verdict == analysis.verdict
    assert second.read_text(encoding="utf-8") == page


@pytest.mark.slow
def test_the_report_is_written_in_russian_without_computing_again(
    tiny_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TopologyConfig(checkpoint=(str(tiny_run.folder),), output=tmp_path / "en.html", layers="last")
    analysis, english, _ = run_topology(config)
    monkeypatch.setattr("topores.commands.topology.analyse_source", lambda *_, **__: pytest.fail("computed again"))
    again, russian, _ = run_topology(replace(config, output=tmp_path / "ru.html", lang="ru"))
    assert again.verdict == analysis.verdict
    page = russian.read_text(encoding="utf-8")
    assert '<html lang="ru">' in page
    assert "После цикла 4: " in page
    assert "After 4 cycles" not in page
    assert "After 4 cycles" in english.read_text(encoding="utf-8")
    _, reported, _ = run_report(tiny_run.folder, tmp_path / "again.html", "ru")
    assert reported.read_text(encoding="utf-8") == page


@pytest.mark.slow
def test_one_checkpoint_alone(tiny_run: Run) -> None:
    found = analyse(tiny_run.checkpoints[2])
    assert [s.cycle for s in found.states] == [2]
    assert found.clouds == ("t1", "t2", "union")
    assert "is the only state" in found.verdict.sentence


@pytest.mark.slow
def test_a_planted_circle_in_an_array_is_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    turn = rng.uniform(0, 2 * np.pi, 200)
    circle = np.zeros((200, 20))
    circle[:, 0], circle[:, 1], circle[:, 2] = np.cos(turn), np.sin(turn), 0.5
    np.save(tmp_path / "blob.npy", rng.normal(size=(200, 20)))
    np.save(tmp_path / "circle.npy", circle + 0.02 * rng.normal(size=circle.shape))
    found = analyse(tmp_path / "blob.npy", tmp_path / "circle.npy")
    assert "1 loop is longer than chance would produce" in found.verdict.sentence
    loop = found.loops[0]
    assert loop.cycle == 1
    # Round the circle: the members in their order go once round.
    steps = np.diff(np.unwrap(turn[list(loop.members)]), append=np.nan)[:-1]
    assert abs(abs(steps.sum()) - 2 * np.pi) < 1.5


@pytest.mark.slow
def test_a_large_cloud_is_averaged_over_subsamples_and_says_so(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    before = draw.normal(size=(400, 5))
    np.save(tmp_path / "before.npy", before)
    np.save(tmp_path / "after.npy", before + 0.1 * draw.normal(size=before.shape))
    found = analyse(tmp_path / "before.npy", tmp_path / "after.npy", max_points=60, subsample_size=40, subsamples=6)
    assert found.protocol["cloud union"] == "6 uniform subsamples of 40 of 400 points"
    assert found.protocol["plans"] == {"union": {"points": 400, "size": 40, "draws": 6}}
    assert found.protocol["sampled"] == ["union"]
    assert re.search(r"loop persistence of a subsample went from [\d.]+ ± [\d.]+ to [\d.]+ ±", found.verdict.sentence)
    page = write_report(found, tmp_path / "x.html").read_text(encoding="utf-8")
    assert "All points: 6 uniform subsamples of 40 of 400 points. Clusters, effective rank" in page
    clusters = persistent_homology(before, max_degree=0)[0]
    assert found.diagrams[0, 0, "union", 0] == pytest.approx(clusters, rel=1e-9)
    rows = SubsamplePlan(400, 40, 6).rows(0)
    assert found.diagrams[0, 0, "union", 1] == pytest.approx(persistent_homology(before[rows])[1], rel=1e-9)
    averaged = {(m.measure, m.degree) for m in found.measurements if m.standard_error is not None}
    assert {("total_persistence", 1), ("landscape", 1), ("uniformity", None), ("bottleneck_distance", 1)} <= averaged
    exact = {(m.measure, m.degree) for m in found.measurements if m.standard_error is None}
    assert {("total_persistence", 0), ("rank_me", None), ("linear_cka", None)} <= exact
    totals = [total_persistence(persistent_homology(before[rows])[1]) for rows in SubsamplePlan(400, 40, 6)]
    assert found.value("total_persistence", 0, 0, "union", degree=1) == pytest.approx(np.mean(totals))
    # Members of loops are rows of the whole cloud.
    assert all(set(loop.members) <= set(rows.tolist()) for loop in found.loops)


@pytest.mark.slow
def test_resamples_tell_the_spread_of_total_persistence(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(60, 5))
    np.save(tmp_path / "x.npy", points)
    found = analyse(tmp_path / "x.npy", resamples=8, nulls="none")
    whole = found.value("total_persistence", 0, 0, "union", degree=0)
    mean = found.value("total_persistence.resampled_mean", 0, 0, "union", degree=0)
    assert whole is not None
    assert mean is not None
    assert 0.4 * whole < mean < 0.9 * whole  # a resample has about 63 % of the points
    assert found.value("total_persistence.resampled_deviation", 0, 0, "union", degree=1)


@pytest.mark.slow
def test_what_would_not_fit_is_refused_with_the_plan_that_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(300, 5)))
    monkeypatch.setattr("topores.analysis.costs.available_memory", lambda: 1_000_000)
    config = TopologyConfig(checkpoint=(str(tmp_path / "x.npy"),), output=tmp_path / "x.html")
    with pytest.raises(ResourceError, match=r"subsamples of 100 of 300 points would fit.*--force") as refused:
        run_topology(config)
    assert refused.value.exit_code == 5
    assert not (tmp_path / "x.html").exists()
    assert run_topology(config, force=True)[1].is_file()


@pytest.mark.slow
def test_a_second_call_reads_what_the_first_one_found(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(30, 5)))
    config = TopologyConfig(checkpoint=(str(tmp_path / "x.npy"),), output=tmp_path / "x.html")
    first, page, _ = run_topology(config)
    before = page.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("topores.analysis.measure.run_remembered", lambda *_, **__: pytest.fail("computed again"))
        with caplog.at_level("INFO", "topores"):
            second, page, _ = run_topology(config)
        assert "Nothing changed" in caplog.text
        assert second.verdict == first.verdict
        assert second.measurements == first.measurements
        assert page.read_bytes() == before
        for other in (replace(config, seed=1, resamples=1), replace(config, metric="euclidean")):
            with pytest.raises(pytest.fail.Exception, match="computed again"):
                run_topology(other)
        np.save(tmp_path / "x.npy", np.random.default_rng(1).normal(size=(30, 5)))
        with pytest.raises(pytest.fail.Exception, match="computed again"):
            run_topology(config)
    third, _, _ = run_topology(config)
    assert third.measurements != first.measurements


@pytest.mark.slow
def test_a_model_with_texts_is_read_back_with_them(
    tmp_path: Path, tiny_model: Path, two_texts: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TopologyConfig(checkpoint=(str(tiny_model),), texts=two_texts, output=tmp_path / "m.html")
    first, page, _ = run_topology(config)
    before = page.read_bytes()
    monkeypatch.setattr("topores.analysis.opening._reader", lambda *_: pytest.fail("loaded a model"))
    second, page, _ = run_topology(config)
    assert second.corpus is not None
    assert first.corpus is not None
    assert [p.text for p in second.corpus.t1] == [p.text for p in first.corpus.t1]
    assert page.read_bytes() == before


@pytest.mark.slow
def test_one_cell_that_fails_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(ord(name)).normal(size=(30, 5)))
    broken, computed = [True], []

    def fragile(protocol: Protocol, points: np.ndarray) -> CloudNumbers:
        computed.append(points)
        if broken[0] and len(computed) == 2:
            raise MemoryError
        return measure_cloud(protocol, points)

    monkeypatch.setattr("topores.analysis.measure.measure_cloud", fragile)
    config = TopologyConfig(
        checkpoint=(str(tmp_path / "a.npy"), str(tmp_path / "b.npy")), cache=str(tmp_path / "c"), output=tmp_path / "r"
    )
    with pytest.raises(WorkFailed, match=r"b\.npy: 1 of 1 failed"):
        run_topology(config)
    broken[0] = False
    run_topology(config)
    assert len(computed) == 3  # a, b that failed, b


@pytest.mark.slow
def test_voids(tmp_path: Path) -> None:
    sphere = np.random.default_rng(0).normal(size=(120, 3))
    np.save(tmp_path / "sphere.npy", sphere)
    found = analyse(tmp_path / "sphere.npy", max_degree=2, metric="euclidean", nulls="none")
    bars = found.diagrams[0, 0, "union", 2]
    assert (bars[:, 1] - bars[:, 0]).max() > 0.5  # directions of a normal cloud fill the sphere, whose void is one


@pytest.mark.slow
def test_json_is_one_object_on_stdout(topores, tiny_run: Run, tmp_path: Path) -> None:
    done = topores("topology", "--checkpoint", tiny_run.folder, "--layers", "last", "--nulls", "none", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert {"run", "verdict", "claims", "report", "seconds"} <= result.keys()
    assert all(claim.keys() == {"what", "value", "null", "p"} for claim in result["claims"])
    assert (tmp_path / result["report"]).is_file()


@pytest.mark.slow
def test_fail_on_ends_with_1_after_the_result_if_the_outcome_is_named(
    topores, tiny_options: dict, tmp_path: Path
) -> None:
    run = train(**{**tiny_options, "learning_rate": 0.0, "cycles": 1}, output=tmp_path / "still")
    command = ("topology", "--checkpoint", run.folder, "--layers", "last", "--nulls", "none", "--json")
    failed = topores(*command, "--fail-on", "memorised,frozen")
    assert failed.returncode == 1
    result = json.loads(failed.stdout)
    assert (result["outcome"], result["movement"]) == ("frozen", "unchanged")
    assert "The verdict is 'frozen', which --fail-on names" in failed.stderr
    assert topores(*command, "--fail-on", "memorised", "--fail-on", "no-better").returncode == 0
    unknown = topores(*command, "--fail-on", "colapsed")
    assert unknown.returncode == 2
    assert "--fail-on is 'colapsed'. Did you mean 'collapsed'?" in unknown.stderr


@pytest.mark.parametrize("name", FAILING)
def test_each_outcome_that_may_be_named_is_one_of_the_verdict(name: str) -> None:
    config = TopologyConfig.from_mapping({"checkpoint": ["x"], "fail_on": [name]})
    (outcome,) = config.failing
    assert any(f'"{outcome}"' in inspect.getsource(file) for file in (learning, rules))
    with pytest.raises(FailedOn, match=outcome):
        stop_if(Verdict("", (), outcome), config.failing)
    with pytest.raises(FailedOn, match=outcome):
        stop_if(Verdict("", (), "learned", outcomes=("learned", outcome)), config.failing)
    stop_if(Verdict("", (), "learned"), config.failing)
