"""What the page says stands in the catalogue, whole: no text without its translation, none without its use."""

import ast
import copy
import pickle
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
import yaml

import topores
from topores import variants
from topores.analysis.ladder import description_of, name_of
from topores.backbones.encoder import CANNOT_CHANGE
from topores.domain import State, cycle_label, label_read
from topores.phrases import Count, Phrase, join_phrases
from topores.quantities import QUANTITIES, quantity
from topores.report.glossary import WORDS, measure_term, quantity_term, term
from topores.report.html.numbers import data, digits, percent, short
from topores.report.language import forms, many, say, speak, speaking, template
from topores.report.names import state_name

PACKAGE = Path(topores.__file__).parent
SPEAKING = sorted(
    [
        *(PACKAGE / "report").rglob("*.py"),
        *(PACKAGE / "analysis").rglob("*.py"),
        PACKAGE / "domain.py",
        PACKAGE / "backbones" / "untrained.py",
    ]
)
CATALOGUE = yaml.safe_load((PACKAGE / "report" / "languages" / "ru.yaml").read_text(encoding="utf-8"))
RUSSIAN = {entry["en"]: entry["ru"] for entry in CATALOGUE["texts"]}

PLACE_OF_TEXT = {"say": 0, "later": 0, "template": 0, "Phrase": 0, "term": 1}
"""Functions whose text is looked up, and which of their arguments it is."""
PLACE_OF_NOUN = {"many": 1, "forms": 0, "Count": 1}


def said(places: dict[str, int]) -> Iterator[tuple[str, ast.Call]]:
    """Every literal that one of the functions is given, wherever it stands in the argument, and the call."""
    for module in SPEAKING:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            place = places.get(node.func.id)
            if place is not None and place < len(node.args):
                for text in literals(node.args[place]):
                    yield text, node


def literals(argument: ast.expr) -> Iterator[str]:
    """Of an argument that is a literal, or a choice between some."""
    if isinstance(argument, ast.IfExp):
        yield from literals(argument.body)
        yield from literals(argument.orelse)
    elif isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value


def looked_up() -> set[str]:
    """Every text that the page may look up, and those of tables that stand elsewhere than in calls."""
    names = variants.names("topores.analysis.nulls")
    nulls = [text for name in names for text in (name_of(name), description_of(name))]
    tables = {*WORDS, *WORDS.values(), *of_quantities(), *nulls, *of_encoders()}
    return {text for text, _ in said(PLACE_OF_TEXT)} | tables


def of_quantities() -> set[str]:
    return {text for one in QUANTITIES.values() for text in (one.name, one.meaning, one.hint) if text}


def of_encoders() -> set[str]:
    """What each encoder cannot change."""
    encoders = [variants.load("topores.encoders", name) for name in variants.names("topores.encoders")]
    said = [value for module in encoders for name, value in vars(module).items() if name.startswith("CANNOT_CHANGE")]
    return {CANNOT_CHANGE, *said}


def places(text: str) -> Counter:
    return Counter((name, spec) for _, name, spec, _ in Formatter().parse(text) if name is not None)


def test_every_text_has_a_translation_and_no_translation_is_unused() -> None:
    assert sorted(looked_up() - set(RUSSIAN)) == []
    assert sorted(set(RUSSIAN) - looked_up()) == []


def test_no_text_stands_twice() -> None:
    assert [text for text, count in Counter(entry["en"] for entry in CATALOGUE["texts"]).items() if count > 1] == []


def test_every_noun_has_three_forms_and_none_is_unused() -> None:
    nouns = {noun for noun, _ in said(PLACE_OF_NOUN)} | set(kinds())
    assert nouns == set(CATALOGUE["nouns"])
    assert all(len(three) == 3 and all(three) for three in CATALOGUE["nouns"].values())


def kinds() -> list[str]:
    from topores.report.names import KINDS

    return list(KINDS.values())


def test_a_translation_keeps_places_markup_and_edges() -> None:
    tags = re.compile(r"<[^>]*>|&\w+;")
    # Spaces at the ends join a text to its neighbours; Russian writes one before the word for a thousand.
    kept = {
        "places": lambda text: set(places(text)),
        "markup": lambda text: sorted(tags.findall(text)),
        "edges": lambda text: (
            (text[:1].isspace(), text[-1:].isspace()) if text not in ("k", "M", "bn") else (True, False)
        ),
    }
    faults = [
        (what, english)
        for english, russian in RUSSIAN.items()
        for what, read in kept.items()
        if read(russian) != read(english)
    ]
    assert faults == []
    assert all(russian.strip() for russian in RUSSIAN.values())


def test_every_place_of_a_text_is_filled_where_it_is_said() -> None:
    """A place left out would end the page, in any language."""
    for text, call in said({"say": 0, "Phrase": 0}):
        if any(keyword.arg is None for keyword in call.keywords):
            continue
        assert {name for name, _ in places(text)} == {keyword.arg for keyword in call.keywords}, text


def test_the_script_says_only_what_it_is_given() -> None:
    from topores.report.run.packing import WORDS as GIVEN

    scripts = "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "report" / "assets").glob("*.js"))
    asked = set(re.findall(r'\b(?:say|note)\("([^"]*)"', scripts))
    assert asked
    assert sorted(asked - set(GIVEN)) == []


# How it is said.


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "0 петель"), (1, "1 петля"), (2, "2 петли"), (4, "4 петли"), (5, "5 петель"), (11, "11 петель"),
        (12, "12 петель"), (14, "14 петель"), (21, "21 петля"), (22, "22 петли"), (111, "111 петель"),
        (1001, "1\u202f001 петля"),
    ],
)  # fmt: skip
def test_russian_has_three_plurals(count: int, told: str) -> None:
    with speaking("ru"):
        assert many(count, "loop") == told.replace(" ", "\u00a0")


def test_english_has_two_plurals() -> None:
    assert [many(n, "loop") for n in (0, 1, 2, 21, 1200)] == ["0 loops", "1 loop", "2 loops", "21 loops", "1,200 loops"]


def test_numbers_are_written_as_the_language_has_them_and_programs_read_the_same() -> None:
    with speaking("ru"):
        assert [digits(v) for v in (0.5, -12.0, 1234.5, 1.5e-12)] == ["0,500", "−12,0", "1\u202f234", "1,50×10⁻¹²"]
        assert data(0.1 + 0.2) == '<data value="0.30000000000000004">0,300</data>'
        assert (percent(0.8217), short(1500)) == ("82,2 %", "1,5\u00a0тыс.")
        assert say("p = {p:.2g}, {n:,} of {share:.0%}", p=0.00001, n=1200, share=0.5) == (
            "p = 1×10⁻⁵, 1\u202f200 of 50\u00a0%"
        )
    assert digits(1234.5) == "1,234"


def test_text_is_inserted_as_it_is() -> None:
    """It may be a user's, with braces and points of its own."""
    with speaking("ru"):
        assert say("{state}, {layer}: {value}", state="v1.5, {x}", layer="<b>", value="1,5") == "v1.5, {x}, <b>: 1,5"


def test_what_has_no_translation_stays_english() -> None:
    with speaking("ru"):
        assert say("No catalogue has this: {n}", n=1.5) == "No catalogue has this: 1,5"
        assert many(2, "platypus") == "2\u00a0platypuss"
        assert template("No catalogue has this: {n}") == "No catalogue has this: {n}"


def test_the_language_holds_within_its_block_only() -> None:
    with speaking("ru"):
        with speaking("en"):
            assert say("State") == "State"
        assert say("State") == "Состояние"
        with pytest.raises(ZeroDivisionError), speaking("en"):
            1 / 0  # noqa: B018
        assert say("State") == "Состояние"
    assert say("State") == "State"


def test_a_phrase_is_english_text_until_it_is_said() -> None:
    moved = Phrase("the space rotated")
    whole = Phrase("{span} {told}.", span=Phrase("After {n:,} cycles", n=1200), told=join_phrases("; ", [moved, "{x}"]))
    assert whole == "After 1,200 cycles the space rotated; {x}."
    assert speak(whole) == whole
    with speaking("ru"):
        assert speak(whole) == "После цикла 1\u202f200: пространство повернулось; {x}."
        assert speak(str(whole)) == whole  # of older results


def test_a_count_within_a_phrase_takes_the_form_of_its_language() -> None:
    told = [Phrase("{runs} of {kinds}", runs=Count(n, "run"), kinds=Count(2, "kind")) for n in (1, 3, 1200)]
    assert (
        [speak(phrase) for phrase in told] == told == ["1 run of 2 kinds", "3 runs of 2 kinds", "1,200 runs of 2 kinds"]
    )
    with speaking("ru"):
        assert [speak(phrase).replace("\u00a0", " ") for phrase in copy.deepcopy(told)] == [
            "1 прогон (2 вида)", "3 прогона (2 вида)", "1\u202f200 прогонов (2 вида)",
        ]  # fmt: skip


def test_a_copy_of_a_phrase_is_a_phrase() -> None:
    phrase = Phrase("{state} alone", state="{x}.npy")
    for twin in (copy.deepcopy(phrase), pickle.loads(pickle.dumps(phrase))):
        assert (twin, twin.template, twin.values) == ("{x}.npy alone", "{state} alone", {"state": "{x}.npy"})


def test_a_state_that_is_a_cycle_is_called_so_in_russian() -> None:
    state = State(1000, cycle_label(1000), Path("x"))
    assert state_name(state) == "cycle 1,000"
    with speaking("ru"):
        assert state_name(state) == "цикл 1\u202f000"


@pytest.mark.parametrize("label", ["cycle 1,000", "cycle one", "x.npy", "cycle ²", "{n}"])
def test_any_other_label_is_said_as_it_is(label: str) -> None:
    with speaking("ru"):
        assert state_name(State(0, label, Path("x"))) == label


def test_a_label_read_from_a_file_is_a_cycle_only_if_it_names_the_cycle_of_its_state() -> None:
    assert isinstance(label_read(1000, "cycle 1,000"), Phrase)
    assert [type(label_read(cycle, text)) for cycle, text in ((7, "cycle 1,000"), (0, "x.npy"))] == [str, str]


def test_a_quantity_speaks_when_it_is_shown() -> None:
    assert measure_term("procrustes.scale") == quantity_term(quantity("procrustes.scale"))
    assert ">Scale<" in measure_term("procrustes.scale")
    with speaking("ru"):
        assert measure_term("procrustes.scale").startswith('<abbr title="Во сколько раз')
        assert ">Масштаб<" in measure_term("procrustes.scale")
        assert ">отрывок<" in term("passage")


def test_a_quantity_that_the_table_lacks_is_called_by_its_own_name() -> None:
    with speaking("ru"):
        assert quantity_term(quantity("critic_<margin>{0.__class__}")) == "critic_&lt;margin&gt;{0.__class__}"


def test_russian_forms_go_to_the_script() -> None:
    assert forms("state") == ["state", "states", "states"]
    with speaking("ru"):
        assert forms("state") == ["состояние", "состояния", "состояний"]
