"""A head on a model that embeds the two texts differently, by a router or by prompts."""

from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from tests.conftest import WORDS
from topores.backbones.loading import open_model
from topores.config import TrainConfig
from topores.encoders import linear
from topores.modules.rotation import Rotation

TEXTS = [" ".join(WORDS[i : i + 4]) for i in range(0, 20, 5)]


def turned(tiny_model: Path, folder: Path) -> str:
    """The tiny model with a rotation of T1, as a run of --encoder rotation leaves it."""
    rotation = Rotation(32)
    rotation.matrix = torch.linalg.qr(torch.randn(32, 32, generator=torch.Generator().manual_seed(0)))[0]
    modules = list(open_model(str(tiny_model), "cpu").model)
    model = SentenceTransformer(modules=[*modules[:2], rotation.stock(), modules[2]], device="cpu")
    model.save(str(folder), create_model_card=False)
    return str(folder)


def test_a_head_on_a_rotated_text_sees_each_side_as_it_is(tiny_model: Path, tmp_path: Path) -> None:
    base = turned(tiny_model, tmp_path / "base")
    config = TrainConfig(article=Path("a"), meta_analysis=Path("b"), model=base, encoder="linear", device="cpu")
    head, plain = linear.build(config, "cpu"), open_model(base, "cpu")
    rows = {side: head.encode(TEXTS, [side] * len(TEXTS)) for side in ("t1", "t2")}
    assert np.abs(rows["t1"] - rows["t2"]).max() > 0.1
    for side, own in rows.items():
        assert np.abs(own - plain.encode(TEXTS, [side] * len(TEXTS))).max() < 1e-6
