"""Null corpora: training pairs permuted, or passages of random tokens."""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Int
from tokenizers import Tokenizer

from topores.domain import Corpus
from topores.errors import InputError
from topores.text.passages import without_truncation

ATTEMPTS = 1000


def with_shuffled_pairs(corpus: Corpus, seed: int) -> Corpus:
    """`corpus` with its training pairs permuted; held-out pairs and the split are unchanged.

    The T2 partners are permuted among themselves. The number and weights of each passage's partners are kept, and so
    are the batches of T1. No true training pair remains.

    Args:
        seed: Seed of the permutation.

    Raises:
        InputError: There are too few pairs, or they are too dense, to permute them all.
    """
    pairs, chosen = corpus.pairs, corpus.pairs_in("train")
    draw = np.random.default_rng([seed, len(chosen)])
    partners = np.unique(pairs.t2[chosen])
    true = set(zip(pairs.t1[chosen].tolist(), pairs.t2[chosen].tolist(), strict=True))
    stands_for = dict(zip(partners.tolist(), draw.permutation(partners).tolist(), strict=True))
    for _ in range(ATTEMPTS):
        kept = _kept_pairs(pairs.t1[chosen], pairs.t2[chosen], stands_for, true)
        if not kept:
            break
        one, other = kept[0], int(draw.choice(partners))
        swapped = stands_for | {one: stands_for[other], other: stands_for[one]}
        if len(_kept_pairs(pairs.t1[chosen], pairs.t2[chosen], swapped, true)) <= len(kept):
            stands_for = swapped
    else:
        raise InputError(
            f"{len(chosen)} training pairs with {len(partners)} passages of T2 cannot be permuted without keeping "
            "some true pairs; give longer texts or more pairs."
        )
    t2, similarity, mutual = pairs.t2.copy(), pairs.similarity.copy(), pairs.mutual.copy()
    t2[chosen] = [stands_for[partner] for partner in pairs.t2[chosen].tolist()]
    similarity[chosen], mutual[chosen] = np.nan, False
    return replace(corpus, pairs=replace(pairs, t2=t2, similarity=similarity, mutual=mutual))


def with_random_tokens(corpus: Corpus, tokenizer: Any, seed: int) -> Corpus:
    """`corpus` with passages of equal lengths made of each text's own tokens in random order.

    The token histogram of each text is kept, except for tokens that are merged or split differently next to others.
    Positions and pairs are kept, but are meaningless.

    Args:
        tokenizer: The encoder's tokenizer: `tokenizers.Tokenizer`, or one of transformers.
        seed: Seed of the order.
    """
    random = np.random.default_rng([seed, len(corpus.t1), len(corpus.t2)])
    sides = []
    for passages in (corpus.t1, corpus.t2):
        ids = [_ids(tokenizer, p.text) for p in passages]
        drawn = random.permutation(np.concatenate([np.asarray(own, dtype=np.int64) for own in [[], *ids]]))
        parts = np.split(drawn, np.cumsum([len(own) for own in ids])[:-1])
        texts = [_text(tokenizer, part.tolist()) for part in parts]
        sides.append(tuple(replace(p, text=text) for p, text in zip(passages, texts, strict=False)))
    return replace(corpus, t1=sides[0], t2=sides[1])


def _ids(tokenizer: Any, text: str) -> list[int]:
    if isinstance(tokenizer, Tokenizer):
        return without_truncation(tokenizer).encode(text, add_special_tokens=False).ids
    found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


def _text(tokenizer: Any, ids: list[int]) -> str:
    kept = {"skip_special_tokens": False} if isinstance(tokenizer, Tokenizer) else {}
    return str(tokenizer.decode(ids, **kept))


def _kept_pairs(
    t1: Int[np.ndarray, " pairs"], t2: Int[np.ndarray, " pairs"], stands_for: dict[int, int], true: set[tuple[int, int]]
) -> list[int]:
    """Permuted pairs that are still true pairs."""
    return [b for a, b in zip(t1.tolist(), t2.tolist(), strict=True) if (a, stands_for[b]) in true]
