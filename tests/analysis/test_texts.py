"""What --texts names becomes one corpus: one text, a list of texts, a table of texts or of pairs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.text.words import TOKENIZER
from topores.analysis.texts import corpus_of
from topores.config import TopologyConfig
from topores.domain import Corpus
from topores.errors import InputError, UsageError

SENTENCES = [
    f"The {kind} clock of the {place} was wound by a neighbour who never told anyone about it."
    for kind in ["old", "new", "red"]
    for place in ["mill", "inn", "port"]
]


def read(path: Path, content: str | list[dict[str, Any]], **options: Any) -> Corpus:
    text = content if isinstance(content, str) else "\n".join(map(json.dumps, content))
    path.write_text(text, encoding="utf-8")
    return corpus_of(TopologyConfig(checkpoint=("model",), texts=(path,), **options), TOKENIZER, 48)


def test_one_text_a_line_stays_one(tmp_path: Path) -> None:
    corpus = read(tmp_path / "lines.txt", "\n".join(SENTENCES))
    assert [p.text for p in corpus.t1] == SENTENCES
    assert corpus.t1[3].document == "lines 4"
    assert corpus.t2 == ()
    assert "each of its 9 lines is read as a text" in corpus.notes[0]
    prose = read(tmp_path / "lines.txt", "\n".join(SENTENCES), lines="prose")
    assert len(prose.t1) < 9
    assert prose.notes == ()


def test_lines_may_be_said_to_be_texts(tmp_path: Path) -> None:
    corpus = read(tmp_path / "x.md", "# one\n\ntwo words\n---\nthree", lines="texts")
    assert [p.text for p in corpus.t1] == ["# one", "two words", "three"]
    with pytest.raises(UsageError, match="--lines is 'words'"):
        TopologyConfig(checkpoint=("model",), lines="words")


def test_a_corpus_of_one_column(tmp_path: Path) -> None:
    corpus = read(tmp_path / "c.jsonl", [{"_id": f"d{i}", "title": "", "text": s} for i, s in enumerate(SENTENCES)])
    assert [(p.document, p.text) for p in corpus.t1] == [(f"d{i}", s) for i, s in enumerate(SENTENCES)]
    assert len(corpus.t2) == len(corpus.pairs) == 0


@pytest.mark.parametrize("split", [None, "dev", "fold 7"])
def test_pairs_give_retrieval_whatever_their_split_says(tmp_path: Path, split: str | None) -> None:
    rows = [{"query": s, "document": s[::-1], **({"split": split} if split else {})} for s in SENTENCES]
    corpus = read(tmp_path / "p.jsonl", rows)
    np.testing.assert_array_equal(corpus.pairs.t1, corpus.pairs.t2)
    assert len(corpus.pairs_in("held_out")) == len(SENTENCES)
    assert not len(corpus.pairs_in("train"))


def test_cutting_is_told_with_a_count_and_an_example(tmp_path: Path) -> None:
    rows = [{"article": " ".join(SENTENCES), "meta_analysis": s} for s in SENTENCES]
    rows = [row | {"article": f"Study {i}. {row['article']}"} for i, row in enumerate(rows)]
    corpus = read(tmp_path / "p.jsonl", rows)
    (told,) = (note for note in corpus.notes if "longer" in note)
    assert "9 of 9 texts of T1 are longer than 48 tokens: only the opening of each is read" in told
    assert "such as 'Study 0. The old clock" in told


def test_columns_are_named_and_tables_stand_alone(tmp_path: Path) -> None:
    rows = [{"ru": s, "en": s.upper()} for s in SENTENCES]
    corpus = read(tmp_path / "p.jsonl", rows, columns=("article=ru,meta-analysis=en",))
    assert corpus.t2[0].text == SENTENCES[0].upper()
    with pytest.raises(InputError, match="no columns for the two texts"):
        read(tmp_path / "p.jsonl", rows)
    two = TopologyConfig(checkpoint=("model",), texts=(tmp_path / "p.jsonl", tmp_path / "p.jsonl"))
    with pytest.raises(InputError, match="is a table; give it alone"):
        corpus_of(two, TOKENIZER, 48)


@pytest.mark.parametrize("columns", ["article", "articel=x", "article=", "x=y"])
def test_columns_that_cannot_be(columns: str) -> None:
    with pytest.raises(UsageError, match="--columns "):
        TopologyConfig(checkpoint=("model",), columns=(columns,))
