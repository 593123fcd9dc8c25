"""Texts without what is said to matter: partners that have nothing to say to each other, or words without an order."""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Int

from topores.domain import Corpus
from topores.errors import InputError

ATTEMPTS = 1000


def with_shuffled_pairs(corpus: Corpus, seed: int) -> Corpus:
    """`corpus` with its training pairs permuted; the held-out pairs and the split stay.

    The passages of T2 that are partners change places with each other: who has how many partners, and of what weight,
    stays, and so do the batches of T1. No training pair remains a pair.

    Args:
        seed: Decides the permutation.

    Raises:
        InputError: The pairs are so few, or so dense, that some would have to remain.
    """
    pairs, chosen = corpus.pairs, corpus.pairs_in("train")
    draw = np.random.default_rng([seed, len(chosen)])
    partners = np.unique(pairs.t2[chosen])
    true = set(zip(pairs.t1[chosen].tolist(), pairs.t2[chosen].tolist(), strict=True))
    stands_for = dict(zip(partners.tolist(), draw.permutation(partners).tolist(), strict=True))
    for _ in range(ATTEMPTS):
        kept = _kept(pairs.t1[chosen], pairs.t2[chosen], stands_for, true)
        if not kept:
            break
        one, other = kept[0], int(draw.choice(partners))
        swapped = stands_for | {one: stands_for[other], other: stands_for[one]}
        if len(_kept(pairs.t1[chosen], pairs.t2[chosen], swapped, true)) <= len(kept):
            stands_for = swapped
    else:
        raise InputError(
            f"{len(chosen)} training pairs between {len(partners)} passages of T2 cannot be permuted without leaving "
            "some as they are; give longer texts or more pairs."
        )
    t2, similarity, mutual = pairs.t2.copy(), pairs.similarity.copy(), pairs.mutual.copy()
    t2[chosen] = [stands_for[partner] for partner in pairs.t2[chosen].tolist()]
    similarity[chosen], mutual[chosen] = np.nan, False
    return replace(corpus, pairs=replace(pairs, t2=t2, similarity=similarity, mutual=mutual))


def with_random_tokens(corpus: Corpus, tokenizer: Any, seed: int) -> Corpus:
    """`corpus` with passages of the same lengths, made of each text's own tokens in random order.

    The histogram of tokens is that of the text, but for tokens that read otherwise beside other ones. Places in the
    text and pairs stay, and mean nothing.

    Args:
        tokenizer: The encoder's own: called with a text it gives `input_ids`, and it decodes these.
        seed: Decides the order.
    """
    random = np.random.default_rng([seed, len(corpus.t1), len(corpus.t2)])
    sides = []
    for passages in (corpus.t1, corpus.t2):
        ids = [tokenizer(p.text, add_special_tokens=False)["input_ids"] for p in passages]
        drawn = random.permutation(np.concatenate([np.asarray(own, dtype=np.int64) for own in [[], *ids]]))
        parts = np.split(drawn, np.cumsum([len(own) for own in ids])[:-1])
        texts = [tokenizer.decode(part.tolist()) for part in parts]
        sides.append(tuple(replace(p, text=text) for p, text in zip(passages, texts, strict=False)))
    return replace(corpus, t1=sides[0], t2=sides[1])


def _kept(
    t1: Int[np.ndarray, " pairs"], t2: Int[np.ndarray, " pairs"], stands_for: dict[int, int], true: set[tuple[int, int]]
) -> list[int]:
    """Partners that stand in the place of one whose passage of T1 is theirs as well."""
    return [b for a, b in zip(t1.tolist(), t2.tolist(), strict=True) if (a, stands_for[b]) in true]
