"""Pairs of both texts' cloud: chosen one to one, and kept together by the nulls of the whole analysis."""

from pathlib import Path

import numpy as np
import pytest

from topores.analysis.analyse import analyse_source
from topores.analysis.partners import partners_of
from topores.analysis.sources import Source
from topores.config import TopologyConfig
from topores.domain import AlignedPairs, Corpus, Passage, State

PAIRS = 75


def corpus(t1: list[int], t2: list[int], weight: list[float], mutual: list[bool], count: int) -> Corpus:
    sides = [tuple(Passage(side, side, n, n, n + 1, "x", 1) for n in range(count)) for side in ("t1", "t2")]
    ones = np.ones(len(t1))
    pairs = AlignedPairs(
        np.array(t1, dtype=int), np.array(t2, dtype=int), np.array(weight), ones, np.array(mutual, dtype=bool), 1.0
    )
    return Corpus(sides[0], sides[1], pairs, ("held_out",) * count, ("held_out",) * count, 0, "texts")


class Made(Source):
    """Rows of two texts with row i of one beside row i of the other, and a gap between the texts."""

    def __init__(self, rows: np.ndarray, texts: Corpus | None) -> None:
        self.name, self.rows, self.states = "made", rows, (State(0, "made", Path("made")),)
        self.corpus = texts

    @property
    def clouds(self) -> dict:
        union = np.arange(2 * PAIRS)
        return {"t1": union[:PAIRS], "t2": union[PAIRS:], "union": union}

    def layers_of(self, state: State, layers: str, cache: object) -> dict:  # noqa: ARG002
        return {0: self.rows}

    def content(self, cache: object) -> None:  # noqa: ARG002
        return None


def in_pairs(gap: float, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = random.normal(size=(PAIRS, 384)) / 384**0.5
    rows = np.vstack([centres, centres]) + random.normal(size=(2 * PAIRS, 384)) * 0.1 / 768**0.5
    rows[:, -1] += np.repeat([-gap / 2, gap / 2], PAIRS)
    return rows


def test_mutual_partners_come_first_then_the_heaviest() -> None:
    made = corpus([0, 0, 1, 2], [0, 1, 0, 2], [0.2, 0.8, 0.9, 1.0], [True, False, False, False], 3)
    found = partners_of(Made(np.eye(6), made))
    assert found.pairs.tolist() == [[0, 3], [2, 5]]
    assert found.texts.tolist() == [0, 0, 0, 1, 1, 1]


def test_without_pairs_there_are_no_partners() -> None:
    assert partners_of(Made(np.eye(6), None)) is None
    assert partners_of(Made(np.eye(6), corpus([], [], [], [], 3))) is None


@pytest.mark.slow
@pytest.mark.parametrize("paired", [True, False])
def test_pairs_with_a_gap_have_no_loop_unless_the_pairs_are_unknown(paired: bool) -> None:
    config = TopologyConfig(checkpoint=("made",), nulls="none")
    every = list(range(PAIRS)) if paired else []
    texts = corpus(every, every, [1.0] * len(every), [True] * len(every), PAIRS)
    said = [analyse_source(Made(in_pairs(1.0, seed), texts), config, cache=None).verdict.sentence for seed in range(3)]
    found = [" longer than chance would produce (p = " in s and "no loop is longer" not in s for s in said]
    assert any(found) != paired
