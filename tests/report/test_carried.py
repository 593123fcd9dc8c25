"""What a report carries is what a comparison reads of the run, to the last bit; and no file makes reading it hurt."""

import base64
import dataclasses
import gzip
import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.report.comparison.test_page import changed
from tests.report.conftest import HOSTILE
from tests.report.reading import Page
from topores.analysis.comparison.aligned import Comparison
from topores.analysis.comparison.run import ComparedRun
from topores.analysis.comparison.verdict import judge_comparison
from topores.domain import Analysis, Claim, Measurement, NullMeasurement
from topores.errors import InputError
from topores.phrases import Count, Phrase
from topores.report.carried import END, MOST_RESULTS, OPENING, VERSION, read_report, results_block
from topores.report.comparison.page import render_comparison
from topores.report.html.document import document
from topores.report.language import speak, speaking


def report_of(analysis: Analysis, path: Path) -> Path:
    """The least of a page that carries results."""
    path.write_text(document("a report", f"<p>A passage</p>{results_block(analysis)}"), encoding="utf-8")
    return path


def contents(analysis: Analysis) -> dict[str, Any]:
    block = results_block(analysis).removeprefix(OPENING.decode()).removesuffix(END.decode())
    return json.loads(gzip.decompress(base64.b64decode(block)))


def holding(packed: bytes, path: Path) -> Path:
    """A page whose block holds these bytes."""
    path.write_bytes(b"<!DOCTYPE html>" + OPENING + base64.b64encode(packed) + END)
    return path


def holding_json(value: Any, path: Path) -> Path:
    return holding(gzip.compress(json.dumps(value).encode()), path)


def fault_of(path: Path) -> str:
    with pytest.raises(InputError) as fault:
        read_report(path)
    told = str(fault.value)
    assert "\n" not in told
    assert told.startswith(f"'{path}' ") or told.startswith(f"The results in '{path}' ")
    return told


@pytest.fixture(scope="module")
def runs(full: Analysis) -> list[Analysis]:
    """Two kinds of two seeds each; some with other layers, clouds and curves, and one with nulls of many kinds."""
    kinds = [changed(full, encoder, seed, shift=0.3 * seed) for encoder in ("full", "loreft") for seed in (0, 1)]
    nulls = [
        *full.nulls,
        NullMeasurement("reencode", 0, Measurement(0, 6, "union", "change", 0.0, "", against=0)),
        NullMeasurement("frozen", 0, Measurement(2000, 6, "t1", "uniformity", -1.0, "")),
    ]
    return [dataclasses.replace(kinds[0], measurements=full.measurements, nulls=tuple(nulls)), *kinds[1:]]


def test_reports_are_compared_as_the_runs_themselves(runs: list[Analysis], tmp_path: Path) -> None:
    reports = [read_report(report_of(run, tmp_path / f"{i}.html")) for i, run in enumerate(runs)]
    whole = Comparison(tuple(ComparedRun(f"run {i}", run) for i, run in enumerate(runs)))
    lone = Comparison(tuple(dataclasses.replace(run, name=f"run {i}") for i, run in enumerate(reports)))
    verdict = judge_comparison(lone)
    assert verdict == judge_comparison(whole)
    assert render_comparison(lone, verdict) == render_comparison(whole, verdict)
    for read, run in zip(lone.runs, whole.runs, strict=True):
        assert (read.values, read.losses, read.gist) == (run.values, run.losses, run.gist)
        assert read.analysis.verdict == run.analysis.verdict
        assert {(m.layer, m.cloud, m.threshold) for m in read.analysis.measurements} == {(6, "union", None)}
        assert read.analysis.corpus is None
        assert not read.analysis.diagrams


def test_the_verdict_of_a_carried_run_is_said_in_other_languages(runs: list[Analysis], tmp_path: Path) -> None:
    told = Phrase("the space rotated; {loops}", loops=Count(2, "loop"))
    verdict = dataclasses.replace(
        runs[0].verdict,
        sentence=told,
        claims=(Claim(Phrase("RankMe"), 1.0, None, None), Claim("as it is", 1.0, None, 0.5)),
    )
    run = dataclasses.replace(runs[0], verdict=verdict)
    read = read_report(report_of(run, tmp_path / "a.html")).analysis
    assert read.verdict == verdict
    with speaking("ru"):
        assert speak(read.verdict.sentence) == "the space rotated; 2\xa0петли"
    assert [isinstance(claim.what, Phrase) for claim in read.verdict.claims] == [True, False]


def test_phrases_of_a_report_that_say_anything_else_are_not_believed(full: Analysis, tmp_path: Path) -> None:
    whole = contents(full)
    for phrases in (
        None,
        {},
        {"sentence": {"template": "It learned.", "values": {}}},
        {"sentence": {"template": "{a:999999999999}", "values": {"a": 1}}},
        {"sentence": {"count": "1" * 99, "noun": "loop"}},
        {"sentence": {"count": 10**400, "noun": []}},
    ):
        given = (
            {**whole, "phrases": phrases} if phrases is not None else {n: v for n, v in whole.items() if n != "phrases"}
        )
        read = read_report(holding_json(given, tmp_path / "a.html")).analysis.verdict
        assert read == full.verdict
        assert not isinstance(read.sentence, Phrase)


def test_a_state_without_any_loop_is_told_from_one_that_was_not_judged(full: Analysis, tmp_path: Path) -> None:
    place = (1000, 6, "union", 1)
    bars = {**full.diagrams, place: np.empty((0, 2))}
    read = read_report(report_of(dataclasses.replace(full, diagrams=bars), tmp_path / "a.html"))
    assert read.values["significant_loops"] == {1000: 0.0, 2000: 1.0}


@given(st.lists(st.floats(), min_size=1, max_size=20))
@settings(max_examples=50)
def test_every_number_comes_back_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    from tests.report.made import make_bare

    measured = tuple(Measurement(0, 0, "union", f"m{i}", value, "") for i, value in enumerate(values))
    folder = tmp_path_factory.mktemp("carried")
    read = read_report(report_of(dataclasses.replace(make_bare(), measurements=measured), folder / "a.html"))
    bits = [struct.pack("<d", m.value) for m in read.analysis.measurements]
    # Every NaN is one to us, whatever its sign.
    assert bits == [struct.pack("<d", float("nan") if value != value else value) for value in values]


def test_the_block_is_small_and_the_same_for_the_same_analysis(full: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    """12 cycles, 7 layers, 3 clouds, and three nulls: at both ends 20 draws of 20 numbers each."""
    draw = np.random.default_rng(0)
    nulls = tuple(
        NullMeasurement(null, i, Measurement(cycle, 6, cloud, f"measure {m}", float(draw.normal()), ""))
        for null in ("dropout", "resample", "matched_spectrum") for i in range(20) for cycle in (0, 2000)
        for cloud in full.clouds for m in range(20)
    )  # fmt: skip
    heavy = dataclasses.replace(full, nulls=nulls)
    block = results_block(heavy)
    assert len(block) < 40_000
    monkeypatch.setattr("time.time", lambda: 1e9)
    assert results_block(heavy) == block


def test_the_block_is_inert_and_holds_no_passage(hostile: Analysis, tmp_path: Path) -> None:
    path = report_of(hostile, tmp_path / "a.html")
    block = Page(path.read_text(encoding="utf-8")).one("script", type="text/plain", id="results")
    assert set(block.words) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
    read = read_report(path)
    assert read.name == HOSTILE
    assert read.options == {"article": HOSTILE, HOSTILE: HOSTILE, "cycles": HOSTILE}
    assert "Closed-loop insulin" not in json.dumps(contents(hostile))
    assert "/notes" not in json.dumps(contents(hostile))


def test_a_page_without_results_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text(document("old", "<p>none</p>"), encoding="utf-8")
    assert fault_of(path) == f"'{path}' contains no results; make it again with topores report RUN."
    missing = tmp_path / "b.html"
    assert fault_of(missing) == (
        f"'{missing}' cannot be read (no such file or directory); give a run folder, or the report of one."
    )


def test_damage_is_one_line(full: Analysis, tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    whole = report_of(full, path).read_bytes()
    start = whole.index(OPENING) + len(OPENING)
    end = whole.index(END, start)
    packed = base64.b64decode(whole[start:end])
    spoilt = bytearray(packed)
    spoilt[len(packed) // 2] ^= 1
    for broken in (packed[: len(packed) // 2], bytes(spoilt), b"", b"no gzip at all"):
        told = fault_of(holding(broken, path))
        assert told.startswith("The results in ")
        assert told.endswith("; make it again with topores report RUN.")
    path.write_bytes(whole[: end - 9])  # the download stopped
    assert "contains no results" in fault_of(path)
    path.write_bytes(whole[:start] + b"*" + whole[start:])
    assert "are damaged" in fault_of(path)


def test_results_of_a_newer_topores_are_not_guessed_at(full: Analysis, tmp_path: Path) -> None:
    path = holding_json({**contents(full), "version": VERSION + 1, "gist": "of another shape"}, tmp_path / "a.html")
    assert (
        f"newer topores (results of version {VERSION + 1}, and this one reads {VERSION}); update topores"
        in fault_of(path)
    )


def made_up(whole: dict[str, Any]) -> Iterator[Any]:
    """Results in which one part is not what it should be."""
    for part in whole:
        for wrong in (None, "text", [1], {"cycle": "text"}, {"cycle": [1], "value": []}):
            fits = (
                part in ("protocol", "run", "phrases") if isinstance(wrong, dict) else type(wrong) is type(whole[part])
            )
            if not fits:
                yield {**whole, part: wrong}
        if part != "phrases":
            yield {name: value for name, value in whole.items() if name != part}
    for part, name, wrong in (
        ("measurements", "value", "1.5"), ("measurements", "cloud", 3), ("loops", "p", None), ("states", "cycle", 0.5),
        ("nulls", "replicate", "0"), ("claims", "p", "small"), ("metrics", "cycle", None),
    ):  # fmt: skip
        yield {**whole, part: {**whole[part], name: [wrong, *whole[part][name][1:]]}}
        yield {**whole, part: {**whole[part], name: whole[part][name][1:]}}
    yield from ({**whole, "phrases": {"claims": claims}} for claims in (3, "text", [None], {}))
    yield from ([], 3, "text", None, {**whole, "states": {"cycle": [], "label": []}})


def test_made_up_results_are_refused_before_they_are_compared(full: Analysis, tmp_path: Path) -> None:
    """Whatever stands in the place of a part is refused, also where no types are checked but by what reads it."""
    whole = contents(dataclasses.replace(full, measurements=full.measurements[-9:]))
    for i, value in enumerate([whole, *made_up(whole)]):
        holding_json(value, tmp_path / f"{i:03}.html")
    code = (
        "import sys, pathlib\n"
        "from topores.errors import InputError\n"
        "from topores.report.carried import read_report\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).glob('*.html')):\n"
        "    try: print(path.stem, read_report(path).name)\n"
        "    except InputError as fault: assert 'are damaged' in str(fault), fault\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "000 closed_loop\n"


def test_a_small_file_cannot_unfold_to_any_size(tmp_path: Path) -> None:
    path = holding(gzip.compress(b" " * (2 * MOST_RESULTS)), tmp_path / "a.html")
    assert path.stat().st_size < 100_000
    assert "too large" in fault_of(path)
    assert "are damaged" in fault_of(holding(gzip.compress(b"[" * 1_000_000), path))
    path.write_bytes(b"<" * (64 * 2**20 + 1))
    assert "is larger than any report (64 MB)" in fault_of(path)
