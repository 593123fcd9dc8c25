import json

import pytest

from tests.report.conftest import HOSTILE
from tests.report.reading import Page
from topores.report.html.safe import clean, clip_html, escape_html, json_block


def test_what_hides_or_misleads_is_shown() -> None:
    assert clean("a\x00b\x1b\x7f\x85") == "a␀b␛␡⟨U+0085⟩"
    assert clean("\u2028\u202e\u2066\udc80\ufeff") == "⟨U+2028⟩⟨U+202E⟩⟨U+2066⟩⟨U+DC80⟩⟨U+FEFF⟩"


def test_ordinary_text_of_any_script_stays() -> None:
    text = "Zoë: нет, 中文, عربي\u200f, 👩\u200d🔬\n\ttab"
    assert clean(text) == text


def test_line_ends_become_one_kind() -> None:
    assert clean("a\r\nb\rc") == "a\nb\nc"


def test_escaped_text_reads_back_as_text_alone() -> None:
    page = Page(f'<p title="{escape_html(HOSTILE)}">{escape_html(HOSTILE)}</p>')
    assert [e.tag for e in page.elements] == ["p"]
    assert page.elements[0].words == page.elements[0].attributes["title"] == clean(HOSTILE)


def test_a_long_text_says_what_it_leaves_out() -> None:
    assert clip_html("x" * 1_000_000, 10) == "xxxxxxxxxx… <em>(999,990 more characters)</em>"
    assert clip_html("<b>", 10) == "&lt;b&gt;"


def test_no_text_ends_a_json_block() -> None:
    block = json_block("index", {"name": HOSTILE})
    assert not set("<>&\u2028\u2029\x00") & set(block.split(">", 1)[1].rsplit("<", 1)[0])
    assert json.loads(Page(block).elements[0].words) == {"name": HOSTILE}


def test_json_has_no_word_for_nan() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        json_block("index", float("nan"))
