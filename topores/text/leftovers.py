"""What converters leave in a text: embedded pictures, tags, page numbers, running heads, lost characters."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

_BASE64 = r"[A-Za-z0-9+/=_-]"
_DATA = rf"data:[\w.+-]+/[\w.+-]+(?:;[\w=.+-]+)*,{_BASE64}*(?:%[0-9A-Fa-f]{{2}}|{_BASE64}|\n(?={_BASE64}{{40}}))*"
_PICTURE = re.compile(
    rf"!\[[^\]\n]*\]\(\s*<?{_DATA}[^)\n]*\)"  # ![figure](data:...)
    rf"|^[ ]{{0,3}}\[[^\]\n]+\]:[ ]*<?{_DATA}>?[^\n]*$"  # [figure]: <data:...>
    rf"|<img\b[^<>]*?{_DATA}[^<>]*>"
    rf"|{_DATA}",
    re.MULTILINE,
)
_BARE_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{60,}\n){2,}[A-Za-z0-9+/]*={0,2}|[A-Za-z0-9+/]{200,}={0,2}")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_HIDDEN = re.compile(r"<(script|style)\b[^<>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_BLOCKS = (
    "p|div|br|hr|h[1-6]|ul|ol|li|dl|dt|dd|table|thead|tbody|tfoot|tr|td|th|caption|section|article|header|footer|main"
    "|nav|aside|figure|figcaption|blockquote|pre|body|html|head|title|details|summary|center"
)
_INLINE = (
    "a|abbr|b|bdi|bdo|big|cite|code|col|colgroup|del|em|font|i|img|ins|kbd|label|link|mark|meta|q|s|samp|small|span"
    "|strike|strong|sub|sup|svg|tt|u|var|wbr|input|button|iframe|picture|source|video|audio|style|script"
)
_TAG = re.compile(rf"</?(?:(?P<block>{_BLOCKS})|{_INLINE})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:nbsp|amp|lt|gt|quot|apos|ndash|mdash|hellip|[lr][sd]quo|shy|#\d{1,6}|#x[0-9A-Fa-f]{1,5});")
_CODE = re.compile(r"^(?P<fence>```|~~~).*?^(?P=fence)[^\n]*$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_LOST = re.compile("[\0\ufffd]")
_SOFT_HYPHEN = re.compile("\u00ad\n?")
_HYPHENATED = re.compile(r"(?P<start>[^\W\d_]{2,})[-\u2010]\n[ \t]*(?P<end>[^\W\d_]+)(?P<marks>[^\s]*)[ \t]?")
# "pre- and postoperative" broken after the hyphen
_JOINING = ("and", "or", "to", "und", "oder", "bis", "et", "ou", "y", "и", "или")

_SAID_PAGE = re.compile(
    r"\s*[-–—|]?\s*(?:page|p\.|seite|стр\.?|страница)\s*(\d{1,4})(?:\s*(?:of|/|von|из)\s*\d{1,4})?\s*[-–—|]?\s*", re.I
)
_BARE_PAGE = re.compile(r"\s*[-–—|\[]?\s*(\d{1,4})(?:\s*/\s*\d{1,4})?\s*[-–—|\]]?\s*")
_FEWEST_PAGES, _FEWEST_SAID = 3, 2
_PAGE_APART, _HEAD_APART = 200, 400
"""Characters between two page numbers, and between two running heads, at least: lists and tables are denser."""
_FEWEST_HEADS, _LONGEST_HEAD = 3, 100
_AT_EDGE = 2
_SHOWN = 40


@dataclass
class Removed:
    """What was taken out of one text or of the texts of a table, by kind."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.counts)

    def add(self, kind: str, example: str, size: int | None = None) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.examples.setdefault(kind, example)
        self.sizes[kind] = self.sizes.get(kind, 0) + (len(example) if size is None else size)

    def notes(self, name: str) -> tuple[str, ...]:
        """One sentence for each kind: how many, how much, and an example."""
        return tuple(
            f"'{name}': {count} {kind if count == 1 else _PLURALS[kind]} left out ({self.sizes[kind]:,} characters), "
            f"such as '{_short(self.examples[kind])}'."
            for kind, count in self.counts.items()
        )


_PLURALS = {
    "embedded picture": "embedded pictures",
    "HTML comment": "HTML comments",
    "HTML tag": "HTML tags",
    "HTML entity": "HTML entities",
    "lost character": "lost characters (U+FFFD or NUL)",
    "page number": "page numbers",
    "running head or foot": "running heads and feet",
    "hyphen at a line end": "hyphens at line ends",
}


def remove_leftovers(text: str, removed: Removed, *, paged: bool = False) -> str:
    """`text` without what converters leave. A text without any is returned as it is.

    Args:
        removed: Takes note of what was removed.
        paged: Whether the text may have pages and wrapped lines, so that page numbers, running heads and hyphens at
            line ends are removed too.
    """
    text = _take(_PICTURE, text, "embedded picture", removed)
    text = _BARE_BASE64.sub(lambda match: _without_base64(match[0], removed), text)
    text = _outside_code(text, lambda part: _without_html(part, removed)) if "<" in text or "&" in text else text
    text = _around_lost(text, removed)
    text = _take(_SOFT_HYPHEN, text, "hyphen at a line end", removed)
    if paged:
        text = _without_lines(text, removed)
        text = _join_hyphenated(text, removed)
    return text


def _take(pattern: re.Pattern[str], text: str, kind: str, removed: Removed, instead: str = "") -> str:
    def replace(match: re.Match[str]) -> str:
        removed.add(kind, match[0])
        return instead

    return pattern.sub(replace, text)


def _without_base64(run: str, removed: Removed) -> str:
    # Capitals, small letters and digits in one: neither a word, nor a sequence of bases or of amino acids.
    if not all(re.search(kind, run) for kind in ("[A-Z]", "[a-z]", "[0-9]")):
        return run
    removed.add("embedded picture", run)
    return ""


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """The text with a change made everywhere but in code of markdown."""
    pieces, place = [], 0
    for code in _CODE.finditer(text):
        pieces += [change(text[place : code.start()]), code[0]]
        place = code.end()
    return "".join([*pieces, change(text[place:])])


def _without_html(text: str, removed: Removed) -> str:
    text = _take(_COMMENT, text, "HTML comment", removed)
    text = _take(_HIDDEN, text, "HTML tag", removed)

    def tag(match: re.Match[str]) -> str:
        removed.add("HTML tag", match[0])
        return "\n" if match["block"] else ""

    def entity(match: re.Match[str]) -> str:
        removed.add("HTML entity", match[0])
        return html.unescape(match[0]).replace("\xa0", " ")

    return _ENTITY.sub(entity, _TAG.sub(tag, text))


def _around_lost(text: str, removed: Removed) -> str:
    """The text without lost characters; an example shows the word that one was in."""

    def replace(match: re.Match[str]) -> str:
        around = text[max(0, match.start() - 12) : match.end() + 12]
        removed.add("lost character", _LOST.sub("\ufffd", " ".join(around.split())), 1)
        return ""

    return _LOST.sub(replace, text)


def _without_lines(text: str, removed: Removed) -> str:
    """The text without lines that hold a page number or a running head only."""
    lines = text.split("\n")
    starts, place = [], 0
    for line in lines:
        starts.append(place)
        place += len(line) + 1
    edges = _edge_lines(lines)
    pages = _page_lines(lines, starts, edges)
    heads = _head_lines(lines, starts, pages, edges)
    for kind, found in (("page number", pages), ("running head or foot", heads)):
        for i in sorted(found):
            removed.add(kind, lines[i].strip())
    if not pages and not heads:
        return text
    # A form feed that stood in the line still separates two pages.
    gone = {i: "\f" if "\f" in lines[i] else None for i in pages | heads}
    return "\n".join(kept for i, line in enumerate(lines) if (kept := gone.get(i, line)) is not None)


def _edge_lines(lines: list[str]) -> set[int]:
    """The first and last two lines of each page, where form feeds divide pages."""
    written = [i for i, line in enumerate(lines) if line.strip(" \t\f")]
    breaks = [i for i, line in enumerate(lines) if "\f" in line]
    if not breaks:
        return set()
    found = {*written[:_AT_EDGE], *written[-_AT_EDGE:]}
    for i in breaks:
        # A form feed may open the line of a running head.
        found |= {*[j for j in written if j < i][-_AT_EDGE:], *[j for j in written if j >= i][:_AT_EDGE]}
    return found


def _page_lines(lines: list[str], starts: list[int], edges: set[int]) -> set[int]:
    """Lines that are "Page 3 of 12", or numbers alone that count up through the text."""
    said = [(i, int(m[1])) for i, line in enumerate(lines) if (m := _SAID_PAGE.fullmatch(line))]
    bare = [(i, int(m[1])) for i, line in enumerate(lines) if (m := _BARE_PAGE.fullmatch(line))]
    found = {i for i, _ in said} if len(said) >= _FEWEST_SAID else set()
    chain = _longest_count([(i, number) for i, number in bare if i not in found], starts, edges)
    return found | (set(chain) if len(chain) >= _FEWEST_PAGES else set())


def _longest_count(numbers: list[tuple[int, int]], starts: list[int], edges: set[int]) -> list[int]:
    """The longest series of lines whose numbers grow by one or two, far enough apart."""
    best: dict[int, list[int]] = {}
    for i, number in numbers:
        before = max((best.get(number - step, []) for step in (1, 2)), key=len)
        if before and i not in edges and starts[i] - starts[before[-1]] < _PAGE_APART:
            continue
        if len(before) + 1 > len(best.get(number, [])):
            best[number] = [*before, i]
    return max(best.values(), key=len, default=[])


def _head_lines(lines: list[str], starts: list[int], pages: set[int], edges: set[int]) -> set[int]:
    """Short lines of several words that come again and again, a page apart, perhaps with a page number."""
    places: dict[str, list[int]] = {}
    for i, line in enumerate(lines):
        head = _head_of(line)
        if head and i not in pages:
            places.setdefault(head, []).append(i)
    found: set[int] = set()
    for own in places.values():
        apart = [starts[b] - starts[a] for a, b in pairwise(own)]
        if len(own) >= _FEWEST_HEADS and (edges.issuperset(own) or min(apart) >= _HEAD_APART):
            found |= set(own)
    return found


def _head_of(line: str) -> str | None:
    """What a line has in common with the same head on another page; None if it cannot be one."""
    line = line.strip(" \t\f#*_|")
    head = " ".join(re.sub(r"^\d{1,4}\b|\b\d{1,4}(?:\s*(?:of|/)\s*\d{1,4})?$", "", line).strip(" |–—·-").split())
    words = re.findall(r"[^\W\d_]{2,}", head)
    if len(words) < 2 or len(line) > _LONGEST_HEAD or line.endswith((".", "?", "!", ":", ";", ",", "-")):
        return None
    return head


def _join_hyphenated(text: str, removed: Removed) -> str:
    """The text with words joined that a line break divides; a compound keeps its hyphen."""

    def join(match: re.Match[str]) -> str:
        start, end = match["start"], match["end"]
        if not end[0].islower() or end in _JOINING:
            return match[0]
        removed.add("hyphen at a line end", f"{start}-{end}", 1)
        hyphen = "-" if f"{start}-{end}" in text else ""
        return f"{start}{hyphen}{end}{match['marks']}\n"

    return _HYPHENATED.sub(join, text)


def _short(text: str) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
