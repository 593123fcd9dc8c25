"""No held-out passage, neighbour or repetition of one is trained on, and pairs are kept whole."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topores.domain import AlignedPairs, Passage
from topores.errors import InputError
from topores.text.split import FEWEST_HELD_OUT, FEWEST_TRAIN, split_pairs, split_texts


def text_of(side, words, documents=None):
    """Passages of one text with these words, cut into documents of these many passages."""
    passages = []
    for document, length in enumerate(documents or [len(words)]):
        for position in range(length):
            text = words[len(passages)]
            passages.append(Passage(side, f"{side}-{document}", position, 0, len(text), text, tokens=5))
    return passages


def numbered(side, count):
    return text_of(side, [f"{side} passage {i}" for i in range(count)])


def pairs_of(t1, t2):
    t1, t2 = np.asarray(t1, dtype=np.int64), np.asarray(t2, dtype=np.int64)
    weight = 1 / np.bincount(t1)[t1] if len(t1) else np.zeros(0)
    return AlignedPairs(t1, t2, weight, np.full(len(t1), np.nan), np.zeros(len(t1), dtype=bool), 1.0)


def whole(split, splits, pairs):
    return sum(splits[0][i] == split and splits[1][j] == split for i, j in zip(pairs.t1, pairs.t2, strict=True))


def leaks(texts, splits, embargo):
    """Compare every held-out passage with every training passage of both texts, literally by the rule."""
    labelled = [(p, s) for text, split in zip(texts, splits, strict=True) for p, s in zip(text, split, strict=True)]
    return [
        (held, trained)
        for held, h in labelled
        for trained, t in labelled
        if (h, t) == ("held_out", "train")
        and (
            held.text.lower().split() == trained.text.lower().split()
            or (
                (held.side, held.document) == (trained.side, trained.document)
                and abs(held.position - trained.position) <= embargo
            )
        )
    ]


@st.composite
def corpora(draw):
    """Two texts of a few documents each, with some repeated passages, aligned along a noisy diagonal."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    texts = []
    for side in ("t1", "t2"):
        documents = draw(st.lists(st.integers(1, 30), min_size=1, max_size=3))
        words = [f"{side} {i}" for i in range(sum(documents))]
        for _ in range(draw(st.integers(0, 3))):
            words[rng.integers(len(words))] = rng.choice(["Said twice.", "said  TWICE.", "Said again."])
        texts.append(text_of(side, words, documents))
    n_1, n_2 = map(len, texts)
    t1 = rng.integers(n_1, size=draw(st.integers(0, 80)))
    t2 = np.clip(t1 * n_2 // n_1 + rng.integers(-3, 4, size=len(t1)), 0, n_2 - 1)
    return texts, pairs_of(t1, t2)


@given(corpora(), st.floats(0.01, 0.6), st.integers(0, 3), st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_nothing_held_out_leaks_into_training(corpus, held_out, embargo, seed):
    texts, pairs = corpus
    splits = split_texts(*texts, pairs, held_out=held_out, embargo=embargo, seed=seed)
    assert [len(split) for split in splits] == [len(text) for text in texts]
    assert leaks(texts, splits, embargo) == []
    assert splits == split_texts(*texts, pairs, held_out=held_out, embargo=embargo, seed=seed)
    if "held_out" in splits[0] + splits[1]:
        for split in splits:
            assert split.count("held_out") == max(1, round(held_out * len(split)))
            assert len(re.findall("h+", "".join((s or "-")[0] for s in split))) <= 3
        assert whole("held_out", splits, pairs) >= FEWEST_HELD_OUT
        assert whole("train", splits, pairs) >= FEWEST_TRAIN
    else:
        assert set(splits[0] + splits[1]) <= {"train"}


@given(corpora(), st.integers(1, 3), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_only_neighbours_and_repetitions_are_set_aside(corpus, embargo, seed):
    texts, pairs = corpus
    splits = split_texts(*texts, pairs, embargo=embargo, seed=seed)
    for side, split in enumerate(splits):
        for place, label in enumerate(split):
            if label is None:
                restored = [list(s) for s in splits]
                restored[side][place] = "train"
                assert leaks(texts, restored, embargo), f"{texts[side][place]} need not have been set aside"


@pytest.mark.parametrize("seed", range(5))
def test_texts_in_the_same_order_lose_pairs_only_to_the_embargo(seed):
    texts = numbered("t1", 50), numbered("t2", 50)
    pairs = pairs_of(range(50), range(50))
    splits = split_texts(*texts, pairs, seed=seed)
    assert splits[0] == splits[1]
    assert whole("held_out", splits, pairs) == 10
    assert 50 - whole("train", splits, pairs) - 10 == splits[0].count(None) <= 2


def test_blocks_follow_the_pairs_where_the_second_text_tells_it_the_other_way_round():
    texts = numbered("t1", 60), numbered("t2", 40)
    pairs = pairs_of(range(60), [39 - i * 40 // 60 for i in range(60)])
    splits = split_texts(*texts, pairs)
    held_1, held_2 = (np.flatnonzero([s == "held_out" for s in split]) for split in splits)
    assert whole("held_out", splits, pairs) >= 10
    assert abs(held_2.mean() - (39 - held_1.mean() * 40 / 60)) < 1.5


@pytest.mark.parametrize("seed", range(5))
def test_blocks_keep_off_passages_that_tie_both_sides_together(seed):
    # T2's first 20 passages have three partners each, so holding them out tears pairs; 40 to 79 have one.
    texts = numbered("t1", 100), numbered("t2", 100)
    pairs = pairs_of(range(100), [i if 40 <= i < 80 else i % 20 for i in range(100)])
    splits = split_texts(*texts, pairs, seed=seed)
    assert whole("held_out", splits, pairs) == 20
    assert whole("train", splits, pairs) >= 76


def test_seeds_hold_out_different_passages():
    texts = numbered("t1", 80), numbered("t2", 80)
    rng = np.random.default_rng(0)
    pairs = pairs_of(range(80), np.clip(np.arange(80) + rng.integers(-8, 9, size=80), 0, 79))
    assert len({split_texts(*texts, pairs, seed=seed) for seed in range(6)}) >= 3


def test_a_repetition_of_a_held_out_passage_is_set_aside_in_either_text():
    words = [f"passage {i}" for i in range(40)]
    texts = text_of("t1", words), text_of("t2", [w.upper() for w in reversed(words)])
    pairs = pairs_of(range(40), range(40))
    splits = split_texts(*texts, pairs, embargo=0)
    held = {
        p.text.lower()
        for text, split in zip(texts, splits, strict=True)
        for p, s in zip(text, split, strict=True)
        if s == "held_out"
    }
    for text, split in zip(texts, splits, strict=True):
        assert [s == "train" for s in split] == [p.text.lower() not in held for p in text]


def test_a_near_copy_of_a_held_out_passage_is_set_aside_in_either_text():
    rng = np.random.default_rng(0)
    known = [a + b + c for a in "bklmn" for b in ("afi", "ego", "isu", "ote") for c in "dlnrs"]
    words = [[known[i] for i in rng.integers(len(known), size=25)] for _ in range(40)]
    changed = [" ".join(["other", *own[1:]]) for own in words]
    texts = text_of("t1", [" ".join(own) for own in words]), text_of("t2", changed[::-1])
    splits = split_texts(*texts, pairs_of(range(40), range(40)), embargo=0)
    held_1, held_2 = ([i for i, s in enumerate(split) if s == "held_out"] for split in splits)
    held = {*held_1, *(39 - i for i in held_2)}
    assert held
    for split, order in ((splits[0], range(40)), (splits[1], range(39, -1, -1))):
        assert [s == "train" for s in split] == [i not in held for i in order]


@pytest.mark.parametrize(
    ("count", "pairs", "options"),
    [
        (40, pairs_of(range(40), range(40)), {"held_out": 0.0}),
        (9, pairs_of(range(9), range(9)), {}),
        (40, pairs_of([], []), {}),
        (40, pairs_of(range(5), range(5)), {}),
        (40, pairs_of(range(40), [7] * 40), {"held_out": 0.95}),
    ],
    ids=["none asked", "too short", "no pairs", "too few pairs", "no whole training pairs"],
)
def test_all_train_where_nothing_can_be_held_out(count, pairs, options):
    splits = split_texts(numbered("t1", count), numbered("t2", count), pairs, **options)
    assert splits == (("train",) * count,) * 2


def test_options_out_of_range_are_named():
    texts, pairs = (numbered("t1", 20), numbered("t2", 20)), pairs_of(range(20), range(20))
    with pytest.raises(ValueError, match=r"held_out is 1\.0"):
        split_texts(*texts, pairs, held_out=1.0)
    with pytest.raises(ValueError, match="embargo is -1"):
        split_texts(*texts, pairs, embargo=-1)


def sides_of(pairs, splits):
    """Side of each pair; None for a pair across the split."""
    return [splits[0][i] if splits[0][i] == splits[1][j] else None for i, j in zip(pairs.t1, pairs.t2, strict=True)]


@given(
    st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), min_size=1, max_size=60, unique=True),
    st.floats(0.05, 0.6),
    st.integers(0, 99),
    st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_a_pair_file_is_split_without_tearing_a_pair_or_a_topic(rows, held_out, seed, with_topics):
    pairs = pairs_of(*zip(*rows, strict=True))
    topics = [f"topic {i % 7}" if i % 11 else None for i, _ in rows] if with_topics else None
    splits = split_pairs(pairs, 30, 30, topics=topics, held_out=held_out, seed=seed)
    sides = sides_of(pairs, splits)
    assert None not in sides
    assert splits == split_pairs(pairs, 30, 30, topics=topics, held_out=held_out, seed=seed)
    if "held_out" in sides:
        assert sides.count("held_out") >= FEWEST_HELD_OUT
        assert sides.count("train") >= FEWEST_TRAIN


def test_whole_topics_are_held_out():
    topics = [f"topic {i % 10}" for i in range(100)]
    seen = set()
    for seed in range(5):
        sides = sides_of(
            pairs_of(range(100), range(100)),
            split_pairs(pairs_of(range(100), range(100)), 100, 100, topics=topics, seed=seed),
        )
        held = {topic for topic, side in zip(topics, sides, strict=True) if side == "held_out"}
        assert sides.count("held_out") == 20
        assert len(held) == 2
        seen.add(frozenset(held))
    assert len(seen) > 1


def test_topics_that_share_a_passage_stay_together():
    # Topics a and b are joined by T2's passage 0, so c and d alone can be parted from them.
    pairs = pairs_of(range(12), [0, 1, 2, 0, 4, 5, 6, 7, 8, 9, 10, 11])
    for seed in range(6):
        sides = sides_of(pairs, split_pairs(pairs, 12, 12, topics=list("aaabbbcccddd"), seed=seed))
        assert "".join(side[0] for side in sides) in ("tttttthhhttt", "ttttttttthhh")


@pytest.mark.parametrize("topics", [None, ["one"] * 50])
def test_single_pairs_are_held_out_where_topics_cannot_be(topics):
    pairs = pairs_of(range(50), range(50))
    assert sides_of(pairs, split_pairs(pairs, 50, 50, topics=topics)).count("held_out") == 10


def test_one_review_of_many_studies_is_not_torn():
    pairs = pairs_of(range(20), [0] * 20)
    assert split_pairs(pairs, 20, 1) == (("train",) * 20, ("train",))


def test_the_split_of_the_file_is_kept_whatever_share_is_asked():
    pairs = pairs_of(range(6), [0, 1, 2, 3, 3, 4])
    splits = ["train", "held_out", "Test", "dev", None, ""]
    assert sides_of(pairs, split_pairs(pairs, 6, 5, splits=splits, held_out=0.0)) == [
        "train", "held_out", "held_out", "held_out", "held_out", "train",
    ]  # fmt: skip


def test_an_empty_split_column_is_none():
    pairs = pairs_of(range(50), range(50))
    assert split_pairs(pairs, 50, 50, splits=[None, ""] * 25) == split_pairs(pairs, 50, 50)


@pytest.mark.parametrize(
    ("t2", "splits", "words"),
    [
        ([0, 1, 1, 2], ["train", "train", "held_out", "train"], "Pair 2 is split 'train' and pair 3 'held_out'"),
        ([0, 1, 1, 1], ["train", "test", "", "train"], "Pair 4 is split 'train' and pair 2 'test'"),
        ([0, 1, 2, 3], ["train", "hidden", "", "train"], "Pair 2 has the split 'hidden'"),
    ],
)
def test_splits_that_contradict_or_say_nothing_known_are_named(t2, splits, words):
    with pytest.raises(InputError, match=words) as refused:
        split_pairs(pairs_of(range(4), t2), 4, 4, splits=splits)
    assert "remove the column" in str(refused.value)


def test_a_contradiction_through_a_pair_without_a_split_is_named_too():
    pairs = pairs_of([0, 0, 1], [0, 1, 1])
    with pytest.raises(InputError, match=r"Pair 1 is split 'train' and pair 3 'held_out'.*through other pairs"):
        split_pairs(pairs, 2, 2, splits=["train", None, "held_out"])


def test_a_file_that_is_all_training_is_split_by_its_topics() -> None:
    """The training part of a published split says "train" in every row, and still has something to hold out."""
    index = np.arange(20)
    pairs = AlignedPairs(index, index, np.ones(20), np.ones(20), np.ones(20, dtype=bool), 1.0)
    topics = [f"topic {i // 2}" for i in range(20)]
    splits = split_pairs(pairs, 20, 20, splits=["train"] * 20, topics=topics, held_out=0.2, seed=0)
    assert splits[0] == splits[1]
    held = [i for i in range(20) if splits[0][i] == "held_out"]
    assert len(held) == 4
    assert all(splits[0][i] == splits[0][i ^ 1] for i in range(20))
