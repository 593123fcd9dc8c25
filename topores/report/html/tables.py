"""Tables of the page, each in a box that scrolls on narrow screens."""

from collections.abc import Iterable, Mapping, Sequence

from topores.report.html.numbers import Number, data
from topores.report.html.safe import escape_html
from topores.report.language import say


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "", look: str = "") -> str:
    """A table of ready HTML cells; the first cell of a row is its heading.

    Args:
        head: HTML of the column headings.
        rows: HTML of the cells; each row as long as `head`.
        caption: HTML caption.
        look: Class of the table, for the style sheet.
    """
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(_row(row) for row in rows)
    words = f"<caption>{caption}</caption>" if caption else ""
    return (
        f'<div class="scroll" tabindex="0"><table class="{look}">{words}'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(cells: Sequence[str]) -> str:
    first, *rest = cells
    return f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>"


def fold(summary: str, content: str, *, opened: bool = False) -> str:
    """Content that unfolds on a click, and in print."""
    return f"<details{' open' if opened else ''}><summary>{summary}</summary>{content}</details>"


def numbers_behind(head: Sequence[str], rows: Iterable[Sequence[Number | None]]) -> str:
    """The table behind a group of charts; the first column of `rows` is the cycle."""
    cells = ([data(value) for value in row] for row in rows)
    return fold(say("The numbers behind these charts"), table(head, cells, look="numbers"))


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Names and values, one pair per line. Both are HTML; pairs without a value are left out."""
    lines = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows if value)
    return f'<dl class="facts">{lines}</dl>'


def key_values(values: Mapping[str, object]) -> str:
    """Facts from a dictionary of untrusted names and values."""
    return facts((escape_html(name), f"<code>{escape_html(value)}</code>") for name, value in values.items())
