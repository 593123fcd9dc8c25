"""What a language model copies where it is to say something new: the longest runs of known text that it says."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from topores.evaluations._language_model import (
    LONGEST,
    evenly,
    language_model,
    passages_in,
    why_not_language_model,
)
from topores.evaluations._subject import Subject

MOST = 16
"""Held-out pairs that are asked for, evenly spaced, each in both directions."""

APART = -1
"""Stands between texts, so that no run goes over the end of one; no token has this id."""


def why_not(subject: Subject) -> str | None:
    """Tokens must be predicted, after sources that were held out."""
    if len(subject.corpus.pairs_in("held_out")) == 0:
        return why_not_language_model(subject) or "no pairs are held out"
    return why_not_language_model(subject)


def measured(subject: Subject) -> dict[str, float | None]:
    """Longest run of tokens shared with the source, with the target, and with any training passage.

    Each as a share of the continuation, mean over held-out pairs in both directions. The continuation is greedy and as
    long as the target, up to 50 tokens. What the target itself shares with the training passages stands beside it, as
    `copied_by_target`: so much is common to both by their subject.
    """
    model, pairs = language_model(subject), _held_out_pairs(subject)
    sources, targets = ([model.tokens_of(text)[:LONGEST] for text in side] for side in zip(*pairs, strict=True))
    marks = model.marks
    prompts = [[marks.start, *source, marks.middle] for source in sources]
    said = model.continuations(prompts, max(map(len, targets)))
    said = [one[: len(target)] for one, target in zip(said, targets, strict=True)]
    known = _one_text([model.tokens_of(passage.text) for passage in passages_in(subject, "train")])
    return {
        "copied_from_source": _mean_share(said, [np.array(source) for source in sources]),
        "copied_from_target": _mean_share(said, [np.array(target) for target in targets]),
        "copied_from_training": _mean_share(said, [known] * len(said)),
        "copied_by_target": _mean_share(targets, [known] * len(targets)),
    }


def longest_run(tokens: Sequence[int], text: Int[np.ndarray, " text"]) -> int:
    """Length of the longest run of tokens that both have.

    >>> longest_run([7, 1, 2, 3, 9], np.array([1, 2, 4, 1, 2, 3, 5]))
    3
    """
    ending = np.zeros(len(text) + 1, dtype=np.int64)
    longest = 0
    for token in tokens:
        # Of the run that ends at each place of the text and at this token.
        ending[1:] = np.where(text == token, ending[:-1] + 1, 0)
        longest = max(longest, int(ending.max()))
    return longest


def _held_out_pairs(subject: Subject) -> list[tuple[str, str]]:
    """Texts of sources and targets, T1->T2 and T2->T1."""
    corpus = subject.corpus
    chosen = evenly(list(corpus.pairs_in("held_out")), MOST)
    forth = [(corpus.t1[corpus.pairs.t1[i]].text, corpus.t2[corpus.pairs.t2[i]].text) for i in chosen]
    return [*forth, *((target, source) for source, target in forth)]


def _mean_share(said: Sequence[Sequence[int]], texts: Sequence[Int[np.ndarray, " text"]]) -> float:
    shares = [longest_run(one, text) / max(1, len(one)) for one, text in zip(said, texts, strict=True)]
    return float(np.mean(shares))


def _one_text(texts: Sequence[Sequence[int]]) -> Int[np.ndarray, " text"]:
    return np.array([token for text in texts for token in (*text, APART)], dtype=np.int64)
