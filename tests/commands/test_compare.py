"""`topores compare`: two runs that were trained and measured, side by side in one page."""

import dataclasses
import json
import os
import random
import shutil
from pathlib import Path

import pytest

from tests.report.reading import Page, english_of
from topores import load_run, train
from topores.analysis.store import PROTOCOL, read_results
from topores.commands.compare import Given, given_as, in_words, run_compare, shared_results
from topores.commands.topology import run_topology
from topores.config import TopologyConfig
from topores.domain import Analysis
from topores.errors import InputError, UsageError
from topores.report.carried import results_block
from topores.report.html.document import document
from topores.runs import Run


def measured(run: Run) -> Run:
    """The run, with results of its last layer."""
    report = run.folder.parent / f"{run.name}.html"
    run_topology(TopologyConfig(checkpoint=(str(run.folder),), layers="last", nulls="none", output=report))
    return run


@pytest.fixture(scope="module")
def runs(tiny_run: Run, tiny_options: dict, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """The tiny run with its results, and one of the same kind with another seed."""
    folder = tmp_path_factory.mktemp("compared")
    # A copy without the results of other tests.
    shutil.copytree(tiny_run.folder, folder / "first", ignore=shutil.ignore_patterns("topology", ".lock"))
    second = train(**tiny_options, seed=1, output=folder / "second")
    return [measured(load_run(folder / "first")), measured(second)]


@pytest.fixture(scope="module")
def elsewhere(tiny_options: dict, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of other texts."""
    folder, draw = tmp_path_factory.mktemp("elsewhere"), random.Random(1)
    texts = {}
    for name in ("article", "meta_analysis"):
        sentences = tiny_options[name].read_text(encoding="utf-8").split("\n\n")
        draw.shuffle(sentences)
        texts[name] = folder / f"{name}.txt"
        texts[name].write_text("\n\n".join(sentences), encoding="utf-8")
    return measured(train(**{**tiny_options, **texts}, output=folder / "other_texts"))


def test_json_is_one_object_and_the_page_is_there(topores, runs: list[Run], tmp_path: Path) -> None:
    done = topores("compare", *(run.folder for run in runs), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.keys() == {"run", "verdict", "claims", "report", "seconds"}
    assert found["run"] == ["first", "second"]
    assert found["verdict"].startswith("2 runs that differ in the seed alone at cycle 4: held-out MRR ")
    assert all(claim.keys() == {"what", "value", "null", "p"} for claim in found["claims"])
    assert found["report"] == "reports/compare-first-second.html"
    page = (tmp_path / found["report"]).read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "All runs have the same texts" in page


def test_words_are_the_sentence_and_where_the_page_is(topores, runs: list[Run], tmp_path: Path) -> None:
    done = topores("compare", *(run.folder for run in runs), "-o", "here/c.html")
    assert done.returncode == 0, done.stderr
    sentence, report = done.stdout.strip().splitlines()
    assert sentence.endswith("there is no other kind to compare them with.")
    assert report == "Report: here/c.html"
    assert (tmp_path / "here" / "c.html").is_file()


def test_the_page_is_russian_where_it_is_asked_for_and_what_is_printed_is_not(
    topores, runs: list[Run], tmp_path: Path
) -> None:
    folders = [run.folder for run in runs]
    told = [json.loads(topores("compare", *folders, "--json", *lang).stdout) for lang in ((), ("--lang", "ru"))]
    assert all(told[0][name] == told[1][name] for name in ("run", "verdict", "claims", "report"))
    page = (tmp_path / told[1]["report"]).read_text(encoding="utf-8")
    assert '<html lang="ru">' in page
    assert "Прогоны различаются только начальным числом (2\u00a0прогона, цикл 4): MRR отложенных пар от " in page
    assert "Все прогоны сделаны на одних и тех же текстах" in page
    assert english_of(Page(page)) == set()


def test_what_is_compared_is_what_was_logged_and_measured(runs: list[Run], tmp_path: Path) -> None:
    comparison = run_compare([run.folder for run in runs], tmp_path / "c.html").comparison
    assert comparison.cycles == (0, 1, 2, 4)
    for run, seen in zip(runs, comparison.runs, strict=True):
        for line in run.metrics:
            assert seen.values["uniformity"][line["cycle"]] == line["uniformity"]
            both = (line["train_mrr_1to2"], line["train_mrr_2to1"])
            assert seen.values["train_mrr"][line["cycle"]] == pytest.approx(sum(both) / 2)
        loops = seen.analysis.value("total_persistence", 4, max(seen.analysis.layers), "union", degree=1)
        assert seen.values["loop_persistence"][4] == loops
    assert all(value is not None for level in comparison.levels for value in comparison.at_loss("uniformity", level))


@pytest.mark.slow
def test_runs_of_other_texts_stand_side_by_side_and_are_not_judged(
    runs: list[Run], elsewhere: Run, tmp_path: Path
) -> None:
    found = run_compare([*(run.folder for run in runs), elsewhere.folder], tmp_path / "c.html")
    assert found.verdict.sentence.startswith("3 runs of 2 kinds, of different texts, at cycle 4: ")
    assert "not tested against each other" in found.verdict.sentence
    assert all(claim.p is None for claim in found.verdict.claims if claim.quantity != "significant_loops")
    assert "The runs have different texts" in found.report.read_text(encoding="utf-8")


def test_runs_with_one_name_are_told_apart_by_their_folders(runs: list[Run], tmp_path: Path) -> None:
    again = Path(shutil.copytree(runs[0].folder, tmp_path / "b" / "first"))
    found = run_compare([runs[0].folder, again], tmp_path / "c.html")
    assert found.comparison.names == [str(runs[0].folder), str(again)]
    assert found.verdict.sentence == "2 runs of one kind and one seed: there is nothing to compare."


def test_one_run_alone_or_twice_is_usage(runs: list[Run], tmp_path: Path) -> None:
    folder = runs[0].folder
    with pytest.raises(UsageError, match=r"^No runs were given; give two or more, as folders or reports: topores"):
        run_compare([], tmp_path / "c.html")
    with pytest.raises(UsageError, match=r"^Only one run was given \('.*first'\); give two or more"):
        run_compare([folder], tmp_path / "c.html")
    with pytest.raises(UsageError, match=r"first' was given twice; name each run once\.$"):
        run_compare([folder, folder / ".." / "first"], tmp_path / "c.html")
    assert not (tmp_path / "c.html").exists()


def test_a_run_without_results_says_how_to_get_them(topores, runs: list[Run], tmp_path: Path) -> None:
    shutil.copytree(runs[0].folder, tmp_path / "bare", ignore=shutil.ignore_patterns("topology"))
    done = topores("compare", runs[1].folder, "bare")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "topores: 'bare' has no results yet; run topores topology --checkpoint bare first."
    ]
    assert not (tmp_path / "reports").exists()


def with_results(run: Run, folder: Path, written: dict[str, int]) -> Given:
    """A copy of the run with empty results of these protocols, as old as said."""
    shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns("topology"))
    for protocol, seconds in written.items():
        path = folder / "topology" / protocol / PROTOCOL
        path.parent.mkdir(parents=True)
        path.write_text("{}", encoding="utf-8")
        os.utime(path, (seconds, seconds))
    return given_as(folder)


def test_the_newest_protocol_that_all_share_is_taken(runs: list[Run], tmp_path: Path) -> None:
    """One run lacks the newest; of the two that both have, a protocol is as new as the older of its results."""
    one = with_results(runs[0], tmp_path / "one", {"angle": 9, "euclidean": 5, "newest": 99})
    two = with_results(runs[0], tmp_path / "two", {"angle": 2, "euclidean": 6})
    assert [folder.name for folder in shared_results([one, two])] == ["euclidean", "euclidean"]
    three = with_results(runs[0], tmp_path / "three", {"chord": 1})
    with pytest.raises(InputError, match=r"share no protocol \('.*two' angle and euclidean, '.*three' chord\); run"):
        shared_results([two, three])


def test_nulls_that_were_measured_beside_make_no_other_protocol(runs: list[Run], tmp_path: Path) -> None:
    one = with_results(runs[0], tmp_path / "one", {"angle-degree1-all": 5, "angle-degree1-all-seed1": 9})
    names = {"angle-degree1-all-nullsdropout+matched-spectrum": 3, "angle-degree1-all-nullsnone": 1}
    two = with_results(runs[0], tmp_path / "two", names)
    assert [folder.name for folder in shared_results([one, two])] == ["angle-degree1-all", next(iter(names))]
    seeded = with_results(runs[0], tmp_path / "seeded", {"angle-degree1-all-nullsall-seed1": 1})
    assert shared_results([one, seeded])[0].name == "angle-degree1-all-seed1"


def test_damaged_results_are_one_line(runs: list[Run], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(runs[0].folder, tmp_path / "damaged"))
    next(copy.glob("topology/*/measures.parquet")).write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"cannot be read .* run topores topology again"):
        run_compare([copy, runs[1].folder], tmp_path / "c.html")


def results_of(run: Run) -> Analysis:
    (results,) = given_as(run.folder).results.values()
    return read_results(results, run)


def report_of(analysis: Analysis, path: Path) -> Path:
    """The least of a page that carries results."""
    path.write_text(document("a report", results_block(analysis)), encoding="utf-8")
    return path


def test_reports_and_folders_are_compared_alike(topores, runs: list[Run], tmp_path: Path) -> None:
    folders = [run.folder for run in runs]
    a, b = (report_of(results_of(run), tmp_path / f"{name}.html") for run, name in zip(runs, "ab", strict=True))
    wanted = run_compare(folders, tmp_path / "wanted.html")
    page = wanted.report.read_bytes()
    for place, mixture in enumerate(([a, b], [folders[0], b], [a, folders[1]])):
        found = run_compare(mixture, tmp_path / f"{place}.html")
        assert found.comparison.names == ["first", "second"]
        assert found.verdict == wanted.verdict
        assert found.report.read_bytes() == page
    done = topores("compare", "a.html", folders[1], "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["verdict"] == wanted.verdict.sentence
    assert told["report"] == "reports/compare-a-second.html"
    assert (tmp_path / told["report"]).read_bytes() == page


def test_a_report_is_held_to_its_protocol(runs: list[Run], tmp_path: Path) -> None:
    analysis = results_of(runs[0])
    folder = given_as(with_results(runs[0], tmp_path / "run", {"angle-degree1-last-nullsnone": 1, "chord": 9}).path)
    report = given_as(report_of(analysis, tmp_path / "a.html"))
    assert [place.name for place in shared_results([folder, report])] == ["angle-degree1-last-nullsnone", "a.html"]
    other = dataclasses.replace(analysis, protocol={**analysis.protocol, "comparable": "angle-degree1-0+2-seed3"})
    seeded = given_as(report_of(other, tmp_path / "seeded.html"))
    with pytest.raises(
        InputError, match=r"share no protocol \(.*a.html' angle-degree1-last, .* angle-degree1-0\+2-seed3"
    ):
        shared_results([report, seeded])
    named = dataclasses.replace(analysis, protocol={"name": "angle-degree1-last-subsamples5-nullsnone"})
    assert [*given_as(report_of(named, tmp_path / "named.html")).results] == ["angle-degree1-last-subsamples5"]


def test_a_report_names_no_file_and_commands_no_terminal(runs: list[Run], tmp_path: Path) -> None:
    analysis = results_of(runs[0])
    of_another_kind = {**analysis.run, "options": {**analysis.run["options"], "temperature": 0.5}}
    named = dataclasses.replace(analysis, name="../../elsewhere\x1b]0;owned\x07", run=of_another_kind)
    report = report_of(named, tmp_path / "a.html")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        found = run_compare([report, runs[1].folder], None)
    assert found.report == Path("reports/compare-a-second.html")
    assert "in ../../elsewhere" in in_words(found)
    assert "\x1b" not in in_words(found)
    assert "\x1b" not in (tmp_path / found.report).read_text(encoding="utf-8")


def test_a_report_that_cannot_be_compared_is_one_line(topores, runs: list[Run], tmp_path: Path) -> None:
    analysis = results_of(runs[0])
    report_of(dataclasses.replace(analysis, run={}, metrics=()), tmp_path / "arrays.html")
    (tmp_path / "old.html").write_text(document("old", "<p>none</p>"), encoding="utf-8")
    told = {
        "arrays.html": "is not the report of a training run, so it cannot be aligned with others; "
        "give reports of runs.",
        "old.html": "contains no results; make it again with topores report RUN.",
    }
    for name, words in told.items():
        done = topores("compare", runs[1].folder, name)
        assert done.returncode == 3
        assert done.stderr.splitlines() == [f"topores: '{name}' {words}"]
    assert not (tmp_path / "reports").exists()


@pytest.mark.slow
def test_a_run_is_compared_with_its_null(tiny_options: dict, tmp_path: Path) -> None:
    """A null on shuffled pairings is a run of another kind; two of them have a spread."""
    run = train(**tiny_options, output=tmp_path / "true", null="shuffled", seeds=2)
    nulls = [measured(null) for null in run.nulls.values()]
    found = run_compare([measured(run).folder, *(null.folder for null in nulls)], tmp_path / "c.html")
    assert found.comparison.same_questions
    assert found.verdict.sentence.startswith("3 runs of 2 kinds at cycle 4: ")
    first = found.verdict.claims[0]
    assert "shuffled null (2 seeds)" in first.what
    assert first.what.endswith("; prediction")
    assert first.p is not None
