"""Retrieval compared with the analyser's, geometry, and use by the Trainer."""

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from topores.integrations.sentence_transformers import TopologyEvaluator
from topores.topology import rank_me

Sentences = tuple[list[str], list[str]]
RETRIEVAL = ["mean_mrr", "mrr_1to2", "recall_at_1_1to2", "mrr_2to1", "recall_at_1_2to1"]
GEOMETRY = ["alignment", "uniformity", "rank_me", "modality_gap", "h0_persistence", "h1_persistence"]


def test_equal_texts_find_each_other(model: SentenceTransformer, sentences: Sentences) -> None:
    evaluator = TopologyEvaluator(sentences[0], sentences[0], name="same")
    metrics = evaluator(model)
    assert evaluator.primary_metric == "same_mean_mrr"
    assert list(metrics) == [f"same_{name}" for name in RETRIEVAL + GEOMETRY]
    assert [metrics[f"same_{name}"] for name in RETRIEVAL] == [1.0] * 5
    assert metrics["same_alignment"] == pytest.approx(0, abs=1e-9)
    assert metrics["same_modality_gap"] == pytest.approx(0, abs=1e-9)
    union = model.encode(sentences[0] * 2)
    union /= np.linalg.norm(union, axis=1, keepdims=True)
    assert metrics["same_rank_me"] == pytest.approx(rank_me(union), rel=1e-5)


def test_each_direction_is_its_own(model: SentenceTransformer) -> None:
    texts_1 = ["bafid kegol", "bafid kegol", "misut"]
    metrics = TopologyEvaluator(texts_1, ["bafid kegol", "misut"], pairs=[(0, 0), (2, 1)])(model)
    # T1's first and last texts find their partners; of T2, one meets two equal answers: rank 1 or 2.
    assert metrics["mrr_1to2"] == 1
    assert metrics["mrr_2to1"] == pytest.approx((0.75 + 1) / 2)
    assert metrics["recall_at_1_2to1"] == 0.5
    assert metrics["mean_mrr"] == pytest.approx((1 + (0.75 + 1) / 2) / 2)


def test_a_collapsed_space_scores_as_chance_and_a_broken_one_nothing(
    model: SentenceTransformer, sentences: Sentences
) -> None:
    embeddings = model[0].model.embeddings.word_embeddings.weight
    collapsed = TopologyEvaluator(["bafid"] * 5, ["kegol"] * 5)(model)
    assert collapsed["mean_mrr"] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 5)
    with torch.no_grad():
        embeddings.fill_(torch.nan)
    broken = TopologyEvaluator(*sentences)(model)
    assert [broken[name] for name in RETRIEVAL] == [0.0] * 5
    assert all(math.isnan(broken[name]) for name in GEOMETRY)


def test_rows_of_a_csv_file_one_for_each_call(model: SentenceTransformer, sentences: Sentences, tmp_path: Path) -> None:
    evaluator = TopologyEvaluator(*sentences, name="held-out")
    metrics = evaluator(model, str(tmp_path / "eval"), epoch=0.5, steps=3)
    evaluator(model, str(tmp_path / "eval"), epoch=1.0, steps=6)
    with (tmp_path / "eval" / "topology_evaluation_held-out_results.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert list(first) == ["epoch", "steps", *RETRIEVAL, *GEOMETRY]
    assert (first["epoch"], first["steps"], second["steps"]) == ("0.5", "3", "6")
    assert float(first["h1_persistence"]) == pytest.approx(metrics["held-out_h1_persistence"])
    TopologyEvaluator(*sentences, write_csv=False)(model, str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_the_trainer_logs_it_chooses_by_it_and_writes_it_in_the_card(
    train: Callable[..., Any], sentences: Sentences, tmp_path: Path
) -> None:
    trainer = train(
        evaluator=TopologyEvaluator(*sentences, name="held_out"),
        eval_strategy="steps", eval_steps=2, save_strategy="steps", save_steps=2,
        load_best_model_at_end=True, metric_for_best_model="eval_held_out_mean_mrr", learning_rate=1e-2,
    )  # fmt: skip
    logged = {line["step"]: line for line in trainer.state.log_history if "eval_held_out_mean_mrr" in line}
    assert list(logged) == [2, 4]
    assert trainer.state.best_metric == max(line["eval_held_out_mean_mrr"] for line in logged.values())
    best = trainer.evaluator(trainer.model)["held_out_mean_mrr"]
    assert best == pytest.approx(trainer.state.best_metric, abs=1e-6)
    trainer.save_model(str(tmp_path / "saved"))
    card = (tmp_path / "saved" / "README.md").read_text(encoding="utf-8")
    assert "TopologyEvaluator" in card
    assert "**mean_mrr**" in card
    assert "h1_persistence" in card


def test_a_degree_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="max_degree is -1; give 0"):
        TopologyEvaluator(["a"], ["b"], max_degree=-1)
