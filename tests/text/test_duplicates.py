"""Copies of a text are found, whatever their number; different texts are not taken for copies."""

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from topores.text.duplicates import find_copies, join_copies, reading_key

WORDS = [a + b + c for a in ("ba", "ke", "lo", "mi", "nu") for b in ("fi", "go", "su", "te") for c in "dlnrsx"]


def sentence(draw: random.Random, words: int = 25) -> list[str]:
    return draw.choices(WORDS, k=words)


@given(st.text(max_size=60))
def test_case_blanks_and_unicode_form_do_not_count(text: str) -> None:
    assert reading_key(f"  {text}\t\n") == reading_key(text)
    words = text.split()
    assert reading_key("\u00a0 ".join(words)) == reading_key(" ".join(words))


def test_equal_and_near_copies_are_joined_and_strangers_are_not() -> None:
    draw = random.Random(0)
    originals = [sentence(draw) for _ in range(300)]
    texts = [" ".join(words) for words in originals]
    texts += [text.upper() for text in texts[:20]]
    for words in originals[20:60]:
        changed = list(words)
        changed[draw.randrange(25)] = draw.choice(WORDS)
        texts.append(" ".join(changed))
    group = join_copies(texts)
    np.testing.assert_array_equal(group[300:], group[:60])
    assert len(set(group[:300].tolist())) == 300
    equal, near = find_copies(texts)
    assert len(equal) == 20
    assert {tuple(edge) for edge in near.tolist()} == {(i, 280 + i + 20) for i in range(20, 60)}


def test_a_chain_of_changes_is_one_group() -> None:
    draw = random.Random(1)
    words = sentence(draw)
    chain = [" ".join(words)]
    for place in range(25):
        words[place] = draw.choice(WORDS)
        chain.append(" ".join(words))
    assert len(set(join_copies(chain).tolist())) == 1


def test_short_texts_are_copies_only_if_equal() -> None:
    assert len(set(join_copies(["Article 1 of ten", "Article 2 of ten", "article  1 of TEN", "", "x"]).tolist())) == 4


def test_half_of_the_words_are_another_text() -> None:
    draw = random.Random(2)
    words = sentence(draw, 40)
    other = [word if i % 2 else draw.choice(WORDS) for i, word in enumerate(words)]
    assert len(find_copies([" ".join(words), " ".join(other)])[1]) == 0
