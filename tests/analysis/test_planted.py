"""Movements whose cause is known, through the whole analysis of arrays: each is called what it is."""

from pathlib import Path

import numpy as np
import pytest

from topores import analyse
from topores.domain import Analysis

N, DIM = 100, 40


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def cloud(seed: int = 0) -> np.ndarray:
    """As embeddings are: a spectrum that falls, and a mean that is not 0."""
    rng = np.random.default_rng(seed)
    spectrum = 1 / np.sqrt(1 + np.arange(DIM))
    return unit(rng.normal(size=(N, DIM)) * spectrum + 0.8 * rng.normal(size=DIM) * spectrum)


def direction(seed: int = 2) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(1, DIM)))


def rotation(angle: float) -> np.ndarray:
    axes, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(DIM, DIM)))
    plane = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return axes @ np.kron(np.eye(DIM // 2), plane) @ axes.T


def to_mean(rows: np.ndarray, share: float) -> np.ndarray:
    return unit(rows.mean(axis=0) + share * (rows - rows.mean(axis=0)))


def analysed(
    folder: Path, *states: np.ndarray, nulls: str = "none", two_texts: bool = False
) -> Analysis:  # fmt: skip
    """The last half of the rows is T2 if there are two texts."""
    paths = []
    for place, rows in enumerate(states):
        paths.append(folder / f"state-{place}.npy")
        np.save(paths[-1], rows)
    texts = []
    for side in ("a", "b") if two_texts else ():
        texts.append(folder / f"{side}.txt")
        texts[-1].write_text("".join(f"Text {side} {i}.\n" for i in range(N // 2)), encoding="utf-8")
    return analyse(
        *paths, nulls=nulls, max_degree=0, cache="none", texts=tuple(texts), lines="texts" if texts else "auto"
    )  # fmt: skip


PLANTED = {
    "contraction by .5": (lambda rows: to_mean(rows, 0.5), "scaled"),
    "contraction by .8": (lambda rows: to_mean(rows, 0.8), "scaled"),
    "a push into a cone": (lambda rows: unit(rows + direction()), "scaled"),
    "a pull to a hub": (lambda rows: unit(rows + 0.3 * (rows[0] - rows)), "scaled"),
    "a rotation": (lambda rows: rows @ rotation(0.5), "turned"),
    "a rotation and a contraction": (lambda rows: to_mean(rows, 0.5) @ rotation(0.6), "scaled and turned"),
    "noise": (lambda rows: rows + 0.1 * np.random.default_rng(5).normal(size=rows.shape), "deformed"),
    "half precision": (lambda rows: rows.astype(np.float16), "unchanged"),
    "noise of 1e-6": (lambda rows: rows + 1e-6 * np.random.default_rng(5).normal(size=rows.shape), "unchanged"),
    "a translation": (lambda rows: rows + 0.1 * direction(), "moved as a whole"),
    "3 times the array": (lambda rows: 3 * rows, "unchanged"),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_movement_is_called_what_it_is(kind: str, tmp_path: Path) -> None:
    move, movement = PLANTED[kind]
    found = analysed(tmp_path, cloud(), move(cloud())).verdict
    assert found.movement == movement
    assert ("rotated" in found.headline) == ("turned" in movement)
    assert ("deformed" in found.sentence) == ("deformed" in movement)
    assert "dropout" not in found.sentence


def narrowed(rows: np.ndarray) -> np.ndarray:
    """A quarter of the directions or fewer, as wide as before."""
    return unit(rows * (np.arange(DIM) < 4))


def one_text_at_a_point(rows: np.ndarray) -> np.ndarray:
    return np.vstack([rows[: N // 2].mean(axis=0) + 1e-3 * rows[: N // 2], rows[N // 2 :]])


@pytest.mark.parametrize(
    ("move", "told"),
    [
        (lambda rows: to_mean(rows + 2 * direction(), 0.3), "the space collapsed (uniformity "),
        (narrowed, "the space collapsed (uniformity "),
        (one_text_at_a_point, "the passages of T1 collapsed (uniformity "),
    ],
)
def test_a_collapse_is_called_one(move, told: str, tmp_path: Path) -> None:
    found = analysed(tmp_path, cloud(), move(cloud()), two_texts=True).verdict
    assert (found.outcome, found.headline) == ("collapsed", "The space collapsed")
    assert found.every_outcome == ("collapsed",)
    assert told in found.sentence


@pytest.mark.slow
def test_a_gap_that_opens_between_the_texts_is_told(tmp_path: Path) -> None:
    apart = np.where(np.arange(N) < N // 2, 0.7, -0.7)[:, None] * direction()
    found = analysed(tmp_path, cloud(), unit(cloud() + apart), two_texts=True, nulls="resample").verdict
    assert "a gap opened between the texts (modality gap 0." in found.sentence
    assert "a gap opened between the texts" in found.headline
    change = next(claim for claim in found.claims if (claim.quantity, claim.null_of) == ("modality_gap", "noise"))
    assert change.low is not None
    assert 0.5 < change.low < change.value < change.high
    still = analysed(tmp_path, cloud(), to_mean(cloud(), 0.8), two_texts=True, nulls="resample").verdict
    assert "gap" not in still.sentence


@pytest.mark.slow
def test_a_space_that_splits_in_halves_is_told(tmp_path: Path) -> None:
    halves = unit(cloud() + np.where(np.arange(N) % 2, 1.0, -1.0)[:, None] * direction())
    found = analysed(tmp_path, cloud(), halves, nulls="resample,matched-spectrum").verdict
    assert "the space split into groups of 50 and 50 passages (gap 0." in found.sentence
    assert "the space split into clusters" in found.headline
    back = analysed(tmp_path, halves, cloud(), nulls="resample,matched-spectrum").verdict
    assert "a gap between two groups of passages closed (p = 0.049)" in back.sentence


@pytest.mark.slow
def test_an_outlier_is_no_cluster(tmp_path: Path) -> None:
    alone = cloud()
    alone[0] = -alone.mean(axis=0)
    found = analysed(tmp_path, cloud(), alone, nulls="resample,matched-spectrum").verdict
    assert "split" not in found.sentence
    assert "closed" not in found.sentence
