"""One-byte code pages: a wrong decoding is undone exactly, and real text is recognised in its encoding."""

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topores.text.code_pages import CODE_PAGES, code_page, guess_code_page

WRITTEN = {
    "cp1252": "L’été dernier, la forêt était déjà très sèche. « Où êtes-vous ? » À l’hôtel, à Noël.",
    "cp1251": "Испытание показало, что лекарство снижает смертность, но повышает риск кровотечений.",
    "koi8-r": "Испытание показало, что лекарство снижает смертность, но повышает риск кровотечений.",
    "cp866": "Испытание показало, что лекарство снижает смертность, но повышает риск кровотечений.",
    "mac_cyrillic": "Испытание показало, что лекарство снижает смертность, но повышает риск кровотечений.",
    "mac_roman": "L’été dernier, la forêt était déjà très sèche. « Où êtes-vous ? » À l’hôtel, à Noël.",
    "cp1250": "Zażółć gęślą jaźń. Wczoraj poszedłem do sklepu, żeby kupić chleb, mąkę i śmietanę.",
    "cp1254": "Güneş doğdu, çocuklar bahçede oynuyor ve yağmur yağıyor, ışık az.",
    "cp1253": "Η γρήγορη αλεπού πηδάει πάνω από το τεμπέλικο σκυλί και τρέχει στο δάσος.",
    "cp1255": "השפה העברית יפה מאוד ואני לומד אותה כל יום",
    "shift_jis": "日本語の文章をここに書きます。今日は天気がいいですね。",
    "gb18030": "中文是世界上使用人数最多的语言，它的历史很长。今天我们在学习中文。",
    "euc_kr": "한국어는 한반도에서 쓰는 언어입니다. 오늘은 날씨가 좋고 하늘이 맑습니다.",
}


@pytest.mark.parametrize("name", CODE_PAGES)
def test_a_page_reads_all_bytes_each_as_another_character(name: str) -> None:
    page = code_page(name)
    assert len(set(page.characters)) == 128
    assert all(page.byte[ord(character)] == byte for byte, character in enumerate(page.characters, 0x80))


@pytest.mark.parametrize("name", CODE_PAGES)
@settings(max_examples=30)
@given(text=st.text(st.characters(min_codepoint=0x80, exclude_categories=["Cs"]), min_size=1))
def test_what_was_misread_is_undone_exactly(name: str, text: str) -> None:
    page = code_page(name)
    seen = page.misread(text)
    assert page.units.fullmatch(seen)
    assert page.undo(seen) == text


def test_units_are_the_well_formed_sequences_of_utf_8() -> None:
    page = code_page("latin-1")
    wrong = [b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xc3"]
    assert not any(page.units.search(bytes_.decode("latin-1")) for bytes_ in wrong)


@pytest.mark.parametrize("encoding", WRITTEN)
def test_the_encoding_of_a_sentence_is_guessed(encoding: str) -> None:
    assert guess_code_page(WRITTEN[encoding].encode(encoding)) == encoding


def test_noise_has_no_encoding() -> None:
    assert guess_code_page(bytes(range(128, 256)) * 4) is None


def test_russian_in_every_cyrillic_page(real_texts) -> None:
    lines = (real_texts / "russian" / "tatoeba_rus_eng.jsonl").read_text(encoding="utf-8")
    for encoding in ("cp1251", "koi8-r", "cp866", "mac_cyrillic", "iso8859-5"):
        assert guess_code_page(lines.encode(encoding, errors="ignore")) == encoding


@pytest.mark.skipif(shutil.which("iconv") is None, reason="iconv is not installed")
@pytest.mark.parametrize("encoding", WRITTEN)
def test_iconv_knows_the_names_that_are_offered(encoding: str, tmp_path) -> None:
    from topores.errors import InputError
    from topores.text.files import read_text

    path = tmp_path / "a text.txt"
    path.write_bytes((WRITTEN[encoding] * 3).encode(encoding))
    with pytest.raises(InputError) as refused:
        read_text(path)
    command = str(refused.value).split(f"It looks like {encoding}: ")[1]
    subprocess.run(command, shell=True, check=True)
    assert read_text(tmp_path / "a text.utf8.txt").content == WRITTEN[encoding] * 3
