"""A stem that checkpoints share runs once, and never in the place of another."""

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from transformers import AutoTokenizer

from topores import train
from topores.backbones.loading import open_model
from topores.backbones.shared_stem import SharedStem, Stem
from topores.runs import Run

TEXTS = ["the trial of aspirin", "deaths in 4 weeks", "a", "streptokinase and placebo: heart therapy, 17187 patients."]
SIDES = ["t1", "t2", "t1", "t2"]


def trained(encoder: str, model: Path, two_texts: tuple[Path, Path], folder: Path) -> Run:
    return train(
        article=two_texts[0], meta_analysis=two_texts[1], model=str(model), encoder=encoder, cycles=2, batch_size=16,
        learning_rate=1e-2, passage_tokens=16, device="cpu", output=folder,
    )  # fmt: skip


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each pass through a stem."""
    seen: list[int] = []
    pooled_layers = Stem.pooled_layers
    monkeypatch.setattr(Stem, "pooled_layers", lambda self, *given: (seen.append(1), pooled_layers(self, *given))[1])
    return seen


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoder", "expected"), [("linear", 1), ("loreft", 1), ("rotation", 1), ("full", 3), ("lora", 3)]
)
def test_rows_are_the_checkpoints_own(
    encoder: str, expected: int, tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path, passes: list[int]
) -> None:
    run = trained(encoder, tiny_model, two_texts, tmp_path / "run")
    shared, last = SharedStem(TEXTS, SIDES), None
    for cycle in (0, 1, 2):
        folder = run.checkpoints[cycle]
        opened = open_model(str(folder), "cpu")
        rows, whole = shared.encode_layers(opened, folder), opened.encode_layers(TEXTS, SIDES)
        assert len(rows) == len(whole) == 3
        for ours, theirs in zip(rows, whole, strict=True):
            assert np.abs(ours - theirs).max() < 1e-6
        assert last is None or np.abs(rows[-1] - last).max() > 1e-4
        last = rows[-1]
    assert len(passes) == expected


def test_the_same_checkpoint_twice_gives_the_same_bits(tiny_model: Path, passes: list[int]) -> None:
    shared = SharedStem(TEXTS, SIDES)
    first, second = (shared.encode_layers(open_model(str(tiny_model), "cpu"), tiny_model) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    assert len(passes) == 1


def test_a_model_of_another_build_goes_its_own_way(tiny_model: Path, tmp_path: Path, passes: list[int]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(tiny_model))
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=16)], device="cpu")
    model.save(str(tmp_path / "static"), create_model_card=False)
    opened = open_model(str(tmp_path / "static"), "cpu")
    (rows,) = SharedStem(TEXTS, SIDES).encode_layers(opened, tmp_path / "static")
    assert np.array_equal(rows, opened.encode(TEXTS))
    assert not passes


def test_a_folder_that_names_no_modules_goes_its_own_way(tiny_model: Path, passes: list[int]) -> None:
    opened = open_model(str(tiny_model), "cpu")
    rows = SharedStem(TEXTS, SIDES).encode_layers(opened, Path("of/a/hub"))
    assert np.array_equal(rows[-1], opened.encode(TEXTS))
    assert not passes
