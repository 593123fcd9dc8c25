"""PDF, Word and HTML files, made here, give their text and say what was left out."""

import importlib.util
from pathlib import Path

import pytest

from topores.errors import InputError
from topores.text.files import read_text

docx = pytest.importorskip("docx")
pypdf = pytest.importorskip("pypdf")
pytest.importorskip("lxml")

PAGE = """<!DOCTYPE html><html><head><title>Bees</title><style>p {color: red}</style></head>
<body><nav><a href="/">Home</a></nav><header>The site of keepers</header>
<article><header><h1>Bees at night</h1></header><p>We <b>watched</b> H<sub>2</sub>O &amp; bees.<br>They slept.</p>
<ul><li>One</li><li>Two</li></ul><table><tr><td>Hive</td><td>12</td></tr></table><!-- a note --></article>
<script>var x = "<p>";</script><footer>Imprint</footer></body></html>"""


def write_pdf(path: Path, pages: list[list[str]], password: str = "") -> Path:
    """Each page as lines of Helvetica."""
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = pypdf.PdfWriter()
    kinds = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    font = DictionaryObject({NameObject(key): NameObject(value) for key, value in kinds.items()})
    for lines in pages:
        page = writer.add_blank_page(595, 842)
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        shown = " ".join(f"({line}) Tj T*" for line in lines)
        stream.set_data(f"BT /F1 12 Tf 14 TL 50 800 Td {shown} ET".encode("latin-1"))
        page[NameObject("/Contents")] = writer._add_object(stream)
    if password:
        writer.encrypt(password)
    writer.write(path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read_text(path)
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_a_pdf_without_its_heads_numbers_and_hyphens(tmp_path: Path) -> None:
    told = ["bees slept", "moths flew", "frost came", "bread rose"]
    pages = [
        [
            "Journal of Hives",
            f"In year {i} keepers wrote that {words} and that infor-",
            "mation was new.",
            str(i),
        ]
        for i, words in enumerate(told, 1)
    ]
    text = read_text(write_pdf(tmp_path / "hives.pdf", pages))
    assert text.content.split() == [
        word for i, words in enumerate(told, 1)
        for word in f"In year {i} keepers wrote that {words} and that information was new.".split()
    ]  # fmt: skip
    assert [note.split(" left out")[0] for note in text.notes] == [
        "'hives.pdf': 4 page numbers", "'hives.pdf': 4 running heads and feet", "'hives.pdf': 4 hyphens at line ends",
    ]  # fmt: skip


def test_pages_of_a_pdf_without_text_are_told(tmp_path: Path) -> None:
    text = read_text(write_pdf(tmp_path / "x.pdf", [["Bees slept in the hive."], [], ["Moths flew."]]))
    assert "1 of 3 pages hold no text, such as page 2" in text.notes[0]
    assert "OCR" in refusal(write_pdf(tmp_path / "scan.pdf", [[], []]))


def test_an_encrypted_pdf(tmp_path: Path) -> None:
    assert "is encrypted" in refusal(write_pdf(tmp_path / "x.pdf", [["Bees."]], password="comb"))


def test_a_word_file(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Bees at night", 1)
    document.add_paragraph("We watched bees.")
    table = document.add_table(1, 2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Hive", "12"
    document.add_paragraph("They slept.")
    document.sections[0].header.paragraphs[0].text = "Journal of Hives"
    document.save(str(tmp_path / "bees.docx"))
    text = read_text(tmp_path / "bees.docx")
    assert text.content == "Bees at night\n\nWe watched bees.\n\nHive | 12\n\nThey slept."
    assert text.notes == ("'bees.docx': 1 running heads and feet left out, such as 'Journal of Hives'.",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("suffix", [".html", ".htm", ".HTML"])
def test_a_web_page(tmp_path: Path, suffix: str, encoding: str) -> None:
    path = tmp_path / f"bees{suffix}"
    path.write_bytes(PAGE.encode(encoding))
    text = read_text(path)
    assert text.content.split("\n\n") == [
        "Bees", "Bees at night", "We watched H2O & bees.", "They slept.", "One", "Two", "Hive 12",
    ]  # fmt: skip
    assert "5 parts beside the text left out" in text.notes[0]


def test_a_web_page_in_a_code_page_that_it_names(tmp_path: Path) -> None:
    page = '<html><head><meta charset="windows-1251"></head><body><p>Пчёлы спят ночью.</p></body></html>'
    (tmp_path / "x.html").write_bytes(page.encode("cp1251"))
    assert read_text(tmp_path / "x.html").content == "Пчёлы спят ночью."


@pytest.mark.parametrize("suffix", [".pdf", ".docx", ".html"])
@pytest.mark.parametrize("data", [b"", b"junk \xff\x00", b"%PDF-1.7 cut", b"PK\x03\x04cut", b"<html></html>"])
def test_damaged_documents(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(data)
    if suffix == ".html" and b"<" not in data and data:
        return  # any text is a page to a browser
    assert f"x{suffix}' " in refusal(path)


@pytest.mark.parametrize("suffix", [".pdf", ".docx", ".html"])
def test_what_to_install_where_the_library_is_missing(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"x{suffix}").write_bytes(b"data")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert "pip install 'topores[documents]'" in refusal(tmp_path / f"x{suffix}")
