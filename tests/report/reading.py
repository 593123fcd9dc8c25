"""A page read back: its elements, the text people see, and whether every element is closed."""

import base64
import gzip
import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np

ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,;:]+[A-Za-z]{2,}){2,}")
"""Three words in a row."""

VOID = {"meta", "input", "br", "hr", "img", "link", "base", "area", "embed", "source", "wbr"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    text: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return "".join(self.text)


class Page(HTMLParser):
    """Elements in document order; raises where one is closed that is not open, or left open."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()
        assert not self._open, f"left open: {[e.tag for e in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of <{tag}> stands twice"
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text.append(data)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Elements of one tag with these attributes; `_` in a name stands for `-`, `class_` for class."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [e for e in self.elements if e.tag == tag and all(e.attributes.get(k) == v for k, v in wanted.items())]

    def one(self, tag: str, **attributes: str) -> Element:
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} elements <{tag}> with {attributes}"
        return found[0]

    def data(self) -> tuple[dict, dict]:
        """Two of the blocks that the script reads: names and numbers."""
        return json.loads(self.one("script", id="index").words), json.loads(self.unpacked("numbers"))

    def unpacked(self, block: str) -> bytes:
        return gzip.decompress(base64.b64decode(self.one("script", id=block).words))

    def array(self, name: str) -> np.ndarray:
        """One of the arrays of whole numbers, as the script reads it: low bytes first, then high ones."""
        start, count = self.data()[0]["arrays"][name]
        whole = np.frombuffer(self.unpacked("arrays"), dtype=np.uint8)
        low, high = (whole[start + k * count : start + (k + 1) * count].astype(np.int64) for k in (0, 1))
        return low + 256 * high


def tables(html: str) -> list[list[list[str]]]:
    """Every table of a fragment, row by row, as people read it."""
    found: list[list[list[str]]] = []
    for element in Page(f"<div>{html}</div>").elements:
        if element.tag == "table":
            found.append([])
        if element.tag == "tr":
            found[-1].append([])
        if element.tag in ("th", "td"):
            found[-1][-1].append(element.words)
    return found


def cells(html: str) -> list[list[str]]:
    """The first table of a fragment."""
    return tables(html)[0]


def english_of(page: Page) -> set[str]:
    """What looks like a piece of an English sentence, of all that is seen or read aloud."""
    seen = ("p", "small", "h1", "h2", "h3", "th", "td", "caption", "summary", "li")
    found = set()
    for element in page.elements:
        words = " ".join(element.text) if element.tag in seen else ""
        shown = [element.attributes.get(name) or "" for name in ("title", "aria-label", "placeholder")]
        for text in [words, *shown]:
            found |= {match.group() for match in ENGLISH.finditer(text)}
    return found


def values(html: str) -> list[float]:
    """Every exact number of a fragment, in order."""
    return [float(e.attributes["value"] or "nan") for e in Page(f"<div>{html}</div>").all("data")]
