"""Batches in pieces and over processes: the gradient of one pass, whatever the pieces and whoever has them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from torch import nn

from tests.training.gradients_in_processes import gradients
from topores import load_run, train
from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_model
from topores.config import TrainConfig
from topores.objectives.four_pairings import build as build_objective
from topores.text.batches import Batch
from topores.training.agreement import build_encoder
from topores.training.views import Views

N = 12


@pytest.fixture
def encoder(tiny_model: Path) -> Encoder:
    return open_model(str(tiny_model), "cpu").train()


@pytest.fixture
def batch() -> Batch:
    texts_1 = tuple(f"trial {i} gave {'aspirin ' * (i % 5)}to {i * 37 % 101} patients." for i in range(N))
    texts_2 = tuple(f"review {i} of {'deaths ' * (i % 3)}in {i} weeks." for i in range(N))
    return Batch(texts_1, texts_2, np.eye(N), ~np.eye(2 * N, dtype=bool), np.arange(N), np.arange(N))


def losses_and_gradients(encoder: Encoder, batch: Batch, piece_size: int | None, loss: str = "infonce"):
    objective = build_objective(TrainConfig.from_mapping({"pairs": "p.csv", "loss": loss}))
    views = Views(encoder, Accelerator(cpu=True), piece_size, lambda piece: 100 + piece)
    losses = objective(views, batch)
    views.backward(losses.total)
    gradients = {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}
    encoder.zero_grad()
    return losses.total.item(), gradients


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["infonce", "decoupled", "gte", "supcon"])
@pytest.mark.parametrize("piece_size", [1, 7, 16, 47])
def test_pieces_give_the_gradient_of_the_whole_batch(
    encoder: Encoder, batch: Batch, piece_size: int, loss: str
) -> None:
    encoder.eval()  # dropout off: its masks follow the pieces
    whole, expected = losses_and_gradients(encoder, batch, None, loss)
    parts, gradients = losses_and_gradients(encoder, batch, piece_size, loss)
    assert parts == pytest.approx(whole, abs=1e-6)
    assert gradients.keys() == expected.keys()
    largest = max(g.abs().max().item() for g in expected.values())
    for name, gradient in gradients.items():
        assert (gradient - expected[name]).abs().max().item() < 1e-5 * largest, name


def test_a_piece_meets_the_same_dropout_both_times(encoder: Encoder, batch: Batch) -> None:
    """With dropout on, the gradient is that of the loss that was computed: a finite difference says so."""
    value, gradients = losses_and_gradients(encoder, batch, 7)
    name, parameter = next((n, p) for n, p in encoder.named_parameters() if n.endswith("layer.1.output.dense.weight"))
    way = gradients[name] / gradients[name].norm()
    moved = []
    for sign in (1, -1):
        with torch.no_grad():
            parameter += sign * 1e-3 * way
        moved.append(losses_and_gradients(encoder, batch, 7)[0])
        with torch.no_grad():
            parameter -= sign * 1e-3 * way
    slope = (moved[0] - moved[1]) / 2e-3
    assert slope == pytest.approx(gradients[name].norm().item(), rel=0.02)
    assert value == pytest.approx(sum(moved) / 2, rel=0.01)


@pytest.mark.parametrize("piece_size", [None, 3])
def test_each_call_of_a_step_draws_its_own_dropout(encoder: Encoder, piece_size: int | None) -> None:
    """An objective may embed the same texts twice to see two views: they must differ, and the gradient be theirs."""
    texts = [f"trial {i} of aspirin" for i in range(6)]
    views = Views(encoder, Accelerator(cpu=True), piece_size, lambda piece: 100 + piece)
    first, second = views(texts), views(texts)
    assert not torch.equal(first, second)
    views.backward((first * second).sum())
    found = {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}
    encoder.zero_grad()
    again = Views(encoder, Accelerator(cpu=True), piece_size, lambda piece: 100 + piece)
    assert torch.equal(again(texts), first)
    assert torch.equal(again(texts), second)
    way = {name: gradient / gradient.norm() for name, gradient in found.items() if gradient.norm() > 0}
    name = next(n for n in way if n.endswith("layer.1.output.dense.weight"))
    parameter, moved = dict(encoder.named_parameters())[name], []
    for sign in (1, -2):
        with torch.no_grad():
            parameter += sign * 1e-3 * way[name]
            views = Views(encoder, Accelerator(cpu=True), piece_size, lambda piece: 100 + piece)
            moved.append((views(texts) * views(texts)).sum().item())
    assert (moved[0] - moved[1]) / 2e-3 == pytest.approx(found[name].norm().item(), rel=0.02)


@pytest.mark.parametrize("piece_size", [1, 4])
def test_a_sum_over_texts_in_pieces_has_the_gradient_of_the_whole(
    tiny_model: Path, tmp_path: Path, piece_size: int
) -> None:
    """With parameters of the objective that are used within the pieces, outside of them, and both."""
    model = str(without_dropout(tiny_model, tmp_path / "model"))
    one, parts = (gradients(open_model(model, "cpu"), Accelerator(cpu=True), size) for size in (None, piece_size))
    assert_equal_gradients(parts, one)


@pytest.mark.slow
@pytest.mark.parametrize("piece_size", [0, 2])
def test_a_sum_over_texts_by_two_processes_has_the_gradient_of_one(
    tiny_model: Path, tmp_path: Path, piece_size: int
) -> None:
    model = str(without_dropout(tiny_model, tmp_path / "model"))
    one = gradients(open_model(model, "cpu"), Accelerator(cpu=True), None)
    script = Path(__file__).with_name("gradients_in_processes.py")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    command = [*launch, model, str(piece_size), str(tmp_path / "two.safetensors")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert_equal_gradients(load_file(tmp_path / "two.safetensors"), one)


def assert_equal_gradients(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name, gradient in theirs.items():
        scale = max(gradient.abs().max().item(), 1e-3)
        assert (ours[name] - gradient).abs().max().item() < 1e-4 * scale, name


@pytest.mark.parametrize("piece_size", [None, 3])
def test_rows_without_gradient_are_clean_and_leave_other_masks_as_they_are(
    encoder: Encoder, piece_size: int | None
) -> None:
    texts = [f"trial {i} of aspirin" for i in range(6)]
    expected = views_of(encoder, piece_size)(texts)
    views = views_of(encoder, piece_size)
    clean = views.without_gradient(texts)
    assert encoder.training
    assert np.abs(clean.numpy() - encoder.encode(texts)).max() < 1e-6
    assert torch.equal(views(texts), expected)
    drawn = views.without_gradient(texts, dropout=True)
    assert not drawn.requires_grad
    assert (drawn - clean).abs().max() > 1e-3


def test_clean_rows_of_a_head_on_cached_views(tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path) -> None:
    """Prepared texts have cached views for training; without dropout they have the cached clean embedding."""
    run = train(
        article=two_texts[0], meta_analysis=two_texts[1], model=str(tiny_model), passage_tokens=16, cycles=1,
        encoder="loreft", rank=4, device="cpu", output=tmp_path / "run",
    )  # fmt: skip
    encoder = build_encoder(run.options, Accelerator(cpu=True))
    encoder.prepare(run.corpus, run.options)
    texts = [passage.text for passage in run.corpus.t1]
    clean = views_of(encoder.train(), None).without_gradient(texts)
    assert np.abs(clean.numpy() - encoder.encode(texts)).max() < 1e-6


def views_of(encoder: Encoder, piece_size: int | None) -> Views:
    return Views(encoder, Accelerator(cpu=True), piece_size, lambda piece: 100 + piece)


def test_no_more_than_a_piece_is_embedded_at_once(encoder: Encoder, batch: Batch) -> None:
    seen: list[int] = []
    forward = encoder.forward
    encoder.forward = lambda texts, sides=None: (seen.append(len(texts)), forward(texts, sides))[1]
    losses_and_gradients(encoder, batch, 10)
    assert max(seen) == 10
    assert sum(seen) == 2 * 4 * N  # once without a graph, once with


def test_one_piece_is_embedded_once(encoder: Encoder, batch: Batch) -> None:
    seen: list[int] = []
    forward = encoder.forward
    encoder.forward = lambda texts, sides=None: (seen.append(len(texts)), forward(texts, sides))[1]
    losses_and_gradients(encoder, batch, 4 * N)
    assert seen == [4 * N]


@pytest.mark.slow
def test_memory_holds_one_piece_and_not_the_batch(encoder: Encoder, batch: Batch) -> None:
    """Elements kept for the way back, at their most."""
    kept = {size: most_kept(encoder, batch, size) for size in (None, 4)}
    assert kept[4] < kept[None] / 4


def most_kept(encoder: Encoder, batch: Batch, piece_size: int | None) -> int:
    alive = most = 0

    class Saved:
        def __init__(self, tensor: torch.Tensor) -> None:
            nonlocal alive, most
            self.tensor = tensor
            alive += tensor.numel()
            most = max(most, alive)

        def __del__(self) -> None:
            nonlocal alive
            alive -= self.tensor.numel()

    with torch.autograd.graph.saved_tensors_hooks(Saved, lambda saved: saved.tensor):
        losses_and_gradients(encoder, batch, piece_size)
    return most


@pytest.mark.slow
def test_two_processes_train_as_one(tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path) -> None:
    """20 steps by two gloo processes, each in pieces: losses, metrics and weights of one process, to 1e-6."""
    model = str(without_dropout(tiny_model, tmp_path / "model"))
    options = {
        "model": model, "cycles": 5, "batch_size": 8, "learning_rate": 3e-5, "passage_tokens": 16, "device": "cpu",
        "temperature": 0.2,  # at .05 the logits lose two digits more
        "precision": "fp32",  # and bf16, the choice of processors that have it, all but three
    }  # fmt: skip
    one = train(**options, article=two_texts[0], meta_analysis=two_texts[1], output=tmp_path / "one")
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    command = ["topores", "train", *two_texts, *flags, "--micro-batch-size", "10", "-o", tmp_path / "two", "--json"]
    done = subprocess.run([*launch, *map(str, command)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["cycles"] == 5  # the first process alone speaks
    two = load_run(tmp_path / "two")
    assert two.facts["processes"] == 2
    assert newest_step(one.folder) == newest_step(two.folder) == 20
    for ours, theirs in zip(one.metrics, two.metrics, strict=True):
        numbers = {name: value for name, value in ours.items() if name != "seconds"}
        assert {name: theirs[name] for name in numbers} == pytest.approx(numbers, abs=1e-6, rel=1e-6), ours["cycle"]
    assert two.metrics[-1]["loss"] < two.metrics[0]["loss"] - 0.02
    ours, theirs = (load_file(next(run.checkpoints[5].rglob("model.safetensors"))) for run in (one, two))
    # The gradient of a key's bias is nothing but rounding, since softmax ignores a shift of all keys.
    apart = {name: (ours[name] - theirs[name]).abs().max().item() for name in ours if not name.endswith("key.bias")}
    assert max(apart.values()) < 1e-5, apart


def without_dropout(model: Path, folder: Path) -> Path:
    """The same model with no dropout in it: its masks follow the processes."""
    still = SentenceTransformer(str(model), device="cpu")
    config = still[0].auto_model.config
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    still.save(str(folder), create_model_card=False)
    assert not any(m.p for m in open_model(str(folder), "cpu").modules() if isinstance(m, nn.Dropout))
    return folder


def newest_step(run: Path) -> int:
    return max(int(state.name.removeprefix("step-")) for state in (run / "state").glob("step-*"))
