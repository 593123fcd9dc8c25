"""What converters leave is taken out and told; what people write stays as it is."""

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topores.text.leftovers import Removed, remove_leftovers

PICTURE = base64.b64encode(random.Random(0).randbytes(3000)).decode()
SENTENCES = [
    f"On day {i} the keeper of hive {i * 7} weighed the {word} comb and wrote the weight into a book."
    for i, word in enumerate(["wet", "dry", "old", "new", "red", "low", "big", "odd", "top", "raw"] * 4)
]


def cleaned(text: str, *, paged: bool = True) -> tuple[str, dict[str, int]]:
    removed = Removed()
    return remove_leftovers(text, removed, paged=paged), removed.counts


def pages(*, head: str = "", foot: str = "", count: int = 5, between: str = "\n\n") -> str:
    """Pages of eight sentences, with a line above and below each; '%' stands for the number of the page."""
    parts = []
    for page in range(count):
        lines = [
            head.replace("%", str(page + 1)),
            *SENTENCES[8 * page : 8 * page + 8],
            foot.replace("%", str(page + 1)),
        ]
        parts.append("\n".join(line for line in lines if line))
    return between.join(parts)


@pytest.mark.parametrize(
    "picture",
    [
        f"![Figure 1]({'data:image/png;base64,' + PICTURE})",
        f'![]({"data:image/jpeg;base64," + PICTURE} "title")',
        f"[image1]: <data:image/png;base64,{PICTURE}>",
        f'<img src="data:image/gif;base64,{PICTURE}" alt="x">',
        f"data:image/svg+xml;base64,{PICTURE}",
        "\n".join(PICTURE[i : i + 76] for i in range(0, len(PICTURE), 76)),
        PICTURE,
    ],
)
@pytest.mark.parametrize("paged", [True, False])
def test_embedded_pictures(picture: str, paged: bool) -> None:
    text, counts = cleaned(f"Before it.\n\n{picture}\n\nAfter it.", paged=paged)
    assert text.split() == ["Before", "it.", "After", "it."]
    assert counts == {"embedded picture": 1}


@pytest.mark.parametrize(
    "text",
    [
        "ACGT" * 100,
        "MKVLAAGIVGLLLAQWYR" * 20,
        "a" * 1000,
        "![Figure 1](figures/flow.png) shows the flow.",
        "https://example.org/" + "path-of-a-long-address/" * 20,
    ],
)
def test_long_words_that_are_no_pictures(text: str) -> None:
    assert cleaned(text) == (text, {})


@pytest.mark.parametrize("foot", ["%", "- % -", "Page % of 5", "page %", "%/5", "p. %", "[%]", "стр. %", "  %  "])
@pytest.mark.parametrize("between", ["\n\n", "\n\f\n"])
def test_page_numbers(foot: str, between: str) -> None:
    text, counts = cleaned(pages(foot=foot, between=between))
    assert counts == {"page number": 5}
    assert text.replace("\f", "").split() == pages().split()


def test_numbers_that_are_no_page_numbers() -> None:
    table = "Bees\n" + "\n".join(map(str, range(1, 30))) + "\nSum\n435"
    years = "\n\n".join(f"{year}\n\n{' '.join(SENTENCES[:5])}" for year in (2001, 2007, 1999, 2015))
    for text in (table, years):
        assert cleaned(text) == (text, {})


@pytest.mark.parametrize(
    "head", ["Journal of Bees", "Keeper et al. %", "% The weight of hives", "# Journal of Bees and Hives | %"]
)
@pytest.mark.parametrize("between", ["\n\n", "\n\f\n"])
def test_running_heads(head: str, between: str) -> None:
    text, counts = cleaned(pages(head=head, foot="%", between=between))
    assert counts == {"page number": 5, "running head or foot": 5}
    assert text.replace("\f", "").split() == pages().split()


@pytest.mark.parametrize(
    "heading", ["Results", "Table %", "The same sentence ends here.", "## Methods", "Figure % shows:"]
)
def test_headings_that_are_no_running_heads(heading: str) -> None:
    text = pages(head=heading)
    assert cleaned(text) == (text, {})


def test_hyphens_at_line_ends() -> None:
    text, counts = cleaned(
        "The infor-\nmation came from a closed-loop pump, and a closed-\nloop pump, or pre-\nand postnatal, was given\n"
        "Jean-\nPaul on a 5-\nday basis."
    )
    assert text == (
        "The information\ncame from a closed-loop pump, and a closed-loop\npump, or pre-\nand postnatal, was given\n"
        "Jean-\nPaul on a 5-\nday basis."
    )
    assert counts == {"hyphen at a line end": 2}
    assert cleaned("soft\u00adly, soft\u00ad\nly")[0] == "softly, softly"


def test_tags_comments_and_entities() -> None:
    text, counts = cleaned(
        "<p class='x'>H<sub>2</sub>O &amp; salt</p><!-- a\nnote --><br/>at <b>night</b>&nbsp;again."
        "<script>var a = '<b>';</script>"
    )
    assert text.split() == ["H2O", "&", "salt", "at", "night", "again."]
    assert counts == {"HTML comment": 1, "HTML tag": 8, "HTML entity": 2}


@pytest.mark.parametrize(
    "text",
    [
        "if p < 0.05 and n > 3",
        "x<y and y>z",
        "Write <https://example.org> or <me@example.org>.",
        "AT&T; R&D; a & b",
        "```html\n<p>code &amp; more</p>\n```",
        "The tag `<br>` breaks a line.",
        "List<String> of <T>",
    ],
)
def test_what_looks_like_tags_and_is_none(text: str) -> None:
    assert cleaned(text) == (text, {})


def test_what_is_told_names_the_file_the_count_and_an_example() -> None:
    removed = Removed()
    remove_leftovers(pages(foot="Page % of 5"), removed, paged=True)
    remove_leftovers("a<b>b</b>", removed)
    assert removed.notes("hives.txt") == (
        "'hives.txt': 5 page numbers left out (55 characters), such as 'Page 1 of 5'.",
        "'hives.txt': 2 HTML tags left out (7 characters), such as '<b>'.",
    )


@given(st.text(st.sampled_from("ab \n\f<>/&;!-.1#|\u00ad\ufffd\0"), max_size=300), st.booleans())
def test_any_text_is_read_and_once_is_enough_for_lost_characters(text: str, paged: bool) -> None:
    again, counts = cleaned(text, paged=paged)
    assert not {"\0", "\ufffd", "\u00ad"} & set(again)
    assert bool(counts) or again == text
