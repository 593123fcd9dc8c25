"""Canaries: lines of random words that are trained besides the texts, and others like them that are not.

How much surer a model is of the lines it saw than of those it did not says how well it remembers them, on a scale that
no text of its own can give: nothing but memory makes one random line likelier than another.

Source:
    Carlini et al. 2019, The secret sharer, https://arxiv.org/abs/1802.08232.
"""

from typing import NamedTuple

import numpy as np

from topores.domain import SIDES, Corpus

WORDS = 6
"""Words of a line."""

REFERENCES = 255
"""Lines that are never trained, among which each canary is ranked."""


class Canaries(NamedTuple):
    """Lines of random words."""

    trained: list[str]
    others: list[str]
    """Lines of the same kind that are never trained."""


def draw_canaries(corpus: Corpus, count: int, seed: int) -> Canaries:
    """So many canaries, of words that the training passages have; the same for the same corpus and seed."""
    words = sorted({word for text in _training_texts(corpus) for word in text.split()})
    draw = np.random.default_rng([seed, len(words)])
    chosen = draw.integers(len(words), size=(count + REFERENCES, WORDS))
    lines = [" ".join(words[place] for place in places) for places in chosen]
    return Canaries(lines[:count], lines[count:])


def _training_texts(corpus: Corpus) -> list[str]:
    return [
        passage.text
        for side in SIDES
        for passage, split in zip(corpus.side(side), corpus.split(side), strict=True)
        if split == "train"
    ]
