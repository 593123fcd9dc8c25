"""Pair files as corpora: nothing of a row is lost, nothing leaks from one row to another."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.text.words import TOKENIZER, encode
from topores.domain import Corpus
from topores.errors import InputError
from topores.text.alignment import given_pairs
from topores.text.pair_corpus import corpus_from_pairs
from topores.text.pair_files import read_pairs
from topores.text.split import split_pairs

SUBJECTS = [
    "bees",
    "looms",
    "tides",
    "bread",
    "violins",
    "frost",
    "maps",
    "kilns",
    "ferries",
    "moths",
    "salt",
    "clocks",
]
VERBS = ["weighed", "counted", "drew", "timed", "mended", "sorted", "sold", "dried"]
PLACES = ["the harbour", "an attic", "the valley", "a school", "the north wall", "a workshop", "the old mill"]


def sentence(draw: random.Random, subject: str) -> str:
    return (
        f"In {draw.choice(PLACES)} someone {draw.choice(VERBS)} {subject} with {draw.randint(2, 99)} helpers "
        f"and {draw.choice(VERBS)} them again at {draw.choice(PLACES)}."
    )


def row(number: int, sentences: int = 1, seed: int = 0) -> dict[str, Any]:
    """A row about a subject of its own."""
    draw = random.Random(1000 * seed + number)
    subject = f"{SUBJECTS[number % len(SUBJECTS)]} of kind {number}"
    article, review = (" ".join(sentence(draw, subject) for _ in range(sentences)) for _ in range(2))
    return {"article": article, "meta_analysis": f"Of {subject}: {review}"}


def corpus_of(folder: Path, rows: list[dict[str, Any]], **options: Any) -> Corpus:
    path = folder / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    usual: dict[str, Any] = {"max_tokens": 48, "held_out": 0.3, "embargo": 1, "seed": 0}
    return corpus_from_pairs(read_pairs(path), TOKENIZER, encode, **{**usual, **options})


def sides(corpus: Corpus, words: str) -> set[str | None]:
    """Sides of the split that passages with these words are on."""
    found = [
        split
        for side in ("t1", "t2")
        for passage, split in zip(corpus.side(side), corpus.split(side), strict=True)
        if " ".join(words.lower().split()) in " ".join(passage.text.lower().split())
    ]
    assert found
    return set(found)


def note(corpus: Corpus, words: str) -> str:
    (found,) = [note for note in corpus.notes if words in note]
    return found


def test_short_rows_are_paired_and_split_as_given(tmp_path: Path) -> None:
    rows = [row(i) for i in range(20)]
    corpus = corpus_of(tmp_path, rows)
    texts_1, texts_2 = ([r[name] for r in rows] for name in ("article", "meta_analysis"))
    order = np.arange(20)
    pairs = given_pairs(order, order, encode(texts_1), encode(texts_2))
    assert [p.text for p in corpus.t1] == texts_1
    np.testing.assert_array_equal(corpus.pairs.weight, pairs.weight)
    np.testing.assert_array_equal(corpus.pairs.mutual, pairs.mutual)
    assert (corpus.split_1, corpus.split_2) == split_pairs(pairs, 20, 20, held_out=0.3)
    assert corpus.notes == ()


def test_long_rows_are_read_to_their_end_and_paired_within_the_row(tmp_path: Path) -> None:
    rows = [row(i, sentences=8) for i in range(12)]
    corpus = corpus_of(tmp_path, rows)
    for passages, name in ((corpus.t1, "article"), (corpus.t2, "meta_analysis")):
        for i, one in enumerate(rows):
            own = [p.text for p in passages if p.document == str(i + 1)]
            assert len(own) > 1
            assert " ".join(own) == one[name]
    documents = [
        (corpus.t1[a].document, corpus.t2[b].document) for a, b in zip(corpus.pairs.t1, corpus.pairs.t2, strict=True)
    ]
    assert all(first == second for first, second in documents)
    assert {first for first, _ in documents} == {str(i + 1) for i in range(12)}
    assert "24 of 24 texts are longer than 48 tokens: they are cut into passages" in note(corpus, "cut into")
    # A row is on one side, with all its passages.
    for i in range(12):
        assert len({s for p, s in zip(corpus.t1, corpus.split_1, strict=True) if p.document == str(i + 1)}) == 1
    assert {"train", "held_out"} == set(corpus.split_1) == set(corpus.split_2)


def test_transport_within_a_row_finds_the_passages_that_say_the_same(tmp_path: Path) -> None:
    rows = []
    for i in range(8):
        draw = random.Random(i)
        told = [sentence(draw, f"{subject} of kind {i}") for subject in draw.sample(SUBJECTS, 6)]
        again = [f"Again, {words[0].lower()}{words[1:]}" for words in told]
        rows.append({"article": " ".join(told), "meta_analysis": " ".join(again[::-1])})
    corpus = corpus_of(tmp_path, rows, max_tokens=30)
    pairs = corpus.pairs
    same = [
        corpus.t2[b].text.removeprefix("Again, ")[1:] == corpus.t1[a].text[1:]
        for a, b in zip(pairs.t1, pairs.t2, strict=True)
    ]
    assert pairs.weight[same].sum() > 0.9 * pairs.weight.sum()
    np.testing.assert_allclose(np.bincount(pairs.t1, pairs.weight)[np.unique(pairs.t1)], 1)


def capitals(text: str) -> str:
    return text.upper()


def blanks(text: str) -> str:
    return "  " + text.replace(" ", " \u00a0")


def another_word(text: str) -> str:
    return text.replace("someone", "somebody")


@pytest.mark.parametrize("change", [capitals, blanks, another_word])
@pytest.mark.parametrize("seed", range(4))
def test_copies_are_on_one_side_and_told(tmp_path: Path, change: Any, seed: int) -> None:
    rows = [row(i) for i in range(16)]
    rows += [{"article": change(r["article"]), "meta_analysis": f"Other words {i}."} for i, r in enumerate(rows[:6])]
    corpus = corpus_of(tmp_path, rows, seed=seed)
    for one in rows[:6]:
        assert len({s for words in (one["article"], change(one["article"])) for s in sides(corpus, words)}) == 1
    assert {"train", "held_out"} == set(corpus.split_1)
    told = note(corpus, "on one side of the split")
    assert told.startswith("'pairs.jsonl': 6 texts repeat others but for")
    assert ("a few words" if change is another_word else "case and blanks") in told


def test_a_text_that_is_an_article_here_and_a_meta_analysis_there_is_on_one_side(tmp_path: Path) -> None:
    rows = [row(i) for i in range(12)]
    rows += [{"article": f"Something else {i}.", "meta_analysis": rows[i]["article"]} for i in range(5)]
    for seed in range(5):
        corpus = corpus_of(tmp_path, rows, seed=seed)
        assert all(len(sides(corpus, rows[i]["article"])) == 1 for i in range(5))


@pytest.mark.parametrize("column", ["review_id", "pmid", "id"])
def test_rows_of_one_document_are_on_one_side_and_told(tmp_path: Path, column: str) -> None:
    rows = [row(i) | {column: f"R{i // 4}"} for i in range(16)]
    for seed in range(4):
        corpus = corpus_of(tmp_path, rows, seed=seed)
        for start in range(0, 16, 4):
            assert len({s for r in rows[start : start + 4] for s in sides(corpus, r["article"])}) == 1
        assert {"train", "held_out"} == set(corpus.split_1)
    assert "4 documents have several rows, such as 'R0'" in note(corpus, "several rows, such")


def test_passages_in_common_keep_long_rows_together(tmp_path: Path) -> None:
    rows = [row(i, sentences=8) for i in range(12)]
    shared = (
        "The method was the same in both places and it is told here in the very same words for everyone to read it."
    )
    for i in (2, 7):
        words = rows[i]["article"].split(". ")
        rows[i]["article"] = ". ".join([*words[:4], shared.rstrip("."), *words[4:]])
    for seed in range(6):
        corpus = corpus_of(tmp_path, rows, seed=seed, max_tokens=26)
        assert len({s for p, s in zip(corpus.t1, corpus.split_1, strict=True) if p.document in ("3", "8")}) == 1
    assert "1 text repeats another in a passage" in note(corpus, "in a passage")


def test_a_split_column_gives_way_to_copies(tmp_path: Path) -> None:
    rows = [row(i) | {"split": "test" if i < 4 else "train"} for i in range(12)]
    # The copies are joined through the first of them, which is trained on too.
    for i, copy in enumerate((rows[0]["article"].upper(), rows[0]["article"].title())):
        rows.insert(0, {"article": copy, "meta_analysis": f"Other words {i}.", "split": "train"})
    corpus = corpus_of(tmp_path, rows)
    assert sides(corpus, rows[2]["article"]) == {"held_out", None}
    assert len(corpus.pairs_in("train")) == 8
    assert "2 training texts repeat" in note(corpus, "left out of training")
    assert "the column 'split' has 'train' (10 rows), 'test' (4 rows): 10 rows are trained on, 4 held out" in note(
        corpus, "the column 'split'"
    )


@pytest.mark.parametrize("value", ["dev", "validation", "test"])
def test_nothing_to_train_on_names_the_column_and_its_values(tmp_path: Path, value: str) -> None:
    with pytest.raises(InputError) as refused:
        corpus_of(tmp_path, [row(i) | {"split": value} for i in range(6)])
    assert f"the column 'split' has '{value}' (6 rows), so no pair is left to train on" in str(refused.value)
    assert "--columns split=" in str(refused.value)


LICENCE = (
    "Abstract. This is an open text under the licence of the guild of keepers, who let everyone copy it. "
    "Use and print it as you like, as long as the keepers are named."
)


@pytest.mark.parametrize("where", ["opening", "end"])
def test_a_licence_in_all_texts_is_left_out_and_told(tmp_path: Path, where: str) -> None:
    plain = [row(i, sentences=2) for i in range(10)]
    licensed = [
        {name: f"{LICENCE} {text}" if where == "opening" else f"{text} {LICENCE}" for name, text in r.items()}
        for r in plain
    ]
    corpus, without = corpus_of(tmp_path, licensed), corpus_of(tmp_path, plain)
    assert [p.text for p in (*corpus.t1, *corpus.t2)] == [p.text for p in (*without.t1, *without.t2)]
    assert "10 of 10 texts open or end with sentences that many of them share" in note(corpus, "many of them share")


def test_labels_and_texts_of_one_sentence_are_no_licence(tmp_path: Path) -> None:
    rows = [{name: f"Background. {text}" for name, text in row(i).items()} for i in range(10)]
    review = "One review tells of all of these studies at once."
    rows += [{"article": row(20 + i)["article"], "meta_analysis": review} for i in range(6)]
    corpus = corpus_of(tmp_path, rows)
    assert corpus.t1[0].text == rows[0]["article"]
    assert review in [p.text for p in corpus.t2]
