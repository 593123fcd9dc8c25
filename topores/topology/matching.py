"""Two matching algorithms used by distances between diagrams."""

import numpy as np
from jaxtyping import Bool, Float


def cheapest_in_order(
    pairs: Float[np.ndarray, "rows columns"],
    alone_rows: Float[np.ndarray, " rows"],
    alone_columns: Float[np.ndarray, " columns"],
    combine: np.ufunc,
) -> float:
    """Cost of the cheapest matching of two lists without crossing pairs, where any member may stay unmatched.

    Args:
        pairs: Cost of pairing a row with a column.
        alone_rows: Cost of an unmatched row.
        alone_columns: Cost of an unmatched column, 0 or more; ascending if `combine` is np.maximum.
        combine: np.add for the sum of all costs, np.maximum for the largest.

    Source:
        Needleman and Wunsch 1970 (the recurrence), taken one row at a time.
    """
    # best[j] is the cost of the rows so far and the first j columns.
    best = np.concatenate([[0.0], combine.accumulate(alone_columns)])
    skipped = np.concatenate([[0.0], np.cumsum(alone_columns)])
    for row, alone in zip(pairs, alone_rows.tolist(), strict=True):
        now = combine(best, alone)
        now[1:] = np.minimum(now[1:], combine(best[:-1], row))
        # Unmatched columns after the last pair: the cheapest cost up to that pair, plus the cost of the skipped ones.
        if combine is np.add:
            through = np.minimum.accumulate((now - skipped)[:-1]) + skipped[1:]
        else:
            through = np.maximum(np.minimum.accumulate(now[:-1]), alone_columns)
        now[1:] = np.minimum(now[1:], through)
        best = now
    return max(float(best[-1]), 0.0)


def rows_can_be_matched(table: Bool[np.ndarray, "rows columns"]) -> bool:
    """Whether every row can be matched with a column that it allows, each column at most once.

    Hopcroft-Karp: layers of shortest augmenting paths, then as many disjoint paths as possible. Sets of columns are
    bits of Python ints, so that the dense tables of bottleneck distances cost no more than sparse ones.

    Source:
        Hopcroft and Karp 1973, An n^(5/2) algorithm for maximum matchings in bipartite graphs.
    """
    allowed = [int.from_bytes(bits.tobytes(), "little") for bits in np.packbits(table, axis=1, bitorder="little")]
    owner: dict[int, int] = {}
    free_rows, free_columns = list(range(len(allowed))), (1 << table.shape[1]) - 1
    while free_rows:
        layers = _layers(allowed, owner, free_rows, free_columns)
        if not layers:
            return False
        still_free = []
        for row in free_rows:
            path = _path(allowed, owner, layers, row)
            for step_row, column in path:
                owner[column] = step_row
            if path:
                free_columns &= ~(1 << path[-1][1])
            else:
                still_free.append(row)
        free_rows = still_free
    return True


def _layers(allowed: list[int], owner: dict[int, int], free_rows: list[int], free_columns: int) -> list[int]:
    """Columns by distance from the free rows, up to the nearest free columns; empty if none can be reached."""
    layers: list[int] = []
    unseen, rows = -1, free_rows
    while True:
        reached = 0
        for row in rows:
            reached |= allowed[row]
        reached &= unseen
        if not reached:
            return []
        if reached & free_columns:
            return [*layers, reached & free_columns]
        layers.append(reached)
        unseen &= ~reached
        rows = [owner[column] for column in _members(reached)]


def _path(allowed: list[int], owner: dict[int, int], layers: list[int], start: int) -> list[tuple[int, int]]:
    """Rows and columns of one augmenting path through the layers; visited columns are removed from their layers."""
    path: list[tuple[int, int]] = []
    row = start
    while True:
        depth = len(path)
        choices = allowed[row] & layers[depth]
        if choices:
            bit = choices & -choices
            layers[depth] ^= bit
            path.append((row, bit.bit_length() - 1))
            if depth == len(layers) - 1:
                return path
            row = owner[path[-1][1]]
        elif path:
            row = path.pop()[0]
        else:
            return []


def _members(columns: int) -> list[int]:
    size = (columns.bit_length() + 7) // 8
    return np.flatnonzero(
        np.unpackbits(np.frombuffer(columns.to_bytes(size, "little"), np.uint8), bitorder="little")
    ).tolist()
