"""The frozen texts of a run: built once from files, stored as two tables, read back unchanged."""

import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float

from topores.compute.files import write_whole
from topores.domain import SIDES, AlignedPairs, Corpus, Passage, Side, Text
from topores.errors import InputError, RunError
from topores.text.alignment import align_passages, given_pairs
from topores.text.pair_files import PairTable
from topores.text.passages import first_passage, split_passages
from topores.text.split import split_pairs, split_texts

log = logging.getLogger(__name__)

Encode = Callable[[Sequence[str]], Float[np.ndarray, "texts dim"]]
"""Maps texts to unit rows with the reader, without dropout."""

CORPUS_FILES = PASSAGES, PAIRS = ("passages.parquet", "pairs.parquet")


def corpus_from_texts(
    t1: Text,
    t2: Text,
    tokenizer: Any,
    encode: Encode,
    *,
    max_tokens: int,
    held_out: float,
    embargo: int,
    seed: int,
) -> Corpus:
    """Two long texts: cut into passages, aligned by partial transport, split in blocks.

    Raises:
        InputError: The texts are equal, one of them is a single passage, or they share no aligned passages.
    """
    if t1.content.split() == t2.content.split():
        raise InputError(f"'{t1.name}' and '{t2.name}' have the same text; give the article and its meta-analysis.")
    passages_1 = split_passages(t1, tokenizer, max_tokens=max_tokens, side="t1")
    passages_2 = split_passages(t2, tokenizer, max_tokens=max_tokens, side="t2")
    for text, passages in ((t1, passages_1), (t2, passages_2)):
        if len(passages) < 2:
            raise InputError(
                f"'{text.name}' gives {len(passages)} passage of at most {max_tokens} tokens; "
                "give a longer text, or a smaller --passage-tokens."
            )
    pairs = align_passages(encode([p.text for p in passages_1]), encode([p.text for p in passages_2]))
    if len(pairs) < 2:
        raise InputError(
            f"'{t1.name}' and '{t2.name}' share {len(pairs)} aligned passages; give two texts on one subject, "
            "or aligned rows with --pairs."
        )
    split_1, split_2 = split_texts(passages_1, passages_2, pairs, held_out=held_out, embargo=embargo, seed=seed)
    return Corpus(tuple(passages_1), tuple(passages_2), pairs, split_1, split_2, embargo, "texts")


def corpus_from_pairs(
    table: PairTable,
    tokenizer: Any,
    encode: Encode,
    *,
    max_tokens: int,
    held_out: float,
    embargo: int,
    seed: int,
) -> Corpus:
    """A pair file: the opening passage of each text, aligned by row.

    A text that occurs in several rows becomes one passage with several partners.
    """
    passages_1, rows_1 = _opening_passages(table.articles, table.ids, tokenizer, max_tokens, "t1")
    passages_2, rows_2 = _opening_passages(table.meta_analyses, table.ids, tokenizer, max_tokens, "t2")
    covered = [p.end / len(text) for p, text in _with_texts(passages_1, rows_1, table.articles)]
    covered += [p.end / len(text) for p, text in _with_texts(passages_2, rows_2, table.meta_analyses)]
    cut = sum(share < 0.99 for share in covered)
    if cut:
        log.warning(
            "%d of %d texts are longer than %d tokens; only the opening of each is used (%.0f %% of the characters "
            "on average). A larger --passage-tokens uses more.",
            cut, len(covered), max_tokens, 100 * float(np.mean(covered)),
        )  # fmt: skip
    pairs = given_pairs(rows_1, rows_2, encode([p.text for p in passages_1]), encode([p.text for p in passages_2]))
    split_1, split_2 = split_pairs(
        pairs, len(passages_1), len(passages_2), splits=table.splits, topics=table.topics, held_out=held_out, seed=seed
    )
    return Corpus(tuple(passages_1), tuple(passages_2), pairs, split_1, split_2, embargo, "pairs")


def write_corpus(corpus: Corpus, folder: Path) -> None:
    """Write passages.parquet and pairs.parquet, with positions and split."""
    facts = json.dumps({"embargo": corpus.embargo, "source": corpus.source, "share": corpus.pairs.share})
    for name, table in ((PASSAGES, _passage_table(corpus)), (PAIRS, _pair_table(corpus))):
        write_whole(folder / name, partial(pq.write_table, table.replace_schema_metadata({"topores": facts})))


def read_corpus(folder: Path) -> Corpus:
    """Read the corpus that `write_corpus` wrote.

    Raises:
        RunError: A table is missing or damaged.
    """
    try:
        passages, pairs = pq.read_table(folder / PASSAGES), pq.read_table(folder / PAIRS)
        facts: dict[str, Any] = json.loads(passages.schema.metadata[b"topores"])
        rows = passages.to_pylist()
        sides = {side: [row for row in rows if row["side"] == side] for side in SIDES}
        columns = {name: pairs[name].to_numpy() for name in ("t1", "t2", "weight", "similarity", "mutual")}
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as fault:
        reason = str(fault).split("\n")[0][:120]
        raise RunError(f"The texts of '{folder}' cannot be read ({reason}); train the run again.") from fault
    return Corpus(
        t1=tuple(_passage(row) for row in sides["t1"]),
        t2=tuple(_passage(row) for row in sides["t2"]),
        pairs=AlignedPairs(**columns, share=facts["share"]),
        split_1=tuple(row["split"] for row in sides["t1"]),
        split_2=tuple(row["split"] for row in sides["t2"]),
        embargo=facts["embargo"],
        source=facts["source"],
    )


def _opening_passages(
    texts: Sequence[str], ids: Sequence[str], tokenizer: Any, max_tokens: int, side: Side
) -> tuple[list[Passage], np.ndarray]:
    """One passage per distinct text, and for each row of the file the index of its passage."""
    place = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    first_id = dict(zip(reversed(texts), reversed(ids), strict=True))
    passages = [
        first_passage(text, tokenizer, max_tokens=max_tokens, side=side, document=first_id[text]) for text in place
    ]
    return passages, np.array([place[text] for text in texts], dtype=np.int64)


def _with_texts(passages: list[Passage], rows: np.ndarray, texts: Sequence[str]) -> list[tuple[Passage, str]]:
    return [(passages[place], texts[row]) for place, row in zip(*np.unique(rows, return_index=True), strict=True)]


def _passage_table(corpus: Corpus) -> pa.Table:
    rows = [
        {
            "side": p.side, "document": p.document, "position": p.position, "start": p.start, "end": p.end,
            "tokens": p.tokens, "split": split, "text": p.text,
        }
        for side in SIDES
        for p, split in zip(corpus.side(side), corpus.split(side), strict=True)
    ]  # fmt: skip
    kinds = {"position": pa.int64(), "start": pa.int64(), "end": pa.int64(), "tokens": pa.int64()}
    names = ("side", "document", "position", "start", "end", "tokens", "split", "text")
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, kinds.get(name, pa.string())) for name in names]))


def _pair_table(corpus: Corpus) -> pa.Table:
    pairs = corpus.pairs
    split = np.full(len(pairs), None, dtype=object)
    for name in ("train", "held_out"):
        split[corpus.pairs_in(name)] = name
    return pa.table(
        {
            "t1": pa.array(pairs.t1, pa.int64()),
            "t2": pa.array(pairs.t2, pa.int64()),
            "weight": pa.array(pairs.weight, pa.float64()),
            "similarity": pa.array(pairs.similarity, pa.float64()),
            "mutual": pa.array(pairs.mutual, pa.bool_()),
            "split": pa.array(split, pa.string()),
        }
    )


def _passage(row: dict[str, Any]) -> Passage:
    return Passage(**{name: row[name] for name in Passage.__dataclass_fields__})
