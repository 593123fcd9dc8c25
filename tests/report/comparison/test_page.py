"""The page of a comparison: what stands on it is what was compared, and nothing in it runs or asks anything."""

import base64
import dataclasses
import hashlib
import re

import numpy as np
import pytest

from tests.report.conftest import HOSTILE
from tests.report.made import CYCLES
from tests.report.reading import Page, english_of, tables, values
from topores.analysis.comparison.aligned import Comparison
from topores.analysis.comparison.evidence import Judged
from topores.analysis.comparison.run import QUANTITIES, ComparedRun
from topores.analysis.comparison.verdict import judge_comparison
from topores.config import every_option
from topores.domain import Analysis, Claim, Measurement, NullMeasurement, Verdict
from topores.phrases import Phrase
from topores.report.comparison.charts import LOOKS, loss_scale
from topores.report.comparison.data import looks_of
from topores.report.comparison.page import render_comparison
from topores.report.comparison.tables import BESIDE
from topores.report.html.numbers import digits
from topores.report.html.safe import clean
from topores.report.option_names import NAMES, option_name


def changed(analysis: Analysis, encoder: str, seed: int, *, shift: float = 0.0, speed: float = 1.0) -> Analysis:
    """The made analysis as another run would have it."""
    draw = np.random.default_rng([seed, len(encoder)])
    measurements = tuple(
        dataclasses.replace(m, value=m.value * (1 + shift) + 0.01 * draw.normal())
        for m in analysis.measurements
        if (m.layer, m.cloud, m.threshold) == (6, "union", None)
    )
    metrics = tuple(
        {**line, "loss": line["loss"] / speed, "uniformity": line["uniformity"] - shift} for line in analysis.metrics
    )
    options = {**analysis.run["options"], "encoder": encoder, "seed": seed}
    sha256 = {"t1": "1" * 64, "t2": "2" * 64}
    return dataclasses.replace(
        analysis, measurements=measurements, metrics=metrics, run={**analysis.run, "options": options, "sha256": sha256}
    )


@pytest.fixture(scope="module")
def comparison(full: Analysis) -> Comparison:
    """Two kinds of two seeds each."""
    return Comparison(
        tuple(
            ComparedRun(f"{encoder}-{seed}", changed(full, encoder, seed, shift=shift, speed=speed))
            for encoder, shift, speed in (("full", 0.0, 1.0), ("loreft", 0.5, 2.0))
            for seed in (0, 1)
        )
    )


@pytest.fixture(scope="module")
def html(comparison: Comparison) -> str:
    return render_comparison(comparison, judge_comparison(comparison))


@pytest.fixture(scope="module")
def hostile_runs(hostile: Analysis) -> Comparison:
    """A user's text wherever one can stand, in two runs that differ by it."""
    run = {**hostile.run, "options": {HOSTILE: HOSTILE, "encoder": HOSTILE}, "sha256": {"t1": HOSTILE, "t2": HOSTILE}}
    other = {**run, "options": {HOSTILE: f"x{HOSTILE}", "encoder": "linear"}, "null": {"kind": HOSTILE, "seed": 1}}
    return Comparison(
        (
            ComparedRun(HOSTILE, dataclasses.replace(hostile, run=run, metrics=hostile.metrics)),
            ComparedRun(f"2{HOSTILE}", dataclasses.replace(hostile, run=other)),
        )
    )


def section(html: str, name: str) -> str:
    return html[html.index(f'<section id="{name}"') :].split("</section>")[0] + "</section>"


def test_the_sentence_stands_on_top(comparison: Comparison, html: str) -> None:
    verdict = judge_comparison(comparison)
    assert Page(html).one("h1").words == verdict.headline
    assert Page(html).one("p", class_="lead").words == verdict.sentence
    assert Page(html).all("title")[0].words == f"full-0, full-1, loreft-0, loreft-1: {verdict.headline}"
    claims = tables(section(html, "verdict"))[0]
    assert len(claims) == 1 + len(verdict.claims)
    shown = values(section(html, "verdict").split("</table>")[0] + "</table></div></section>")
    told = [number for c in verdict.claims for number in (c.value, c.null, c.p) if number is not None]
    assert shown == told


def test_nulls_trained_beside_a_run_are_no_difference_of_it(comparison: Comparison) -> None:
    first, *others = comparison.runs
    asked = {**first.analysis.run, "options": {**first.options, "null": "shuffled", "seeds": 3}}
    ran = dataclasses.replace(first, analysis=dataclasses.replace(first.analysis, run=asked))
    runs = Comparison((ran, *others))
    head = tables(section(render_comparison(runs, judge_comparison(runs)), "runs"))[0][0]
    assert "null" not in head
    assert "seeds" not in head


def test_the_runs_stand_with_what_differs_between_them(html: str) -> None:
    head, *rows = tables(section(html, "runs"))[0]
    assert head == ["Run", "Kind", "encoder", "seed", "Last cycle", "Lowest loss", "States measured"]
    assert [row[0].strip() for row in rows] == ["full-0", "full-1", "loreft-0", "loreft-1"]
    assert [row[1:5] for row in rows[1:3]] == [
        ["encoder full", "full", "1", "2,000"],
        ["encoder loreft", "loreft", "0", "2,000"],
    ]
    assert "All runs have the same texts (SHA-256 11111111… and 22222222…)" in html
    assert "the same held-out passages and pairs" in html


def test_runs_of_other_texts_are_said_to_be_and_shown_by_hash(comparison: Comparison) -> None:
    first, *rest = comparison.runs
    run = {**first.analysis.run, "sha256": {"t1": "7" * 64, "t2": "8" * 64}}
    other = Comparison((ComparedRun("x", dataclasses.replace(first.analysis, run=run)), *rest))
    html = render_comparison(other, judge_comparison(other))
    assert "The runs have different texts" in html
    assert [row[4:6] for row in tables(section(html, "runs"))[0][:3]] == [
        ["T1", "T2"], ["77777777", "88888888"], ["11111111", "22222222"],
    ]  # fmt: skip


def test_the_numbers_at_each_cycle_are_those_of_the_comparison(comparison: Comparison, html: str) -> None:
    html = section(html, "cycles")
    head, *rows = tables(html)[0]
    assert head[:3] == ["Cycle", "Run", "Held-out MRR"]
    assert "Total loop persistence (rad)" in head
    assert len(rows) == len(CYCLES) * 4
    told = values(html[html.index("<table") : html.index("</table>")] + "</table>")
    wanted = [
        number
        for cycle in comparison.cycles
        for place in range(4)
        for number in (float(cycle), *(comparison.at_cycle(name, cycle)[place] for name in QUANTITIES))
        if number is not None
    ]
    assert told == wanted


def test_the_numbers_at_each_loss_are_those_of_the_comparison(comparison: Comparison, html: str) -> None:
    html = section(html, "losses")
    told = values(html[html.index("<table") : html.index("</table>")] + "</table>")
    wanted = [
        number
        for level in comparison.levels
        for place in range(4)
        for number in (
            level, comparison.cycle_reached(level)[place],
            *(comparison.at_loss(name, level)[place] for name in QUANTITIES),
        )
        if number is not None
    ]  # fmt: skip
    assert told == wanted
    assert len(tables(html)[0]) == 1 + 4 * len(comparison.levels)
    slow, quick = comparison.cycle_reached(comparison.levels[-1])[::2]
    assert slow is not None
    assert quick is not None
    assert quick < slow


def test_the_last_shared_cycle_has_a_table_of_its_own_and_the_kinds_their_spread(
    comparison: Comparison, html: str
) -> None:
    end, kinds = tables(section(html, "end"))
    shown = {row[0]: row[1:] for row in end[1:]}
    assert shown["Total loop persistence (rad)"] == [
        digits(value) for value in comparison.at_cycle("loop_persistence", 2000) if value is not None
    ]
    assert kinds[0] == ["", "encoder full (2 seeds)", "encoder loreft (2 seeds)"]
    pair = comparison.at_cycle("loop_persistence", 2000)[:2]
    mean, deviation = np.mean(pair), np.std(pair, ddof=1)
    row = next(row for row in kinds if row[0] == "Total loop persistence (rad)")
    assert float(row[1].split(" ± ")[0]) == pytest.approx(mean, rel=5e-3)
    assert float(row[1].split(" ± ")[1]) == pytest.approx(deviation, rel=5e-3)


def test_every_run_is_a_line_of_its_own_look_in_every_chart(html: str) -> None:
    drawn = section(html, "cycles")
    charts = drawn.split('<figure class="panel">')[1:]
    assert len(charts) >= 10
    for chart in charts:
        assert re.findall(r'<polyline class="line look-(\w+)"', chart) == list(LOOKS[:4])
    assert [words.strip() for words in re.findall(r"<bdi>([^<]*)</bdi></li>", drawn)] == [
        "full-0", "full-1", "loreft-0", "loreft-1",
    ]  # fmt: skip


def test_looks_differ_by_more_than_colour(html: str) -> None:
    style = Page(html).one("style").words
    dashes = [re.search(rf"\.line\.look-{look} {{ stroke-dasharray: ([^;]*);", style) for look in LOOKS]
    assert dashes[0] is None
    assert len({dash.group(1) for dash in dashes[1:] if dash}) == len(LOOKS) - 1


def test_a_curve_over_loss_runs_to_the_right_as_loss_falls(html: str) -> None:
    chart = section(html, "losses").split("<strong>")[1]
    points = re.search(r'<polyline class="line look-run0" points="([^"]*)"', chart)
    assert points
    across = [float(place.split(",")[0]) for place in points.group(1).split()]
    assert across == sorted(across)
    scale = loss_scale([0.001, 0.01, 1.0])
    assert scale(1.0) < scale(0.01) < scale(0.001)
    # By factors: a hundredth is two steps, a tenth of that one more.
    assert scale(0.001) - scale(0.01) == pytest.approx((scale(0.01) - scale(1.0)) / 2, abs=0.02)


def test_more_runs_than_looks_are_drawn_by_kind(full: Analysis) -> None:
    runs = tuple(
        ComparedRun(f"{encoder}-{seed}", changed(full, encoder, seed)) for encoder in ("a", "b") for seed in range(5)
    )
    many = Comparison(runs)
    looks = looks_of(runs, Judged(many).groups)
    assert {looks[f"a-{seed}"] for seed in range(5)} == {"run0"}
    assert {looks[f"b-{seed}"] for seed in range(5)} == {"run1"}
    drawn = section(render_comparison(many, judge_comparison(many)), "cycles")
    assert "encoder a (5 seeds)</li>" in drawn
    assert drawn.split('<figure class="panel">')[1].count("<polyline") == 10


def test_each_run_has_its_own_verdict(html: str) -> None:
    own = section(html, "own")
    assert own.count("Held-out retrieval rose from 0.486 to 0.545 by cycle 20") == 4
    assert len(tables(own)) == 4
    assert tables(own)[0][2][:3] == ["Total loop persistence, last cycle against the first", "3.58", "1.10"]


def test_nulls_stand_below_their_run_and_are_missed_where_there_are_none(comparison: Comparison) -> None:
    first, second, *_ = (ComparedRun(run.name, dataclasses.replace(run.analysis, nulls=())) for run in comparison.runs)
    bare = render_comparison(Comparison((first, second)), Verdict("x", ()))
    assert "These results have no nulls." in section(bare, "nulls")
    drawn = [
        NullMeasurement("dropout", i, Measurement(2000, 6, "union", "rank_me", v, ""))
        for i, v in enumerate((10.0, 14.0))
    ]
    with_nulls = ComparedRun("with", dataclasses.replace(first.analysis, nulls=tuple(drawn)))
    both = Comparison((with_nulls, second))
    head, own, null = tables(section(render_comparison(both, Verdict("x", ())), "nulls"))[0]
    assert own[:2] == [" with", "cycle 2,000"]
    assert null[:2] == ["with", "Dropout (2)"]
    assert null[head.index("RankMe")] == "12.0 ± 2.83"


def test_losses_that_mean_something_else_are_marked(comparison: Comparison) -> None:
    first, second, *_ = comparison.runs
    run = {**second.analysis.run, "options": {**second.options, "temperature": 0.1}}
    other = Comparison((first, ComparedRun("warm", dataclasses.replace(second.analysis, run=run))))
    html = section(render_comparison(other, judge_comparison(other)), "losses")
    assert "These losses are not comparable:" in html
    assert "the runs differ in temperature" in html


@pytest.mark.parametrize("kind", ["made", "hostile", "bare"])
def test_nothing_runs_and_nothing_is_asked_from_anywhere(
    kind: str, comparison: Comparison, hostile_runs: Comparison, bare: Analysis
) -> None:
    least = Comparison((ComparedRun("a", bare), ComparedRun("b", bare)))
    runs = {"made": comparison, "hostile": hostile_runs, "bare": least}[kind]
    html = render_comparison(runs, judge_comparison(runs))
    page = Page(html)
    policy = page.one("meta", http_equiv="Content-Security-Policy").attributes["content"] or ""
    style = page.one("style").words
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; script-src 'none'; style-src 'sha256-{digest}'; img-src data:; ")
    assert {e.tag for e in page.elements}.isdisjoint({"script", "img", "link", "iframe"})
    for element in page.elements:
        assert not [name for name in element.attributes if name.startswith("on") or name in ("style", "src")], element
        assert (element.attributes.get("href") or "#").startswith("#")
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    assert {(e.attributes["href"] or "")[1:] for e in page.all("a")} <= set(ids)


def test_hostile_words_are_shown_as_words(hostile_runs: Comparison) -> None:
    verdict = judge_comparison(hostile_runs)
    html = render_comparison(hostile_runs, verdict)
    html.encode("utf-8")
    page = Page(html)
    assert page.one("h1").words == clean(verdict.headline)
    assert page.one("p", class_="lead").words == clean(verdict.sentence)
    assert page.one("p", class_="name").words == clean(f"{HOSTILE} · 2{HOSTILE}")
    assert not set("\x00\u2028\u2029\u202e") & set(html)


def test_the_same_runs_give_the_same_page(comparison: Comparison, html: str) -> None:
    again = Comparison(comparison.runs)
    assert render_comparison(again, judge_comparison(again)) == html


# In Russian.


def as_analysed(run: ComparedRun, **facts: object) -> ComparedRun:
    """The run with a verdict as the analysis says it, and with other facts: `options`, `sha256` or `null`.

    Args:
        facts: What the run has beside, or instead of, what it had.
    """
    claims = (Claim(Phrase("{measure}, last state (null: first state)", measure=Phrase("RankMe")), 119.0, 110.0, 0.04),)
    verdict = Verdict(
        Phrase("{span} {told}.", span=Phrase("After {n:,} cycles", n=2000), told=Phrase("one state")), claims
    )
    own = {**run.analysis.run, **facts}
    return dataclasses.replace(run, analysis=dataclasses.replace(run.analysis, verdict=verdict, run=own))


def sides(comparison: Comparison, full: Analysis) -> dict[str, Comparison]:
    """Comparisons that between them say nearly all that the page can say."""
    a, b, c, d = (as_analysed(run) for run in comparison.runs)
    other = dataclasses.replace(as_analysed(a, sha256={"t1": "7" * 64, "t2": "8" * 64}), name="7")
    null = dataclasses.replace(as_analysed(b, null={"kind": "shuffled", "seed": 1}), name="s")
    warm = dataclasses.replace(
        as_analysed(c, options={**c.options, "temperature": 0.5, "batch_size": 2}), name="x" * 80
    )
    plan = {"draws": 10, "size": 2000, "points": 12345}
    sampled = dataclasses.replace(
        b, analysis=dataclasses.replace(b.analysis, nulls=(), protocol={"sampled": ["union"], "plans": {"union": plan}})
    )
    many = [as_analysed(ComparedRun(f"{e}{s}", changed(full, e, s))) for e in "abcdefghi" for s in (0, 1)]
    late = dataclasses.replace(c, analysis=dataclasses.replace(c.analysis, states=full.states[:1], metrics=()))
    return {
        "two kinds": Comparison((a, b, c, d)),
        "one run each": Comparison((a, warm)),
        "other texts": Comparison((other, b, c, d)),
        "one kind": Comparison((a, sampled)),
        "one seed": Comparison((a, dataclasses.replace(a, name="2"), null)),
        "many": Comparison(tuple(many)),
        "no cycle in common": Comparison((a, late)),
    }


SIDES = ("two kinds", "one run each", "other texts", "one kind", "one seed", "many", "no cycle in common")


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_no_sentence_stays_english(side: str, comparison: Comparison, full: Analysis) -> None:
    runs = sides(comparison, full)[side]
    verdict = judge_comparison(runs)
    html = render_comparison(runs, verdict, "ru")
    assert Page(html).one("html").attributes["lang"] == "ru"
    assert english_of(Page(html)) == set()
    assert values(html) == values(render_comparison(runs, verdict)) != []


def test_the_sentence_is_russian_on_the_page_and_english_elsewhere(comparison: Comparison) -> None:
    verdict = judge_comparison(comparison)
    page = Page(render_comparison(comparison, verdict, "ru"))
    assert page.one("h1").words.replace("\u202f", " ").replace("\u00a0", " ") == (
        "4 прогона (2 вида), цикл 2 000: MRR отложенных пар — 0,44 у обоих, различие в пределах разброса по начальным "
        "числам (p = 1)"
    )
    assert page.one("p", class_="lead").words.replace("\u202f", " ").replace("\u00a0", " ") == (
        "4 прогона (2 вида), цикл 2 000: MRR отложенных пар — 0,44 у обоих, различие в пределах разброса по начальным "
        "числам (p = 1); сильнее, чем между прогонами с разными начальными числами, различаются "
        "длина остовного дерева, внутренняя размерность и масштаб; прогонов с петлями длиннее случайных: 4 из 4."
    )
    assert verdict.sentence.startswith("4 runs of 2 kinds at cycle 2,000: held-out MRR is 0.44 in both")
    claim = tables(section(render_comparison(comparison, verdict, "ru"), "verdict"))[0][1]
    assert claim[0].replace("\u202f", " ").replace("\u00a0", " ") == (
        "MRR отложенных пар, цикл 2 000: «encoder full (2 начальных числа)» (для сравнения — «encoder loreft (2 "
        "начальных числа)»); критерий Уэлча"
    )


def test_numbers_stand_with_their_units(html: str) -> None:
    rows = [row[0] for row in tables(section(html, "end"))[0][1:]]
    wanted = [
        "Total loop persistence (rad)", "Spanning tree length (rad)", "Deformation (share of the spread)",
        "Largest rotation (rad)", "Scale (ratio)",
    ]  # fmt: skip
    assert [row for row in rows if row in wanted] == wanted
    charts = [e.words for e in Page(section(html, "cycles")).all("figcaption")]
    assert [words for words in charts if words.startswith("Largest rotation rad")] != []


def test_options_are_called_by_words_of_the_language(comparison: Comparison) -> None:
    """A name that is spelt as code is broken within a word, and says nothing on a Russian page."""
    first, *others = comparison.runs
    options = {**first.options, "meta_analysis": "x.txt", "cycles": 7, "batch_size": 3}
    run = {**first.analysis.run, "options": options, "sha256": {"t1": "7" * 64, "t2": "8" * 64}}
    runs = Comparison((ComparedRun("x", dataclasses.replace(first.analysis, run=run)), *others))
    verdict = judge_comparison(runs)
    heads = {lang: tables(section(render_comparison(runs, verdict, lang), "runs"))[0][0][1:7] for lang in ("en", "ru")}
    assert heads["en"] == ["Kind", "meta analysis", "encoder", "cycles", "batch size", "seed"]
    assert heads["ru"] == ["Вид", "метаанализ", "кодировщик", "циклы", "размер пакета", "начальное число"]


def test_every_option_of_training_has_a_name() -> None:
    assert {name.replace("_", " ") for name in every_option()} - {*BESIDE} == set(NAMES)
    assert option_name("wo<rds") == "<code>wo&lt;rds</code>"


def test_a_long_option_may_be_broken_between_its_parts(comparison: Comparison) -> None:
    """A path and a list of cycles pushed the last columns off the paper."""
    first, *others = comparison.runs
    options = {**first.options, "checkpoints": "0,1,2", "article": "/data/a_b/<x>.txt"}
    run = {**first.analysis.run, "options": options, "sha256": {"t1": "7" * 64, "t2": "8" * 64}}
    runs = Comparison((ComparedRun("x", dataclasses.replace(first.analysis, run=run)), *others))
    html = render_comparison(runs, judge_comparison(runs))
    assert "<td>0,<wbr>1,<wbr>2</td>" in html
    assert "<td>/<wbr>data/<wbr>a_<wbr>b/&lt;x&gt;.txt</td>" in html
