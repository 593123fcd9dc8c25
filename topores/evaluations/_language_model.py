"""What the evaluations of a language model share: to whom they apply, and which texts they ask about."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from topores.backbones.language_model import LanguageModel
from topores.domain import SIDES, Passage, Split
from topores.evaluations._subject import Subject

One = TypeVar("One")

LONGEST = 50
"""Tokens that a continuation is compared for, as in Carlini et al. 2022, https://arxiv.org/abs/2202.07646."""


def language_model(subject: Subject) -> LanguageModel:
    """The encoder of a subject that `why_not_language_model` lets pass."""
    assert isinstance(subject.encoder, LanguageModel)
    return subject.encoder


def why_not_language_model(subject: Subject) -> str | None:
    """The reason why tokens cannot be asked about; None if they can."""
    return None if isinstance(subject.encoder, LanguageModel) else "the encoder is not a language model"


def passages_in(subject: Subject, split: Split) -> list[Passage]:
    """Passages of both texts on one side of the split, T1's first."""
    corpus = subject.corpus
    return [
        passage
        for side in SIDES
        for passage, own in zip(corpus.side(side), corpus.split(side), strict=True)
        if own == split
    ]


def evenly(items: Sequence[One], most: int) -> list[One]:
    """At most so many of the items, evenly spaced, the same at every cycle."""
    places = np.linspace(0, len(items) - 1, min(len(items), most)).round().astype(int)
    return [items[place] for place in places]
