"""The encoder feedback: what it trains, how it is held steady, what it logs, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import WORDS
from tests.model_kinds import made
from topores import train
from topores.backbones.loading import open_model
from topores.config import TrainConfig
from topores.encoders.feedback import LAYERS_RATE, STEADY, FeedbackEncoder, build
from topores.errors import InputError, UsageError
from topores.runs import Run
from topores.training.assemble import optimizer_of

OWN = {"feedback_contraction", "feedback_radius", "held_out_mrr_at_1_pass", "held_out_mrr_at_twice_the_passes"}


def config_of(model: Path, **options: object) -> TrainConfig:
    given = {"pairs": "p.csv", "encoder": "feedback", "model": str(model), "layers": "last", "device": "cpu"}
    return TrainConfig.from_mapping({**given, **options})


@pytest.fixture(scope="module")
def run(tiny_model: Path, two_texts: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Run:
    article, meta_analysis = two_texts
    config = config_of(tiny_model).to_mapping() | {"pairs": None, "article": article, "meta_analysis": meta_analysis}
    folder = tmp_path_factory.mktemp("feedback") / "run"
    return train(**config | {"passage_tokens": 16, "cycles": 2, "output": folder, "learning_rate": 0.02})


def prepared(run: Run, model: Path, **options: object) -> FeedbackEncoder:
    config = config_of(model, **options)
    encoder = build(config, "cpu")
    encoder.prepare(run.corpus, config)
    return encoder


def fed_back_strongly(encoder: FeedbackEncoder, times: float = 30.0) -> FeedbackEncoder:
    with torch.no_grad():
        draw = torch.Generator().manual_seed(0)
        for parameter in encoder.transformer.fed_back.parameters():
            parameter += times * torch.randn(parameter.shape, generator=draw)
    return encoder


def test_a_run_logs_how_passes_settle_and_what_other_numbers_of_them_find(run: Run) -> None:
    first, *_, last = run.metrics
    assert first.keys() >= OWN
    assert first["feedback_radius"] == first["feedback_contraction"] == 0
    assert first["held_out_mrr_at_1_pass"] == first["held_out_mrr_at_twice_the_passes"]
    assert 0 < last["feedback_radius"] <= STEADY
    assert last["feedback_contraction"] > 0
    assert last["held_out_mrr_at_1_pass"] == first["held_out_mrr_at_1_pass"]  # the layers themselves were not trained
    assert last["loss"] != first["loss"]


@pytest.mark.parametrize(("kind", "layers", "times"), [("loop", "last", 3.0), ("memory", "all", 1.0)])
def test_a_pass_is_held_steady(kind: str, layers: str, times: float, run: Run, tiny_model: Path) -> None:
    encoder = fed_back_strongly(prepared(run, tiny_model, feedback=kind, layers=layers), times)
    before = encoder.facts(run.corpus)["feedback_radius"]
    assert before is not None
    assert before > STEADY
    encoder.train()
    encoder.after_cycle()
    assert encoder.training
    now = encoder.facts(run.corpus)["feedback_radius"]
    assert now is not None
    assert 0.3 < now <= STEADY


def test_feedback_that_stays_unsteady_is_taken_away(
    run: Run, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = fed_back_strongly(prepared(run, tiny_model), times=0.1)
    monkeypatch.setattr("topores.encoders.feedback._radius", lambda *_: 2.0)
    encoder.after_cycle()
    assert not encoder.transformer.fed_back.matrix.up.weight.any()


def test_a_pass_that_is_steady_is_left_alone(run: Run, tiny_model: Path) -> None:
    encoder = fed_back_strongly(prepared(run, tiny_model), times=0.05)
    before = {name: weight.clone() for name, weight in encoder.state_dict().items()}
    encoder.after_cycle()
    assert all(torch.equal(weight, before[name]) for name, weight in encoder.state_dict().items())


def test_facts_change_neither_weights_nor_mode_nor_generator(run: Run, tiny_model: Path) -> None:
    encoder = fed_back_strongly(prepared(run, tiny_model), times=0.1).train()
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    found = encoder.facts(run.corpus)
    assert torch.equal(torch.rand(1), expected)
    assert encoder.training
    assert encoder.transformer.passes == 2
    assert encoder.facts(run.corpus) == found


@pytest.mark.parametrize("kind", ["none", "bias"])
def test_controls_have_no_passes_to_settle(kind: str, run: Run, tiny_model: Path) -> None:
    encoder = fed_back_strongly(prepared(run, tiny_model, feedback=kind))
    before = {name: weight.clone() for name, weight in encoder.state_dict().items()}
    encoder.after_cycle()
    assert encoder.facts(run.corpus) == {}
    assert all(torch.equal(weight, before[name]) for name, weight in encoder.state_dict().items())


def test_the_same_weights_can_be_read_at_another_number_of_passes(run: Run, tiny_model: Path) -> None:
    encoder = fed_back_strongly(prepared(run, tiny_model), times=0.2)
    texts = [p.text for p in run.corpus.t1]
    once, twice = encoder.encode(texts), encoder.encode(texts)
    assert np.array_equal(once, twice)
    with encoder.read_at(5):
        assert np.abs(encoder.encode(texts) - once).max() > 1e-4
    assert np.array_equal(encoder.encode(texts), once)


def test_only_what_is_fed_back_is_trained_unless_the_layers_are_asked_for(tiny_model: Path) -> None:
    named = [name for name, p in build(config_of(tiny_model), "cpu").named_parameters() if p.requires_grad]
    assert named
    assert all(".fed_back." in name for name in named)
    encoder = build(config_of(tiny_model, train_layers=True), "cpu")
    names = [name for name, p in encoder.named_parameters() if p.requires_grad]
    assert any(".layer.1." in name for name in names)
    assert not any(".layer.0." in name or ".embeddings." in name for name in names)
    assert "below" in encoder.cannot_change


def test_layers_learn_more_slowly_than_what_is_fed_back(tiny_model: Path) -> None:
    from topores.objectives.four_pairings import build as objective_of

    config = config_of(tiny_model, train_layers=True, learning_rate=0.5, batch_size=4)
    groups = optimizer_of(build(config, "cpu"), objective_of(config), config).param_groups
    assert [group["lr"] for group in groups[:2]] == [0.5, LAYERS_RATE * 0.5]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"passes": 1}, "--passes is 1; give a number from 2 to 64"),
        ({"layers": "1,2"}, "--layers is '1,2', but passes go through the upper layers"),
        ({"feedback": "none", "passes": 3}, "--passes is 3, but --feedback none makes one pass"),
        ({"feedback": "bias", "rank": 8}, "--rank is 8, but --feedback bias has no such matrix"),
        ({"feedback": "memory", "rank": 8}, "--rank is 8, but --feedback memory has no such matrix"),
        ({"feedback": "lop"}, "--feedback is 'lop'. Did you mean 'loop'"),
        ({"rank": 0}, "--rank is 0; give 1 or more"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(given: dict[str, object], said: str, tiny_model: Path) -> None:
    with pytest.raises(UsageError) as fault:
        config_of(tiny_model, **given)
    assert str(fault.value).startswith(said)
    assert "\n" not in str(fault.value)


def test_layers_that_are_not_there_are_refused(tiny_model: Path) -> None:
    with pytest.raises(UsageError, match="--layers is 'last:3', but the model has layers 1 to 2"):
        build(config_of(tiny_model, layers="last:3"), "cpu")


REFUSED = {("static", "loop"), *((model, "memory") for model in ("static", "gpt2", "modernbert", "deberta"))}
"""Without layers; with keys and values of one matrix; with keys of positions by the same matrix (DeBERTa)."""


@pytest.mark.parametrize("feedback", ["loop", "memory"])
@pytest.mark.parametrize(
    "model", ["roberta", "distilbert", "mpnet", "deberta", "modernbert", "t5", "gpt2", "llama", "qwen3", "static"]
)
def test_other_models_begin_as_they_are_or_are_refused_in_one_line(model: str, feedback: str, tmp_path: Path) -> None:
    folder = made(model, tmp_path)
    config = config_of(folder, layers="all", feedback=feedback)
    if (model, feedback) in REFUSED:
        with pytest.raises(InputError, match=r"give (one|another model)") as fault:
            build(config, "cpu")
        assert "\n" not in str(fault.value)
        return
    encoder = build(config, "cpu")
    texts = [" ".join(WORDS[:5]), " ".join(WORDS[3:20])]
    assert np.abs(encoder.encode(texts) - open_model(str(folder), "cpu").encode(texts)).max() < 1e-5
    fed_back_strongly(encoder, times=0.5)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert np.abs(encoder.encode(texts) - alone).max() < 1e-5
