import dataclasses
from pathlib import Path

from tests.report.reading import Page, cells
from topores.domain import Analysis
from topores.phrases import Phrase, phrase_facts
from topores.report.language import speaking
from topores.report.run.sections import run


def shown(analysis: Analysis) -> dict[str, str]:
    page = Page(f"<div>{run.render(analysis)}</div>")
    return dict(zip([e.words for e in page.all("dt")], [e.words for e in page.all("dd")], strict=True))


def test_what_was_run(full: Analysis) -> None:
    facts = shown(full)
    assert facts["Text T1"] == "data/closed_loop/article.txt"
    assert facts["Cycles"] == "2,000"
    assert facts["Seed"] == "0"
    assert facts["Loss"] == "infonce"
    assert facts["Training took"] == "6.87 min"
    assert facts["Versions"].startswith("topores 0.1.0, python 3.11.9")
    assert "Pair file" not in facts


def test_it_says_what_the_encoder_cannot_change(full: Analysis) -> None:
    assert "Cannot change" not in shown(full)
    run_facts = {**full.run, "cannot_change": "everything within each text"}
    assert shown(dataclasses.replace(full, run=run_facts))["Cannot change"] == "everything within each text"


def test_what_cannot_change_is_said_in_the_language_of_the_page(full: Analysis) -> None:
    phrase = Phrase("before normalisation, the part outside a subspace of dimension {n}", n=12)
    run_facts = {**full.run, "cannot_change": str(phrase), "phrases": {"cannot_change": phrase_facts(phrase)}}
    with speaking("ru"):
        told = shown(dataclasses.replace(full, run=run_facts))["Не может меняться"]
        # A run of before has the English sentence alone.
        before = shown(dataclasses.replace(full, run={**run_facts, "phrases": None}))["Не может меняться"]
    assert told == "до нормировки — всё вне подпространства размерности 12"
    assert before == phrase
    hostile = {**full.run, "cannot_change": "{0.__class__} <b>7"}
    assert shown(dataclasses.replace(full, run=hostile))["Cannot change"] == "{0.__class__} <b>7"


def test_time_is_read_from_the_last_logged_cycle_where_the_run_does_not_say(full: Analysis) -> None:
    assert shown(dataclasses.replace(full, run={}))["Training took"] == "34.1 s"


def test_the_corpus_in_numbers(full: Analysis) -> None:
    html = run.render(full)
    table = {row[0]: row[1:] for row in cells(html)}
    assert table["Passages"] == ["60", "60"]
    assert table["Training passages"] == ["46", "46"]
    assert table["Held-out passages"] == ["12", "12"]
    assert table["Passages in neither split"] == ["2", "2"]
    assert "matched 82.2 % of the texts" in html
    assert "12 of the pairs are held out" in html


def test_the_command_can_be_pasted(full: Analysis) -> None:
    command, _ = Page(f"<div>{run.render(full)}</div>").all("pre")
    assert command.words == "topores train data/closed_loop/article.txt 'my notes/meta.txt' --cycles 2000"


def test_the_command_of_the_analysis_can_be_pasted(full: Analysis) -> None:
    states = tuple(dataclasses.replace(s, path=Path("my runs/one/checkpoints") / s.path.name) for s in full.states)
    _, command = Page(f"<div>{run.render(dataclasses.replace(full, states=states))}</div>").all("pre")
    assert command.words == ("topores topology --checkpoint 'my runs/one'")


def test_options_that_are_not_as_by_default_stand_open(full: Analysis) -> None:
    opened = [e for e in Page(f"<div>{run.render(full)}</div>").all("details") if "open" in e.attributes]
    assert [e.words for e in opened] == ["Changed optionsbatch_size32learning_rate4e-05"]
    options = {**full.run["options"], "null": ["shuffled", "frozen"], "track": []}
    html = run.render(dataclasses.replace(full, run={**full.run, "options": options}))
    assert "nullshuffled, frozen" in Page(f"<div>{html}</div>").all("details")[0].words
    assert "track–" in Page(f"<div>{html}</div>").all("details")[1].words
    default = {**full.run, "options": {"model": "another", "seed": 3, "track": [], "embargo": 1}}
    assert "not as by default" not in run.render(dataclasses.replace(full, run=default))


def test_a_module_run_names_the_module(full: Analysis) -> None:
    argv = ["/site-packages/topores/__main__.py", "train", "a b.txt"]
    assert "python -m topores train &#x27;a b.txt&#x27;" in run.render(dataclasses.replace(full, run={"argv": argv}))


def test_missing_or_odd_entries_are_left_out(full: Analysis) -> None:
    odd = {"options": None, "versions": "all", "seconds": "long", "argv": "topores demo", "device": None}
    facts = shown(dataclasses.replace(full, run=odd, metrics=()))
    assert set(facts) == {"States"}
    assert "<code>topores demo</code>" in run.render(dataclasses.replace(full, run=odd))


def test_pair_files_are_aligned_as_given(full: Analysis) -> None:
    assert full.corpus
    corpus = dataclasses.replace(full.corpus, source="pairs", split_1=("train",) * 60, split_2=("train",) * 60)
    html = run.render(dataclasses.replace(full, corpus=corpus))
    assert "aligned as in the pair file; no pair is held out." in html
    assert "optimal transport" not in html


def test_without_a_run_the_reader_learns_why(bare: Analysis) -> None:
    assert "given as encoders or arrays" in run.render(bare)
