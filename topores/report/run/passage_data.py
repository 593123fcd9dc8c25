"""The passages on the page, with their texts: those on the map and those around loops."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Int

from topores.domain import SIDES, Analysis, Passage
from topores.report.html.safe import clean

MOST_LETTERS = 1_200
"""Longer passages are cut."""

ALL_LETTERS = 1_000_000
"""Characters of all passages together; if there are more, each is cut further, down to `FEWEST_LETTERS`."""

FEWEST_LETTERS = 60

SPLITS = ("train", "held_out", None)


class Passages:
    """The passages of the page, numbered from 0 in the order of the texts; clouds and maps refer to them by row."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self.rows: Int[np.ndarray, " named"] = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *self._named()]))
        """Indices among all passages, T1's first; for an array, its rows."""

    def __len__(self) -> int:
        return len(self.rows)

    def numbers(self, cloud: str, rows: Iterable[int]) -> list[int]:
        """The numbers of some rows of a cloud, in their order."""
        return np.searchsorted(self.rows, self._behind(cloud, rows)).tolist()

    @cached_property
    def limit(self) -> int:
        """Characters kept per passage."""
        return min(MOST_LETTERS, max(FEWEST_LETTERS, ALL_LETTERS // max(1, len(self))))

    def in_cloud(self, cloud: str) -> Int[np.ndarray, " named"]:
        """1 for passages of the cloud, 0 for others; all 1 if its passages are unknown."""
        known = self._analysis.members.get(cloud)
        return np.ones(len(self.rows), dtype=np.int64) if known is None else np.isin(self.rows, known).astype(np.int64)

    def texts(self) -> dict[str, Any]:
        """Columns: text (0, 1), document, position, split, and the words; empty if there are no texts."""
        known = self._known()
        if not known:
            return {}
        documents = sorted({passage.document for _, passage, _ in known})
        return {
            "documents": [clean(name)[:120] for name in documents],
            "side": [side for side, _, _ in known],
            "document": [documents.index(passage.document) for _, passage, _ in known],
            "position": [passage.position + 1 for _, passage, _ in known],
            "split": [SPLITS.index(split) for _, _, split in known],
            "text": [self._words(passage.text) for _, passage, _ in known],
            "pairs": self._pairs(),
        }

    def _known(self) -> list[tuple[int, Passage, Any]]:
        corpus = self._analysis.corpus
        if corpus is None:
            return []
        every = [
            (number, passage, split)
            for number, side in enumerate(SIDES)
            for passage, split in zip(corpus.side(side), corpus.split(side), strict=True)
        ]
        return [every[row] for row in self.rows.tolist()] if self.rows.max(initial=0) < len(every) else []

    def _words(self, text: str) -> str:
        lines = "\n".join(line for line in clean(text[: 2 * self.limit]).split("\n") if line.strip())
        return lines if len(lines) <= self.limit and len(text) <= 2 * self.limit else lines[: self.limit] + "…"

    def _pairs(self) -> list[list[int]]:
        """Aligned pairs whose two passages are both on the page."""
        corpus = self._analysis.corpus
        if corpus is None or not len(corpus.pairs):
            return []
        number = {row: place for place, row in enumerate(self.rows.tolist())}
        pairs = zip(corpus.pairs.t1.tolist(), (corpus.pairs.t2 + len(corpus.t1)).tolist(), strict=True)
        return [[number[one], number[two]] for one, two in pairs if one in number and two in number]

    def _behind(self, cloud: str, rows: Iterable[int]) -> Int[np.ndarray, " _"]:
        """The passages behind rows of a cloud; rows without a known passage are left out."""
        wanted, known = np.asarray(list(rows), dtype=np.int64), self._analysis.members.get(cloud)
        if known is None:
            return wanted if cloud == "union" else wanted[:0]
        return known[wanted[(wanted >= 0) & (wanted < len(known))]]

    def _named(self) -> list[Int[np.ndarray, " _"]]:
        """Passages on the map, and passages around outlines, tracks and loops."""
        analysis = self._analysis
        found = [(cloud, one.members) for (_, _, cloud), some in analysis.outlines.items() for one in some]
        found += [(track.cloud, members) for track in analysis.tracks for members in track.members]
        found += [(loop.cloud, loop.members) for loop in analysis.loops]
        mapped = [("union", tuple(one.rows.tolist())) for one in analysis.maps[:1]]
        return [self._behind(cloud, rows) for cloud, rows in [*mapped, *found]]
