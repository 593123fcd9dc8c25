"""Split passages into training and held-out sets without leakage between them."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from topores.domain import AlignedPairs, Passage, Split
from topores.errors import InputError
from topores.text.duplicates import connected_groups, join_copies
from topores.text.split_names import named_split

FEWEST_PASSAGES = 10
"""Texts with fewer passages are not split."""

FEWEST_HELD_OUT, FEWEST_TRAIN = 2, 4
"""Minimum numbers of whole pairs on each side; otherwise nothing is held out."""

PLACEMENTS = 9
"""Random starts of the placement of held-out blocks, each improved iteratively."""

MOST_BLOCKS = 3

Splits = tuple[Split | None, ...]


def split_texts(
    passages_1: Sequence[Passage],
    passages_2: Sequence[Passage],
    pairs: AlignedPairs,
    *,
    held_out: float = 0.2,
    embargo: int = 1,
    seed: int = 0,
) -> tuple[Splits, Splits]:
    """Held-out blocks of two long texts, placed to keep aligned pairs whole.

    One to three contiguous blocks are held out of each text. Starting from random blocks of T1, the blocks of T2 with
    the most partners of these are chosen, then the blocks of T1 with the most partners of those, and so on. The result
    is the placement with the largest weight of held-out pairs minus weight of pairs that are whole on neither side.

    Args:
        passages_1: T1's passages.
        passages_2: T2's passages.
        pairs: Their alignment.
        held_out: Share of each text's passages to hold out, in [0, 1).
        embargo: A passage within this distance of a held-out one in its document is on neither side. So is a passage
            that repeats the words of a held-out one, in either text.
        seed: Seed of the random starts.

    Returns:
        One entry per passage of T1 and of T2. All are 'train' if a text has fewer than 10 passages, or if no placement
        keeps 2 held-out and 4 training pairs whole.

    Raises:
        ValueError: An option is out of its range.
    """
    _check(held_out, embargo)
    counts = len(passages_1), len(passages_2)
    best, best_score = [np.full(n, "train", dtype=object) for n in counts], -np.inf
    if held_out > 0 and min(counts) >= FEWEST_PASSAGES and len(pairs) >= FEWEST_HELD_OUT + FEWEST_TRAIN:
        places = places_of(passages_1, embargo), places_of(passages_2, embargo)
        words = word_ids(passages_1, passages_2)
        for held in _placements(places, pairs, held_out, seed):
            labels = labels_around(held, places, words, embargo)
            score = _score(labels, pairs)
            if score > best_score:
                best, best_score = labels, score
    return tuple(best[0]), tuple(best[1])


def split_pairs(
    pairs: AlignedPairs,
    passages_1: int,
    passages_2: int,
    *,
    splits: Sequence[str | None] | None = None,
    topics: Sequence[str | None] | None = None,
    ties: Int[np.ndarray, "_ 2"] | None = None,
    held_out: float = 0.2,
    seed: int = 0,
) -> tuple[Splits, Splits]:
    """Split of a pair file: by its split column, or else by whole topics, or else by pairs.

    Pairs that share a passage are always on the same side.

    Args:
        pairs: The pairs of the file.
        passages_1: Number of passages of T1.
        passages_2: Number of passages of T2.
        splits: For each pair 'train', 'held_out' (or test, dev, validation), or None: the pair then follows the pairs
            it shares a passage with, and is 'train' if there are none. If any pair is held out, `held_out` is not used.
            If every given split is 'train', `splits` is ignored.
        topics: For each pair its topic, or None.
        ties: Passages that must be on one side, such as copies: numbers of two each, of T1 from 0, of T2 from
            `passages_1` on. Not used if `splits` is.
        held_out: Share of the pairs to hold out, in [0, 1); with whole topics, approximately.
        seed: Seed of the choice.

    Returns:
        One entry per passage of T1 and of T2, never None. All are 'train' if fewer than 2 pairs could be held out, or
        fewer than 4 would be left for training.

    Raises:
        InputError: `splits` has an unknown name, or separates two pairs that share a passage.
        ValueError: held_out is out of its range.
    """
    _check(held_out, embargo=0)
    # A file with "train" in every row is one part of a split, and names nothing to hold out.
    if splits is not None and {name for name in splits if name} - {"train"}:
        chosen = _split_as_given(splits, pairs, passages_1, passages_2)
    else:
        groups = groups_of_pairs(pairs, passages_1, passages_2, topics=topics, ties=ties)
        chosen = _whole_groups(groups, held_out, seed)
    held_1, held_2 = np.zeros(passages_1, dtype=bool), np.zeros(passages_2, dtype=bool)
    held_1[pairs.t1[chosen]] = True
    held_2[pairs.t2[chosen]] = True
    return tuple(np.where(held_1, "held_out", "train").tolist()), tuple(np.where(held_2, "held_out", "train").tolist())


def _check(held_out: float, embargo: int) -> None:
    if not 0 <= held_out < 1:
        raise ValueError(f"held_out is {held_out}; give a share of 0 or more and below 1.")
    if embargo < 0:
        raise ValueError(f"embargo is {embargo}; give 0 or more passages.")


def places_of(passages: Sequence[Passage], embargo: int) -> Int[np.ndarray, " passages"]:
    """Positions of all passages of a side on one line, with gaps between documents that no embargo crosses."""
    position = np.array([p.position for p in passages])
    _, document = np.unique([p.document for p in passages], return_inverse=True)
    return position + document * (position.max() + embargo + 1)


def word_ids(passages_1: Sequence[Passage], passages_2: Sequence[Passage]) -> list[np.ndarray]:
    """An id per passage of each text, equal for passages that repeat each other but for case, blanks or a few words."""
    copies = join_copies([p.text for p in (*passages_1, *passages_2)])
    return np.split(copies, [len(passages_1)])


def _placements(
    places: tuple[np.ndarray, np.ndarray], pairs: AlignedPairs, held_out: float, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    orders = tuple(np.argsort(place, kind="stable") for place in places)
    for attempt in range(PLACEMENTS):
        blocks = 1 + attempt % MOST_BLOCKS
        held_1 = _best_blocks(rng.random(len(places[0])), orders[0], held_out, blocks)
        for _ in range(2):
            led_to_2 = _pull(held_1[pairs.t1], pairs.t2, pairs.weight, len(places[1]))
            held_2 = _best_blocks(led_to_2, orders[1], held_out, blocks)
            yield held_1, held_2
            led_to_1 = _pull(held_2[pairs.t2], pairs.t1, pairs.weight, len(places[0]))
            held_1 = _best_blocks(led_to_1, orders[0], held_out, blocks)
            yield held_1, held_2


def _pull(partner_held: np.ndarray, passage: np.ndarray, weight: np.ndarray, passages: int) -> np.ndarray:
    """Gain of holding out each passage: weight of its pairs with held-out partners, minus weight of its other pairs."""
    return np.bincount(passage, np.where(partner_held, weight, -weight), minlength=passages)


def _best_blocks(
    gain: Float[np.ndarray, " passages"], order: Int[np.ndarray, " passages"], held_out: float, blocks: int
) -> Bool[np.ndarray, " passages"]:
    """The requested share of passages, in up to `blocks` contiguous runs placed greedily by gain."""
    total = max(1, round(held_out * len(order)))
    blocks = min(blocks, total)
    held = np.zeros(len(order), dtype=bool)
    for block in range(blocks):
        length = total * (block + 1) // blocks - total * block // blocks
        free = _window_sums(held, length) == 0
        if not free.any():
            # The gaps between earlier blocks are too short; one block always fits.
            return _best_blocks(gain, order, held_out, 1)
        start = int(np.argmax(np.where(free, _window_sums(gain[order], length), -np.inf)))
        held[start : start + length] = True
    in_text = np.empty_like(held)
    in_text[order] = held
    return in_text


def _window_sums(values: np.ndarray, length: int) -> np.ndarray:
    sums = np.concatenate([[0], np.cumsum(values)])
    return sums[length:] - sums[:-length]


def labels_around(
    held: tuple[np.ndarray, np.ndarray],
    places: tuple[np.ndarray, np.ndarray],
    words: Sequence[np.ndarray],
    embargo: int,
) -> list[np.ndarray]:
    held_words = np.concatenate([ids[side_held] for ids, side_held in zip(words, held, strict=True)])
    sides = []
    for side_held, place, ids in zip(held, places, words, strict=True):
        labels = np.full(len(place), "train", dtype=object)
        labels[_is_near(place, place[side_held], embargo) | np.isin(ids, held_words)] = None
        labels[side_held] = "held_out"
        sides.append(labels)
    return sides


def _is_near(place: np.ndarray, held_places: np.ndarray, embargo: int) -> np.ndarray:
    held_places = np.sort(held_places)
    # Some held position is in [place - embargo, place + embargo] if more are at or below its end than below its start.
    at_or_before_end = np.searchsorted(held_places, place + embargo, side="right")
    return at_or_before_end > np.searchsorted(held_places, place - embargo, side="left")


def _score(labels: Sequence[np.ndarray], pairs: AlignedPairs) -> float:
    label_1, label_2 = labels[0][pairs.t1], labels[1][pairs.t2]
    held_whole = (label_1 == "held_out") & (label_2 == "held_out")
    train_whole = (label_1 == "train") & (label_2 == "train")
    if held_whole.sum() < FEWEST_HELD_OUT or train_whole.sum() < FEWEST_TRAIN:
        return -np.inf
    return float(pairs.weight[held_whole].sum() - pairs.weight[~held_whole & ~train_whole].sum())


def groups_of_pairs(
    pairs: AlignedPairs,
    passages_1: int,
    passages_2: int,
    *,
    topics: Sequence[str | None] | None = None,
    ties: Int[np.ndarray, "_ 2"] | None = None,
) -> Int[np.ndarray, " pairs"]:
    """A number for each pair, equal for pairs that must be on one side; arguments as in `split_pairs`.

    Topics that leave a single group are not used: nothing could be held out.
    """
    nodes = passages_1 + passages_2
    edges = [np.stack([pairs.t1, passages_1 + pairs.t2], axis=1)]
    if topics is not None:
        named = np.flatnonzero([bool(topic) for topic in topics])
        names, topic = np.unique(np.array([str(topics[int(row)]) for row in named]), return_inverse=True)
        edges.append(np.stack([pairs.t1[named], nodes + topic], axis=1))
        nodes += len(names)
    if ties is not None:
        edges.append(ties)
    groups = connected_groups(np.concatenate(edges), nodes)[pairs.t1]
    if topics is not None and len(np.unique(groups)) < 2:
        return groups_of_pairs(pairs, passages_1, passages_2, ties=ties)
    return groups


def _whole_groups(groups: Int[np.ndarray, " pairs"], held_out: float, seed: int) -> Bool[np.ndarray, " pairs"]:
    """Held-out groups: in a seeded order, each is held out if that brings the share nearer to `held_out`."""
    names, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    asked, held, chosen = held_out * len(groups), 0, []
    for candidate in order:
        if abs(held + sizes[candidate] - asked) < abs(held - asked):
            held += sizes[candidate]
            chosen.append(candidate)
    if asked > 0 and not chosen:
        chosen.append(order[np.argmin(sizes[order])])
    rows = np.isin(group, chosen)
    if rows.sum() < FEWEST_HELD_OUT or (~rows).sum() < FEWEST_TRAIN:
        rows[:] = False
    return rows


def _split_as_given(
    splits: Sequence[str | None], pairs: AlignedPairs, passages_1: int, passages_2: int
) -> Bool[np.ndarray, " pairs"]:
    sides = [named_split(split or "") for split in splits]
    held, trains = (np.array([side == name for side in sides], dtype=bool) for name in ("held_out", "train"))
    unknown = np.flatnonzero(~held & ~trains & np.array([bool((split or "").strip()) for split in splits], dtype=bool))
    if len(unknown):
        raise InputError(
            f"Pair {unknown[0] + 1} has the split '{splits[unknown[0]]}'; expected 'train' or 'held_out' "
            "(or test, dev, validation). Rename it, or remove the column."
        )
    groups = groups_of_pairs(pairs, passages_1, passages_2)
    torn = np.intersect1d(groups[held], groups[trains])
    if len(torn):
        train_row, held_row = _torn_rows(groups == torn[0], held, trains, pairs)
        raise InputError(
            f"Pair {train_row + 1} is split '{splits[train_row]}' and pair {held_row + 1} '{splits[held_row]}', "
            "but they share a text, directly or through other pairs; give both the same split, or remove the column."
        )
    return np.isin(groups, groups[held])


def _torn_rows(group: np.ndarray, held: np.ndarray, trains: np.ndarray, pairs: AlignedPairs) -> tuple[int, int]:
    """A training and a held-out pair of the group; two that share a passage if there are any."""
    for side in (pairs.t1, pairs.t2):
        shared = np.intersect1d(side[group & trains], side[group & held])
        if len(shared):
            group = group & (side == shared[0])
            break
    return int(np.flatnonzero(group & trains)[0]), int(np.flatnonzero(group & held)[0])
