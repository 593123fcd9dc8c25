"""The frozen texts of a run keep what was said when they were read."""

import json
from pathlib import Path

import pyarrow.parquet as pq

from tests.text.words import TOKENIZER, encode
from topores.domain import Text
from topores.text.corpus import PASSAGES, corpus_from_texts, read_corpus, write_corpus

PLACES = ["mill", "inn", "port", "school", "farm", "yard", "tower", "bridge", "market", "station", "garden", "quay"]
SENTENCES = [
    f"The {kind} clock of the {place} was wound {count} times by one who lived near the {place} and never told why."
    for count, (kind, place) in enumerate(zip(["old", "new", "red"] * 4, PLACES, strict=True))
]


def corpus(article: list[str], meta_analysis: list[str], *notes: str):
    texts = (Text("a.txt", "\n\n".join(article), notes=notes), Text("b.txt", "\n\n".join(meta_analysis)))
    return corpus_from_texts(*texts, TOKENIZER, encode, max_tokens=26, held_out=0.2, embargo=1, seed=0)


def test_copies_within_the_texts_are_told_and_notes_are_kept(tmp_path: Path) -> None:
    again = [f"So: {words}" for words in SENTENCES]
    made = corpus([*SENTENCES, SENTENCES[0].upper()], again, "'a.txt': 2 page numbers left out.")
    assert made.notes[0] == "'a.txt': 2 page numbers left out."
    assert "passages repeat each other but for case, blanks or a few words, such as 'The old clock" in made.notes[1]
    write_corpus(made, tmp_path)
    assert read_corpus(tmp_path).notes == made.notes


def test_a_corpus_of_before_has_no_notes(tmp_path: Path) -> None:
    write_corpus(corpus(SENTENCES, [f"So they say: {words}" for words in SENTENCES]), tmp_path)
    table = pq.read_table(tmp_path / PASSAGES)
    facts = json.loads(table.schema.metadata[b"topores"])
    del facts["notes"]
    pq.write_table(table.replace_schema_metadata({"topores": json.dumps(facts)}), tmp_path / PASSAGES)
    assert read_corpus(tmp_path).notes == ()
