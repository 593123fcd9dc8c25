"""The texts that `--texts` names, as a corpus for models that were not trained here."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from topores.analysis.rows import corpus_without_pairs
from topores.config import PAIR_FILES, TopologyConfig
from topores.domain import SIDES, AlignedPairs, Corpus, Passage, Side, Split, Text
from topores.errors import InputError
from topores.text.common_openings import without_common_parts
from topores.text.files import read_text
from topores.text.one_per_line import is_one_per_line, split_lines
from topores.text.pair_files import PairTable, read_rows
from topores.text.passages import first_passage, split_passages

log = logging.getLogger(__name__)

WHOLE = 0.99
"""A passage that covers this share of the characters of its text is the whole text."""


def corpus_of(config: TopologyConfig, tokenizer: Any, budget: int) -> Corpus:
    """One text, two texts, a list of texts, or pairs; logs what was left out.

    Args:
        tokenizer: The encoder's.
        budget: Most tokens of a passage.

    Raises:
        InputError: The files cannot be read, or hold too little.
    """
    if config.texts[0].suffix.lower() in PAIR_FILES:
        corpus = _of_table(config, tokenizer, budget)
    else:
        corpus = _of_files(config, tokenizer, budget)
    for note in corpus.notes:
        log.warning(note)
    return corpus


def _of_table(config: TopologyConfig, tokenizer: Any, budget: int) -> Corpus:
    """Rows with two texts as pairs, which give retrieval; rows with one as a corpus."""
    if len(config.texts) > 1:
        raise InputError(f"'{config.texts[0]}' is a table; give it alone, not with '{config.texts[1]}'.")
    table = read_rows(config.texts[0], repair=config.repair, columns=config.column_names)
    if isinstance(table, PairTable):
        columns: list[Sequence[str]] = [table.articles, table.meta_analyses]
    else:
        columns = [table.texts]
    sides, notes = [], list(table.notes)
    for side, texts in zip(SIDES, columns, strict=False):
        own, said = without_common_parts(table.name, texts)
        passages, cut = _openings(own, table.ids, tokenizer, budget, side, table.name)
        sides.append(passages)
        notes += [*said, *cut]
    if len(sides) == 1:
        return _without_pairs(sides[0], [], notes)
    return _with_pairs(sides[0], sides[1], notes)


def _of_files(config: TopologyConfig, tokenizer: Any, budget: int) -> Corpus:
    texts = [read_text(path, repair=config.repair) for path in config.texts]
    sides, notes = [], [note for text in texts for note in text.notes]
    for text, path, side in zip(texts, config.texts, SIDES, strict=False):
        if _are_texts(text, config.lines):
            passages, said = _of_lines(text, tokenizer, budget, side)
            notes += said
        else:
            passages = split_passages(text, tokenizer, max_tokens=budget, side=side)
        if len(passages) < 2:
            raise InputError(
                f"'{path.name}' gives {len(passages)} passage of at most {budget} tokens; give a longer text."
            )
        sides.append(passages)
    return _without_pairs(sides[0], sides[1] if len(sides) > 1 else [], notes)


def _are_texts(text: Text, lines: str) -> bool:
    if lines != "auto":
        return lines == "texts"
    return not text.markdown and is_one_per_line(text.content)


def _of_lines(text: Text, tokenizer: Any, budget: int, side: Side) -> tuple[list[Passage], list[str]]:
    lines = [(line, number) for line, number in split_lines(text.content) if any(map(str.isalnum, line))]
    names = [f"{Path(text.name).stem} {number}" for _, number in lines]
    passages, cut = _openings([line for line, _ in lines], names, tokenizer, budget, side, text.name)
    said = f"'{text.name}': each of its {len(lines)} lines is read as a text; --lines prose reads them as one."
    return passages, [said, *cut]


def _openings(
    texts: Sequence[str], names: Sequence[str], tokenizer: Any, budget: int, side: Side, file: str
) -> tuple[list[Passage], list[str]]:
    """The opening passage of each text, and a sentence about those that are longer."""
    passages = [
        first_passage(text, tokenizer, max_tokens=budget, side=side, document=name)
        for text, name in zip(texts, names, strict=True)
    ]
    covered = [p.end / len(text) for p, text in zip(passages, texts, strict=True)]
    cut = [i for i, share in enumerate(covered) if share < WHOLE]
    if not cut:
        return passages, []
    return passages, [
        f"'{file}': {len(cut)} of {len(texts)} texts of {side.upper()} are longer than {budget} tokens: only the "
        f"opening of each is read, {np.mean(covered):.0%} of the characters on average, such as "
        f"'{passages[cut[0]].text[:40]}…'. A larger --passage-tokens reads more, up to what the encoder does."
    ]


def _with_pairs(passages_1: list[Passage], passages_2: list[Passage], notes: Sequence[str]) -> Corpus:
    """Rows as pairs. No model was trained on them here, so all are held out."""
    rows, ones = np.arange(len(passages_1)), np.ones(len(passages_1))
    pairs = AlignedPairs(rows, rows, ones, np.full(len(rows), np.nan), np.zeros(len(rows), dtype=bool), 1.0)
    held: tuple[Split | None, ...] = tuple("held_out" for _ in rows)
    return Corpus(tuple(passages_1), tuple(passages_2), pairs, held, held, 0, "pairs", tuple(dict.fromkeys(notes)))


def _without_pairs(passages_1: list[Passage], passages_2: list[Passage], notes: Sequence[str]) -> Corpus:
    return replace(corpus_without_pairs(passages_1, passages_2), notes=tuple(notes))
