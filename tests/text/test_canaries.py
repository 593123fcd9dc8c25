"""Canaries are lines of training words, the same for the same seed."""

import numpy as np

from topores.domain import AlignedPairs, Corpus, Passage
from topores.text.canaries import REFERENCES, WORDS, draw_canaries


def corpus() -> Corpus:
    texts = {"t1": ("a b c", "secret words"), "t2": ("d e f g", "more secrets")}
    sides = [tuple(Passage(s, "d", i, 0, 1, text, 3) for i, text in enumerate(texts[s])) for s in ("t1", "t2")]
    ones = np.ones(2)
    pairs = AlignedPairs(np.arange(2), np.arange(2), ones, ones, np.ones(2, bool), 1.0)
    return Corpus(*sides, pairs, ("train", "held_out"), ("train", "held_out"), 1, "texts")


def test_they_have_words_of_training_passages_alone() -> None:
    drawn = draw_canaries(corpus(), 40, 0)
    lines = [*drawn.trained, *drawn.others]
    assert (len(drawn.trained), len(drawn.others)) == (40, REFERENCES)
    assert {len(line.split()) for line in lines} == {WORDS}
    assert {word for line in lines for word in line.split()} == set("abcdefg")


def test_the_seed_decides_them() -> None:
    assert draw_canaries(corpus(), 4, 1) == draw_canaries(corpus(), 4, 1)
    assert draw_canaries(corpus(), 4, 1).trained != draw_canaries(corpus(), 4, 2).trained
