"""The tight step in training: what the graph gives, without the graph."""

from pathlib import Path

import numpy as np
import pytest

from topores import train
from topores.training import assemble


def options(tiny_model: Path, two_texts: tuple[Path, Path], **more: object) -> dict:
    article, meta_analysis = two_texts
    plain = {"model": str(tiny_model), "passage_tokens": 16, "cycles": 6, "folds": 1, "device": "cpu"}
    rank = {"rank": 4} if more["encoder"] == "loreft" else {}
    return {"article": article, "meta_analysis": meta_analysis, **plain, **rank, **more}


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["linear", "loreft"])
@pytest.mark.parametrize("more", [{}, {"loss": "gte", "learn_temperature": True}], ids=["default", "learned"])
def test_it_trains_as_the_graph_does(
    encoder: str, more: dict, tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path, monkeypatch
) -> None:
    asked = options(tiny_model, two_texts, encoder=encoder, **more)
    made = []
    tight_step = assemble.tight_step
    monkeypatch.setattr(assemble, "tight_step", lambda *a, **k: made.append(tight_step(*a, **k)) or made[-1])
    tight = train(**asked, output=tmp_path / "tight")
    assert made[0] is not None
    monkeypatch.setattr(assemble, "tight_step", lambda *_, **__: None)
    graph = train(**asked, output=tmp_path / "graph")
    for ours, theirs in zip(tight.metrics, graph.metrics, strict=True):
        for name in ("loss", "loss_1to1", "loss_2to1", "one_minus_p", "temperature", "uniformity"):
            assert ours[name] == pytest.approx(theirs[name], rel=2e-4), name
    assert tight.metrics[-1]["loss"] < tight.metrics[0]["loss"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "more", [{"batch_size": 8}, {"micro_batch_size": 4}, {"encoder": "rotation"}, {"encoder": "full"}]
)
def test_where_a_step_has_more_to_it_the_graph_is_used(
    more: dict, tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path, monkeypatch
) -> None:
    made = []
    tight_step = assemble.tight_step
    monkeypatch.setattr(assemble, "tight_step", lambda *a, **k: made.append(tight_step(*a, **k)))
    asked = options(tiny_model, two_texts, **{"encoder": "linear", **more, "cycles": 1})
    assert np.isfinite(train(**asked, output=tmp_path / "run").metrics[-1]["loss"])
    assert made == [None]
