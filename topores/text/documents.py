"""Text of PDF, Word and HTML files, by the libraries of the extra `documents`."""

import importlib.util
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from topores.errors import InputError

_LIBRARIES = {".pdf": "pypdf", ".docx": "docx", ".html": "lxml", ".htm": "lxml", ".xhtml": "lxml"}
SUFFIXES = tuple(_LIBRARIES)

_KINDS = {".pdf": "PDF", ".docx": "Word", ".html": "HTML", ".htm": "HTML", ".xhtml": "HTML"}
PAGE_BREAK = "\n\f\n"

# Parts of a web page that are no part of its text.
_ASIDE = ("script", "style", "noscript", "template", "nav", "aside", "form", "button", "svg", "iframe")
_EDGES = ("header", "footer")
"""Not read where they belong to the page; within an article they hold its title or its notes."""
_BLOCKS = (
    "p", "div", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "table", "tr",
    "caption", "section", "article", "main", "figure", "figcaption", "blockquote", "pre", "title", "details", "summary",
)  # fmt: skip


def read_document(path: Path) -> tuple[str, list[str]]:
    """The text of a PDF, Word or HTML file, and sentences about what was left out.

    Raises:
        InputError: The library is not installed, the file is damaged or encrypted, or it holds no text.
    """
    suffix = path.suffix.lower()
    kind = _KINDS[suffix]
    if importlib.util.find_spec(_LIBRARIES[suffix]) is None:
        raise InputError(f"'{path}' is a {kind} file, which needs a library: pip install 'topores[documents]'.")
    readers: dict[str, Callable[[Path], tuple[str, list[str]]]] = {"PDF": _pdf, "Word": _word, "HTML": _html}
    try:
        text, notes = readers[kind](path)
    except InputError:
        raise
    except Exception as fault:  # these libraries raise errors of all kinds for damaged files
        reason = " ".join(f"{type(fault).__name__}: {fault}".split())[:120]
        raise InputError(f"'{path}' cannot be read as a {kind} file ({reason}); export it again.") from fault
    if not any(map(str.isalnum, text)):
        remedy = "run text recognition (OCR) on it" if kind == "PDF" else "give a file that contains text"
        raise InputError(f"'{path}' holds no text; {remedy}.")
    return text, notes


def _pdf(path: Path) -> tuple[str, list[str]]:
    from pypdf import PdfReader

    # It warns of small faults of a file one by one.
    logging.getLogger("pypdf").setLevel(logging.ERROR)
    reader = PdfReader(path)
    if reader.is_encrypted and not reader.decrypt(""):
        raise InputError(f"'{path}' is encrypted; save it without a password.")
    pages = [page.extract_text() for page in reader.pages]
    empty = [i for i, page in enumerate(pages, 1) if not page.strip()]
    notes = []
    if empty and len(empty) < len(pages):
        notes.append(
            f"'{path.name}': {len(empty)} of {len(pages)} pages hold no text, such as page {empty[0]}: pictures are "
            "not read."
        )
    return PAGE_BREAK.join(pages), notes


def _word(path: Path) -> tuple[str, list[str]]:
    from docx import Document
    from docx.table import Table

    document = Document(str(path))
    parts = []
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            parts.append("\n".join(" | ".join(_distinct_cells(row)) for row in block.rows))
        else:
            parts.append(block.text)
    edges = [
        paragraph.text.strip()
        for section in document.sections
        for edge in (section.header, section.footer)
        for paragraph in edge.paragraphs
        if paragraph.text.strip()
    ]
    text = "\n\n".join(part for part in parts if part.strip())
    if not edges:
        return text, []
    return text, [f"'{path.name}': {len(edges)} running heads and feet left out, such as '{edges[0][:40]}'."]


def _distinct_cells(row: Any) -> list[str]:
    """Texts of the cells of a row; cells that were joined are one."""
    return list(dict.fromkeys(" ".join(cell.text.split()) for cell in row.cells))


def _html(path: Path) -> tuple[str, list[str]]:
    from lxml import etree, html

    data = path.read_bytes()
    tree = html.document_fromstring(data, parser=html.HTMLParser(encoding=_encoding(data), remove_comments=True))
    for edge in list(tree.iter(*_EDGES)):
        if not any(True for _ in edge.iterancestors("article", "main")):
            edge.tag = "aside"
    texts = (" ".join(element.text_content().split()) for element in tree.iter(*_ASIDE))
    shown = [text[:40] for text in texts if text]
    etree.strip_elements(tree, *_ASIDE, with_tail=False)
    for element in tree.iter(*_BLOCKS):
        element.text = f"\n\n{element.text or ''}"
        element.tail = f"\n\n{element.tail or ''}"
    for element in tree.iter("td", "th"):
        element.tail = f" {element.tail or ''}"
    lines = (" ".join(line.split()) for line in tree.text_content().split("\n\n"))
    notes = []
    if shown:
        notes = [
            f"'{path.name}': {len(shown)} parts beside the text left out (menus, scripts, forms), such as '{shown[0]}'."
        ]
    return "\n\n".join(line for line in lines if line), notes


def _encoding(data: bytes) -> str | None:
    """UTF-8 if the bytes are; else None, and the page says which, or nobody does."""
    if re.match(rb"\xff\xfe|\xfe\xff", data):
        return "utf-16"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"
