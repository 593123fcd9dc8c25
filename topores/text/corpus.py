"""The frozen texts of a run: built once from files, stored as two tables, read back unchanged."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from topores.compute.files import write_whole
from topores.domain import SIDES, AlignedPairs, Corpus, Passage, Text
from topores.errors import InputError, RunError
from topores.text.alignment import align_passages
from topores.text.duplicates import join_copies
from topores.text.pair_corpus import Encode
from topores.text.passages import split_passages
from topores.text.split import split_texts

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
    notes = (*t1.notes, *t2.notes, *_copy_notes([*passages_1, *passages_2]))
    return Corpus(tuple(passages_1), tuple(passages_2), pairs, split_1, split_2, embargo, "texts", notes)


def _copy_notes(passages: Sequence[Passage]) -> list[str]:
    """A sentence about passages that repeat each other: the split keeps them apart."""
    group = join_copies([p.text for p in passages])
    counts = np.bincount(group)
    copies = np.flatnonzero(counts[group] > 1)
    if not len(copies):
        return []
    example = " ".join(passages[copies[0]].text.split())[:60]
    return [
        f"{len(copies)} passages repeat each other but for case, blanks or a few words, such as '{example}…': where "
        "one is held out, the others are not trained on."
    ]


def write_corpus(corpus: Corpus, folder: Path) -> None:
    """Write passages.parquet and pairs.parquet, with positions and split."""
    facts = json.dumps(
        {"embargo": corpus.embargo, "source": corpus.source, "share": corpus.pairs.share, "notes": corpus.notes}
    )
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
        # Runs of before have none.
        notes=tuple(facts.get("notes", ())),
        groups=tuple(pairs["group"].to_pylist()) if "group" in pairs.column_names else (),
    )


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
    groups = {"group": pa.array(corpus.groups, pa.int64())} if corpus.groups else {}
    return pa.table(
        {
            **groups,
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
