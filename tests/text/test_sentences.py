"""Sentences in many scripts: where they end, where they continue, and which lines are headings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topores.text.sentences import sentences


def texts(content: str, *, markdown: bool = False) -> list[str]:
    return [content[s.start : s.end] for s in sentences(content, markdown=markdown)]


@pytest.mark.parametrize(
    "expected",
    [
        ["Aspirin helped.", "It was cheap!", "Was it safe?", "Yes."],
        ["He said “yes.”", "Then he left (at once).", "Done…", "All went home."],
        ["Smith et al. (2010) gave 3.5 mg vs. 2 mg.", "See Fig. 2 and Refs. 3, 4."],
        ["J. Smith wrote it, i.e. all of it.", "Dr. Jones, e.g. the second one, agreed."],
        ["Он пришёл в 1990 г. и остался.", "См. рис. 3 и т. д.", "«Да!» — сказал он.", "— Нет, — ответила она."],
        ["Её дети, ёлки и т. п.", "Улица им. Ленина, т. е. та самая.", "Конец."],
        ["Es kostet ca. 5 Euro.", "Das ist Nr. 3 bzw. 4."],
        ["The value was 0.05... and more.", "End."],
    ],
)
def test_ends_with_spaces(expected: list[str]) -> None:
    assert texts(" ".join(expected)) == expected


@pytest.mark.parametrize(
    "expected",
    [
        ["中文是语言。", "它的历史很长！", "你好吗？", "“好。”", "他走了。"],
        ["日本語です。", "「はい。」", "今日は。"],
        ["यह हिन्दी है।", "मौसम अच्छा है॥", "हाँ।"],
    ],
)
def test_ends_without_spaces(expected: list[str]) -> None:
    assert texts("".join(expected)) == expected
    assert texts(" ".join(expected)) == expected


@pytest.mark.parametrize(
    "expected",
    [["هل تتكلم العربية؟", "نعم، أتكلم."], ["یہ اردو ہے۔", "جی ہاں۔"], ["Սա հայերեն է։", "Այո։"], ["አማርኛ ነው።", "አዎ።"]],
)
def test_marks_of_other_scripts(expected: list[str]) -> None:
    assert texts(" ".join(expected)) == expected


def test_lines_end_sentences() -> None:
    assert texts("A title\n\nFirst line\nSecond line\r\nThird\x0cFourth") == [
        "A title", "First line", "Second line", "Third", "Fourth",
    ]  # fmt: skip


def test_wrapped_lines_do_not() -> None:
    wrapped = (
        "The trial was run in 417 hospitals and enrolled 17,187 patients with a\n"
        "suspected heart attack. Half of them were given Aspirin for a month, and\n"
        "Streptokinase was given to half of each group.\n"
        "- one item of a list\n"
        "- another one\n"
        "\n"
        "A new paragraph stands here."
    )
    found = sentences(wrapped)
    assert [wrapped[s.start : s.end] for s in found] == [
        wrapped[: wrapped.index(" Half")],
        wrapped[wrapped.index("Half") : wrapped.index("\n- one")],
        "- one item of a list",
        "- another one",
        "A new paragraph stands here.",
    ]
    assert [s.paragraph for s in found] == [0, 0, 1, 2, 3]


def test_headings() -> None:
    content = (
        "ABSTRACT\n\nMethods\nWe did this and that. Then we wrote.\nA long line that says what was found in a trial of"
    )
    content += " many patients with heart attacks\n- item\nConclusions:\nIt works.\nLast line"
    headings = [content[s.start : s.end] for s in sentences(content) if s.heading]
    assert headings == ["ABSTRACT", "Methods", "Conclusions:"]


def test_markdown_headings() -> None:
    content = "# A title that ends. With a stop.\n\nText.\n\n## Why?\nText.\n"
    assert {content[s.start : s.end] for s in sentences(content, markdown=True) if s.heading} >= {"## Why?"}
    assert not any(s.heading for s in sentences(content) if content[s.start : s.end] == "## Why?")


@given(st.text(st.sampled_from("aB яЖ中。.!? \n\t\r#-'\"…\u2028\xa0(г")))
def test_nothing_but_white_space_is_left_out(content: str) -> None:
    place = 0
    for sentence in sentences(content):
        assert not content[place : sentence.start].strip()
        assert sentence.start < sentence.end
        assert content[sentence.start : sentence.end].strip() == content[sentence.start : sentence.end]
        place = sentence.end
    assert not content[place:].strip()


def test_time_grows_with_length_and_no_faster() -> None:
    # On one line; copying the rest of it at every sentence took minutes.
    assert len(texts("It was a short one. " * 20_000)) == 20_000
