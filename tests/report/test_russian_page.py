"""The page in Russian: no sentence of it stays English, and its numbers are those of the English page."""

import dataclasses
import json

import pytest

from tests.report.reading import Page, english_of
from topores.domain import Analysis, Claim, Passage, Verdict
from topores.phrases import Phrase, phrase_facts
from topores.report import render

RUSSIAN = "Доверительный интервал не включает ноль."


def numbers(html: str) -> list[float]:
    """Every exact number of a page, in order."""
    return [float(e.attributes["value"] or "nan") for e in Page(html).all("data")]


def in_russian(passage: Passage) -> Passage:
    return dataclasses.replace(passage, text=RUSSIAN, document="текст")


@pytest.fixture(scope="module")
def analysis(full: Analysis) -> Analysis:
    """All of a run, its texts Russian, its verdict as the analysis says it."""
    assert full.corpus is not None
    corpus = dataclasses.replace(
        full.corpus, t1=tuple(map(in_russian, full.corpus.t1)), t2=tuple(map(in_russian, full.corpus.t2))
    )
    told = Phrase("{span} {told}.", span=Phrase("After {n:,} cycles", n=2000), told=Phrase("the space rotated"))
    claims = (Claim(Phrase("{measure}, last state (null: first state)", measure=Phrase("RankMe")), 119.0, 110.0, 0.04),)
    reasons = {
        "dropout": Phrase("the encoder has no dropout, so nothing is drawn"),
        "resample": Phrase("a cloud has {least} points, and half of them is too few to measure", least=7),
    }
    left_out = {"nulls_left_out": dict(reasons), "phrases": {n: phrase_facts(why) for n, why in reasons.items()}}
    # As they are read back from results.
    protocol = {**full.protocol, **json.loads(json.dumps(left_out))}
    return dataclasses.replace(
        full,
        protocol=protocol,
        corpus=corpus,
        verdict=Verdict(told, claims, "learned", "turned", Phrase("Nothing changed")),
    )


def test_reasons_of_nulls_that_are_left_out(analysis: Analysis) -> None:
    russian, english = (render(analysis, language) for language in ("ru", "en"))
    assert "в кодировщике нет дропаута, поэтому разыгрывать нечего" in russian
    assert "точек в облаке: 7, и половины из них для измерения мало" in russian
    assert "a cloud has 7 points, and half of them is too few to measure" in english


def test_no_sentence_stays_english(analysis: Analysis) -> None:
    page = Page(render(analysis, "ru"))
    assert page.one("html").attributes["lang"] == "ru"
    assert page.one("h1").words == "Ничего не изменилось"
    # A citation.
    assert english_of(page) - {"Bobrowski and Skraba"} == set()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["analysis", "bare", "hostile"])
def test_numbers_are_the_same_in_both_languages(kind: str, request: pytest.FixtureRequest) -> None:
    analysis = request.getfixturevalue(kind)
    english, russian = render(analysis), render(analysis, "ru")
    assert Page(english).one("html").attributes["lang"] == "en"
    assert numbers(english) == numbers(russian) != []


def test_rendering_in_russian_leaves_no_trace(analysis: Analysis) -> None:
    before = render(analysis)
    render(analysis, "ru")
    assert render(analysis) == before
