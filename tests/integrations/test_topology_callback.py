"""The callback logs correct numbers at the right steps, and does not affect training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import TrainerCallback

from topores.integrations.fixed_texts import FixedTexts, preserve_state
from topores.integrations.sentence_transformers import FourPairingsLoss, TopologyCallback, TopologyEvaluator
from topores.topology import (
    alignment,
    modality_gap,
    persistent_homology,
    rank_me,
    total_persistence,
    uniformity,
)

Sentences = tuple[list[str], list[str]]


def measured(trainer: Any) -> list[dict[str, Any]]:
    return [line for line in trainer.state.log_history if "topology_uniformity" in line]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("every", "steps"), [(2, [0, 2, 4, 5]), (100, [0, 5]), ("epoch", [0, 3, 5]), ("evaluation", [0, 4, 5])]
)
def test_it_logs_before_after_and_in_between(
    train: Callable[..., Any], sentences: Sentences, every: int | str, steps: list[int]
) -> None:
    trainer = train(
        callbacks=[TopologyCallback(*sentences, every=every, max_degree=0)],
        evaluator=TopologyEvaluator(*sentences, max_degree=0),
        max_steps=5,  # an epoch has 3
        eval_strategy="steps",
        eval_steps=4,
    )
    assert [line["step"] for line in measured(trainer)] == steps
    assert measured(trainer)[1]["epoch"] == pytest.approx(steps[1] / 3)


def test_its_numbers_are_those_of_the_trained_model(train: Callable[..., Any], sentences: Sentences) -> None:
    trainer = train(callbacks=[TopologyCallback(sentences[0], sentences[1][:5], pairs=[(0, 0), (2, 1)])])
    one = trainer.model.encode(sentences[0], normalize_embeddings=True)
    two = trainer.model.encode(sentences[1][:5], normalize_embeddings=True)
    union = [*one, *two]
    clusters, loops = persistent_homology(union, metric="angle", max_degree=1)
    expected = {
        "topology_alignment": alignment(one[[0, 2]], two[[0, 1]]),
        "topology_uniformity": uniformity(union),
        "topology_rank_me": rank_me(union),
        "topology_modality_gap": modality_gap(one, two),
        "topology_h0_persistence": total_persistence(clusters),
        "topology_h1_persistence": total_persistence(loops),
    }
    last = measured(trainer)[-1]
    assert {name: last[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    assert set(last) == {*expected, "epoch", "step"}
    assert measured(trainer)[0]["topology_uniformity"] != pytest.approx(last["topology_uniformity"], rel=1e-3)


@pytest.mark.slow
def test_training_is_the_same_with_and_without_it(
    train: Callable[..., Any], sentences: Sentences, tiny_model: Path
) -> None:
    watched, alone = (SentenceTransformer(str(tiny_model), device="cpu") for _ in range(2))
    for model in (watched, alone):
        model[0].model.encoder.layer[0].eval()
    train(with_model=watched, callbacks=[TopologyCallback(*sentences, every=1)])
    train(with_model=alone)
    for name, weights in watched.state_dict().items():
        assert torch.equal(weights, alone.state_dict()[name]), name


def test_neither_modes_nor_random_numbers_are_disturbed(model: SentenceTransformer) -> None:
    model.train()
    model[0].eval()
    modes = [module.training for module in model.modules()]
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with preserve_state(model):
        FixedTexts(["bafid"], ["kegol"]).rows(model, 8)
        torch.rand(5)
        model.eval()
    assert torch.equal(torch.rand(3), expected)
    assert [module.training for module in model.modules()] == modes
    assert len(set(modes)) == 2


class Heard(TrainerCallback):
    """Replaces a tracker."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, set[str]]] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
        self.lines.append((state.global_step, set(logs)))


def test_given_the_trainer_its_trackers_hear_it_and_the_loss_is_still_logged(
    train: Callable[..., Any], sentences: Sentences
) -> None:
    heard = Heard()

    def prepare(trainer: Any) -> None:
        trainer.add_callback(TopologyCallback(*sentences, every=2, max_degree=0, trainer=trainer))

    trainer = train(callbacks=[heard], prepare=prepare)
    assert [step for step, names in heard.lines if "topology_rank_me" in names] == [0, 2, 4]
    assert [step for step, names in heard.lines if "loss" in names] == [1, 2, 3, 4]
    assert [line["step"] for line in measured(trainer)] == [0, 2, 4]


def test_a_resumed_training_repeats_no_step(train: Callable[..., Any], sentences: Sentences, tmp_path: Path) -> None:
    first = train(callbacks=[TopologyCallback(*sentences, every=2)], save_strategy="steps", save_steps=2)
    again = train(callbacks=[TopologyCallback(*sentences, every=2)], resume=str(tmp_path / "run" / "checkpoint-2"))
    assert [line["step"] for line in measured(again)] == [0, 2, 4]
    assert measured(again)[:2] == measured(first)[:2]


def test_a_model_that_broke_down_is_logged_as_nan(train: Callable[..., Any], sentences: Sentences) -> None:
    def prepare(trainer: Any) -> None:
        with torch.no_grad():
            trainer.model[0].model.embeddings.word_embeddings.weight.fill_(torch.nan)

    trainer = train(callbacks=[TopologyCallback(*sentences)], prepare=prepare, max_steps=1)
    last = measured(trainer)[-1]
    assert all(value != value for name, value in last.items() if name.startswith("topology_"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"every": 0}, "every is 0; give a number of steps"),
        ({"every": "epochs"}, "every is 'epochs'; give a number of steps, 1 or more, or 'evaluation' or 'epoch'"),
        ({"max_degree": -1}, "max_degree is -1; give 0"),
        ({"texts_1": "one text"}, "texts_1 is 'one text'; give a list"),
        ({"texts_2": []}, r"texts_2 is \[\]; give a list of at least one text"),
        ({"texts_2": ["a"]}, "texts_1 has 2 texts and texts_2 has 1; pass pairs"),
        ({"pairs": [(0, 2)]}, r"pairs has \(0, 2\); indices go up to 1 and 1"),
        ({"pairs": [(-1, 0)]}, r"pairs has \(-1, 0\)"),
        ({"pairs": []}, "pairs must be a non-empty list of"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TopologyCallback(**{"texts_1": ["a", "b"], "texts_2": ["c", "d"]} | change)


@pytest.mark.slow
def test_it_works_with_the_loss_it_is_made_for_and_any_other(train: Callable[..., Any], sentences: Sentences) -> None:
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    for loss in (MultipleNegativesRankingLoss, FourPairingsLoss):
        trainer = train(loss=loss, callbacks=[TopologyCallback(*sentences)], max_steps=1)
        assert len(measured(trainer)) == 2
