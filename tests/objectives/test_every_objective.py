"""What every file in objectives/ promises."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from topores import load_run, train, variants
from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_model
from topores.config import TrainConfig
from topores.config.by_variant import OBJECTIVE, usual_objective
from topores.domain import Corpus
from topores.objectives._objective import Losses, Objective
from topores.runs import Run
from topores.text.batches import Batches
from topores.text.corpus import corpus_from_texts
from topores.text.files import read_text
from topores.training.views import Views

NAMES = variants.names("topores.objectives")
every_objective = pytest.mark.parametrize("name", NAMES)


def learner_of(name: str) -> str:
    """An encoder that has what the objective asks: the one whose own objective it is, or full fine-tuning."""
    encoders = variants.names("topores.encoders")
    return next((one for one in encoders if name != OBJECTIVE and usual_objective(one) == name), "full")


@pytest.fixture
def encoder(name: str, tiny_model: Path) -> Encoder:
    options = {"pairs": "p.csv", "objective": name, "encoder": learner_of(name), "model": str(tiny_model)}
    config = TrainConfig.from_mapping(options)
    return variants.load("topores.encoders", config.encoder).build(config, "cpu").train()


@pytest.fixture
def corpus(tiny_model: Path, two_texts: tuple[Path, Path]) -> Corpus:
    texts, reader = [read_text(path) for path in two_texts], open_model(str(tiny_model), "cpu")
    return corpus_from_texts(*texts, reader.tokenizer, reader.encode, max_tokens=16, held_out=0.2, embargo=1, seed=0)


def build(name: str, encoder: Encoder, corpus: Corpus) -> Objective:
    config = TrainConfig.from_mapping({"pairs": "p.csv", "objective": name, "encoder": learner_of(name)})
    objective = variants.load("topores.objectives", name).build(config)
    objective.prepare(encoder, corpus)
    return objective


def views_of(encoder: Encoder, objective: Objective, piece_size: int | None = None) -> Views:
    trained = [*encoder.parameters(), *objective.parameters()]
    return Views(encoder, Accelerator(cpu=True), piece_size, lambda piece: 100 + piece, trained)


def states(*modules: torch.nn.Module) -> list[dict[str, torch.Tensor]]:
    return [{name: value.clone() for name, value in module.state_dict().items()} for module in modules]


def equal(one: list[dict[str, torch.Tensor]], other: list[dict[str, torch.Tensor]]) -> bool:
    return all(
        a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a) for a, b in zip(one, other, strict=True)
    )


@every_objective
def test_it_logs_what_it_promised_without_gradient(name: str, encoder: Encoder, corpus: Corpus) -> None:
    objective = build(name, encoder, corpus)
    for step in range(2):
        losses = objective(views_of(encoder, objective), Batches(corpus, 8, 0).for_step(step))
        assert isinstance(losses, Losses)
        assert losses.total.ndim == 0
        assert torch.isfinite(losses.total)
        assert losses.total.requires_grad
        assert set(losses.logged) == set(objective.metrics)
        assert "loss" not in losses.logged
        for value in losses.logged.values():
            assert np.isfinite(float(value))
            assert not (isinstance(value, torch.Tensor) and value.requires_grad)


@every_objective
@pytest.mark.parametrize("piece_size", [None, 5])
def test_a_forward_pass_changes_no_state(name: str, piece_size: int | None, encoder: Encoder, corpus: Corpus) -> None:
    objective = build(name, encoder, corpus)
    before, batch = states(encoder, objective), Batches(corpus, 8, 0).for_step(0)
    first = objective(views_of(encoder, objective, piece_size), batch)
    assert equal(before, states(encoder, objective))
    assert encoder.training
    again = objective(views_of(encoder, objective, piece_size), batch)
    assert torch.equal(first.total, again.total)


@every_objective
@pytest.mark.parametrize("piece_size", [None, 5])
def test_gradients_reach_what_is_trained_and_nothing_else(
    name: str, piece_size: int | None, encoder: Encoder, corpus: Corpus
) -> None:
    objective = build(name, encoder, corpus)
    frozen = next(p for n, p in encoder.named_parameters() if "layer.0" in n or ".h.0." in n)
    frozen.requires_grad = False
    views = views_of(encoder, objective, piece_size)
    views.backward(objective(views, Batches(corpus, 8, 0).for_step(0)).total)
    assert frozen.grad is None
    for module in (encoder, objective):
        for weight, parameter in module.named_parameters():
            if ".pooler." in weight or parameter is frozen:
                continue  # BERT's pooler is not on the way to the embedding
            assert parameter.grad is not None, weight
            if not weight.endswith("key.bias"):  # softmax ignores a shift of all keys
                assert parameter.grad.abs().max() > 0, weight


@every_objective
def test_it_says_which_encoders_it_cannot_train(name: str, encoder: Encoder) -> None:
    objective = variants.load("topores.objectives", name).build(
        TrainConfig.from_mapping({"pairs": "p.csv", "objective": name, "encoder": learner_of(name)})
    )
    assert objective.why_not(encoder) is None
    reason = objective.why_not(Encoder(encoder.model))
    assert (reason is None) == (learner_of(name) == "full")
    assert reason is None or f"--encoder {learner_of(name)}" in reason


@every_objective
def test_its_parameter_groups_hold_its_parameters_once(name: str, encoder: Encoder, corpus: Corpus) -> None:
    objective = build(name, encoder, corpus)
    grouped = [id(p) for group in objective.parameter_groups(1e-3) for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in objective.parameters())


@every_objective
def test_a_state_restores_it(name: str, encoder: Encoder, corpus: Corpus) -> None:
    """Buffers are there after `prepare`, so that a resumed run can read them."""
    objective, fresh = build(name, encoder, corpus), build(name, encoder, corpus)
    views = views_of(encoder, objective)
    views.backward(objective(views, Batches(corpus, 8, 0).for_step(0)).total)
    with torch.no_grad():
        for parameter in [*encoder.parameters(), *objective.parameters()]:
            if parameter.grad is not None:
                parameter -= 0.01 * parameter.grad
    objective.after_step(views)
    fresh.load_state_dict(objective.state_dict())
    batch = Batches(corpus, 8, 0).for_step(1)
    totals = [made(views_of(encoder, made), batch).total for made in (objective, fresh)]
    assert torch.equal(totals[0], totals[1])


def weights_of(run: Run, cycle: int) -> Iterator[bytes]:
    return (file.read_bytes() for file in sorted(run.checkpoints[cycle].rglob("*.safetensors")))


def numbers_of(run: Run) -> list[dict]:
    return [line | {"seconds": 0} for line in run.metrics]


@pytest.mark.slow
@every_objective
@pytest.mark.parametrize("more", [{}, {"micro_batch_size": 5}], ids=["whole", "micro-batches"])
def test_a_resumed_run_ends_in_the_same_bits(
    name: str, more: dict, tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path
) -> None:
    options = {
        "article": two_texts[0], "meta_analysis": two_texts[1], "model": str(tiny_model), "passage_tokens": 16,
        "batch_size": 16, "device": "cpu", "objective": name, "encoder": learner_of(name), **more,
    }  # fmt: skip
    whole = train(**options, cycles=3, output=tmp_path / "whole")
    train(**options, cycles=1, output=tmp_path / "parts")
    parts = train(resume=True, cycles=3, output=tmp_path / "parts")
    assert list(weights_of(whole, 3)) == list(weights_of(parts, 3))
    assert list(weights_of(whole, 3)) != list(weights_of(whole, 0))
    assert numbers_of(whole) == [line for line in numbers_of(parts) if line["cycle"] in (0, 1, 2, 3)]


@pytest.mark.slow
@every_objective
def test_two_processes_resume_to_the_same_bits(
    name: str, tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path
) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "topores"]
    options = [*map(str, two_texts), "--model", str(tiny_model), "--passage-tokens", "16", "--batch-size", "16"]
    options += ["--device", "cpu", "--objective", name, "--encoder", learner_of(name), "--micro-batch-size", "7"]
    for calls in (["whole --cycles 2"], ["parts --cycles 1", "parts --cycles 2 --resume"]):
        for call in calls:
            folder, *rest = call.split()
            command = [*launch, "train", *([] if "--resume" in rest else options), "-o", str(tmp_path / folder), *rest]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, done.stderr[-3000:]
    whole, parts = load_run(tmp_path / "whole"), load_run(tmp_path / "parts")
    assert list(weights_of(whole, 2)) == list(weights_of(parts, 2))
    assert numbers_of(whole) == numbers_of(parts)
