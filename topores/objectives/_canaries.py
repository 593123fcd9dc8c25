"""Canaries: lines of random words that are trained besides the texts, and others like them that are not.

How much surer a model is of the lines it saw than of those it did not says how well it remembers them, on a scale that
no text of its own can give: nothing but memory makes one random line likelier than another.

Source:
    Carlini et al. 2019, The secret sharer, https://arxiv.org/abs/1802.08232.
"""

import numpy as np

from topores.domain import Corpus

WORDS = 6
"""Words of a canary."""

REFERENCES = 255
"""Lines of the same kind that are not trained, among which each canary is ranked."""


def draw_lines(corpus: Corpus, count: int, seed: int) -> list[str]:
    """So many lines of random words of the training passages; the same for the same seed, whatever is asked beyond.

    Returns:
        The canaries first, if `count` includes them.
    """
    words = sorted(
        {
            word
            for side in ("t1", "t2")
            for passage, split in zip(corpus.side(side), corpus.split(side), strict=True)
            if split == "train"
            for word in passage.text.split()
        }
    )
    draw = np.random.default_rng([seed, len(words)])
    return [" ".join(words[i] for i in draw.integers(len(words), size=WORDS)) for _ in range(count)]
