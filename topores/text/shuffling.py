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

    The T2 partners are permuted among themselves: within a document or a topic, where pairs hang together by one, so
    that the null keeps what its pairs have in common. Groups of one partner are permuted among each other. If that
    cannot be done without keeping a true pair, all partners are permuted freely. The number and weights of each
    passage's partners are kept, and so are the batches of T1. No true training pair remains.

    Args:
        seed: Seed of the permutation.

    Raises:
        InputError: There are too few pairs, or they are too dense, to permute them all.
    """
    pairs, chosen = corpus.pairs, corpus.pairs_in("train")
    partners, first = np.unique(pairs.t2[chosen], return_index=True)
    blocks = _blocks(np.asarray(corpus.groups)[chosen][first]) if corpus.groups else None
    free = np.zeros(len(partners), dtype=np.int64)
    tried = [free] if blocks is None else [blocks, free]
    found = (_permutation_of(pairs.t1[chosen], pairs.t2[chosen], partners, block, seed) for block in tried)
    stands_for = next((one for one in found if one is not None), None)
    if stands_for is None:
        raise InputError(
            f"{len(chosen)} training pairs with {len(partners)} passages of T2 cannot be permuted without keeping "
            "some true pairs; give longer texts or more pairs."
        )
    t2, similarity, mutual = pairs.t2.copy(), pairs.similarity.copy(), pairs.mutual.copy()
    t2[chosen] = [stands_for[partner] for partner in pairs.t2[chosen].tolist()]
    similarity[chosen], mutual[chosen] = np.nan, False
    return replace(corpus, pairs=replace(pairs, t2=t2, similarity=similarity, mutual=mutual))


def _blocks(groups: Int[np.ndarray, " partners"]) -> Int[np.ndarray, " partners"] | None:
    """The block within which each partner is permuted: its group, or one block for all that are alone in theirs.

    None if a single partner is alone, since it could take no other's place.
    """
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    alone = sizes[group] == 1
    return None if alone.sum() == 1 else np.where(alone, -1, group)


def _permutation_of(
    t1: Int[np.ndarray, " pairs"], t2: Int[np.ndarray, " pairs"], partners: Int[np.ndarray, " partners"],
    blocks: Int[np.ndarray, " partners"], seed: int,
) -> dict[int, int] | None:  # fmt: skip
    """Which partner stands for which, within blocks and without a true pair; None if none is found."""
    draw = np.random.default_rng([seed, len(t1)])
    true = set(zip(t1.tolist(), t2.tolist(), strict=True))
    stands_for: dict[int, int] = {}
    for block in np.unique(blocks):
        own = partners[blocks == block]
        stands_for |= dict(zip(own.tolist(), draw.permutation(own).tolist(), strict=True))
    block_of = dict(zip(partners.tolist(), blocks.tolist(), strict=True))
    for _ in range(ATTEMPTS):
        kept = _kept_pairs(t1, t2, stands_for, true)
        if not kept:
            return stands_for
        one = kept[0]
        other = int(draw.choice(partners[blocks == block_of[one]]))
        swapped = stands_for | {one: stands_for[other], other: stands_for[one]}
        if len(_kept_pairs(t1, t2, swapped, true)) <= len(kept):
            stands_for = swapped
    return None


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
