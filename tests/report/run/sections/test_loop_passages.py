import dataclasses

import numpy as np

from tests.report.reading import Page
from topores.domain import Analysis
from topores.report.run.sections import loop_passages


def test_passages_stand_in_the_order_of_the_loop_with_text_and_place(full: Analysis) -> None:
    page = Page(f"<div>{loop_passages.render(full)}</div>")
    sources = [e.words for e in page.all("p", class_="source")][:5]
    assert sources == [
        "T1 article, passage 4",
        "T2 meta_analysis, passage 11",
        "T1 article, passage 13",
        "T2 meta_analysis, passage 40",
        "T1 article, passage 42",
    ]
    passages = [e.words for e in page.all("p", class_="passage")]
    assert full.corpus
    assert passages[1] == full.corpus.t2[10].text


def test_rows_of_a_sampled_cloud_find_their_passages(full: Analysis) -> None:
    sampled = dataclasses.replace(full, members={"union": np.arange(0, 120)[::-1].copy()})
    page = Page(f"<div>{loop_passages.render(sampled)}</div>")
    assert page.all("p", class_="source")[0].words == "T2 meta_analysis, passage 57"


def test_each_loop_says_how_sure_it_is(full: Analysis) -> None:
    html = loop_passages.render(full)
    text = Page(f"<div>{html}</div>").elements[0].words
    assert "A hypothesis to read, not a fact." in text
    assert "One of the 2 most significant loops is longer than chance would produce (p = 0.0120)." in text
    assert "p = 0.400 (not significant)" in text
    assert 'href="#cycle=2000&amp;layer=6&amp;cloud=union&amp;loop=b' in html


def test_nothing_beats_chance(full: Analysis) -> None:
    noise = dataclasses.replace(full, loops=full.loops[1:])
    assert (
        "No loop is longer than chance would produce: of the 1 most significant, the smallest p is 0.400."
        in Page(f"<div>{loop_passages.render(noise)}</div>").elements[0].words
    )


def test_what_could_not_be_seen_is_not_denied(full: Analysis) -> None:
    blind = dataclasses.replace(full, loops=(dataclasses.replace(full.loops[1], blind=True),))
    told = Page(f"<div>{loop_passages.render(blind)}</div>").elements[0].words
    assert "The test could not see a loop among so few passages, however long it were." in told
    assert "No loop" not in told


def test_the_surest_loops_come_first_and_among_equals_those_of_both_texts(full: Analysis) -> None:
    union, t1 = full.loops
    each = [(t1, 1.0), (union, 1.0), (t1, 0.101), (union, 0.3), (t1, 0.01), (union, 0.04)]
    many = dataclasses.replace(full, loops=tuple(dataclasses.replace(loop, p=p) for loop, p in each))
    summaries = [e.words for e in Page(f"<div>{loop_passages.render(many)}</div>").all("summary")]
    told = [(next(c for c in ("together", "T1") if c in words), words.split("p = ")[1][:5]) for words in summaries]
    assert told == [
        ("T1", "0.010"), ("together", "0.040"), ("T1", "0.101"), ("together", "0.300"),
        ("together", "1.00 "), ("T1", "1.00 "),
    ]  # fmt: skip


def test_a_passage_is_shown_without_blank_lines(full: Analysis) -> None:
    assert full.corpus
    spaced = tuple(dataclasses.replace(p, text=" a\n \n\nb\n\n") for p in full.corpus.t1)
    corpus = dataclasses.replace(full.corpus, t1=spaced)
    page = Page(f"<div>{loop_passages.render(dataclasses.replace(full, corpus=corpus))}</div>")
    assert page.all("p", class_="passage")[0].words == " a\nb"


def test_no_loop(bare: Analysis) -> None:
    assert loop_passages.render(bare).startswith("<p>There is no loop")
    clusters = {key: bars for key, bars in bare.diagrams.items() if key[3] == 0}
    assert "were not computed" in loop_passages.render(dataclasses.replace(bare, diagrams=clusters))


def test_points_without_texts_keep_their_numbers(full: Analysis) -> None:
    html = loop_passages.render(dataclasses.replace(full, corpus=None))
    assert "point 70; no text was supplied" in html
