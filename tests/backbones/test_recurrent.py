"""Encoders gla and rwkv: how their recurrence is fitted, trained and refused."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.model_kinds import made
from topores import train, variants
from topores.backbones import recurrent
from topores.backbones.loading import open_model
from topores.backbones.recurrent import FASTER, RecurrentEncoder, passages_in
from topores.backbones.transfer import (
    BATCH,
    MOST_BATCHES,
    batches_of_similar_length,
    cosine_to_softmax,
    fit_to_softmax,
    recurrent_parameters,
)
from topores.config import TrainConfig
from topores.errors import InputError, UsageError
from topores.runs import Run
from topores.training.assemble import optimizer_of

TEXTS = ["bafid kegol", "a", "lotes mifin nugor rased", "a b c", " ".join(["bafid kegol lotes"] * 4)]
SIDES = ["t1", "t2", "t1", "t2", "t1"]
both = pytest.mark.parametrize("name", ["gla", "rwkv"])


def config_of(model: Path, name: str, **options: object) -> TrainConfig:
    return TrainConfig.from_mapping({"pairs": "p.csv", "encoder": name, "model": str(model), **options})


def built(model: Path, name: str, **options: object) -> RecurrentEncoder:
    return variants.load("topores.encoders", name).build(config_of(model, name, **options), "cpu")


@pytest.fixture
def run_options(tiny_model: Path, two_texts: tuple[Path, Path]) -> dict[str, object]:
    return {
        "article": two_texts[0], "meta_analysis": two_texts[1], "model": str(tiny_model), "passage_tokens": 16,
        "batch_size": 16, "device": "cpu", "cycles": 1, "transfer_steps": 3,
    }  # fmt: skip


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOPORES_CACHE", str(tmp_path / "cache"))


@both
def test_the_transfer_brings_rows_closer_to_those_of_the_base_model(name: str, tiny_model: Path) -> None:
    encoder = built(tiny_model, name)
    before = cosine_to_softmax(encoder, TEXTS, SIDES)
    kept = {name: weight.clone() for name, weight in encoder.state_dict().items()}
    losses = fit_to_softmax(encoder, TEXTS, SIDES, steps=20, seed=0)
    after = cosine_to_softmax(encoder, TEXTS, SIDES)
    assert 1 - after < 0.7 * (1 - before)
    assert losses[-1] < 0.7 * losses[0]
    # The weights of the base model stay, and nothing is left of the fit.
    fitted = {id(p) for p in recurrent_parameters(encoder)}
    for weight, parameter in encoder.named_parameters():
        assert torch.equal(parameter, kept[weight]) == (id(parameter) not in fitted), weight
        assert parameter.requires_grad
        assert parameter.grad is None
    assert not encoder.training


@both
def test_with_softmax_attention_rows_are_those_of_the_base_model(name: str, tiny_model: Path) -> None:
    encoder, base = built(tiny_model, name), open_model(str(tiny_model), "cpu")
    rows, theirs = encoder.encode(TEXTS), base.encode(TEXTS)
    assert cosine_to_softmax(encoder, TEXTS, SIDES) == pytest.approx((rows * theirs).sum(axis=1).mean(), abs=1e-6)
    assert np.array_equal(encoder.encode(TEXTS), rows)  # the hooks are gone
    encoder.packed = False
    assert cosine_to_softmax(encoder, TEXTS, SIDES) == pytest.approx((rows * theirs).sum(axis=1).mean(), abs=1e-5)


def test_batches_are_neighbours_by_length_and_follow_from_the_seed() -> None:
    texts = ["x" * (7 * n % 401) for n in range(401)]

    def drawn(texts: list[str], seed: int) -> list[list[int]]:
        return batches_of_similar_length(texts, np.random.default_rng(seed))

    batches = drawn(texts, 1)
    assert batches == drawn(texts, 1) != drawn(texts, 2)
    assert len(batches) == MOST_BATCHES
    assert len({i for batch in batches for i in batch}) == sum(map(len, batches))
    for batch in batches:
        lengths = [len(texts[i]) for i in batch]
        assert lengths == list(range(lengths[0], lengths[0] + len(batch)))
        assert len(batch) == BATCH or lengths == [400]
    assert drawn(["xx", "x", "xxx"], 1) == [[1, 0, 2]]


@both
def test_the_recurrence_is_trained_faster_and_not_decayed(name: str, tiny_model: Path) -> None:
    encoder = built(tiny_model, name)
    objective = variants.load("topores.objectives", "four_pairings").build(config_of(tiny_model, name))
    optimizer = optimizer_of(encoder, objective, config_of(tiny_model, name, learning_rate=1e-4, weight_decay=0.1))
    base, fast = optimizer.param_groups[:2]
    assert (base["lr"], base["weight_decay"]) == (1e-4, 0.1)
    assert (fast["lr"], fast["weight_decay"]) == (FASTER * 1e-4, 0.0)
    assert {id(p) for p in fast["params"]} == {id(p) for p in recurrent_parameters(encoder)}
    assert {id(p) for group in (base, fast) for p in group["params"]} == {id(p) for p in encoder.parameters()}


@both
def test_half_lives_differ_after_training(name: str, run_options: dict[str, object], tmp_path: Path) -> None:
    run = train(**run_options | {"cycles": 2}, encoder=name, output=tmp_path / "run")
    first, last = (half_lives(run, cycle) for cycle in (0, 2))
    # At the learning rate of the body, a step moves the logarithm of a half-life by hardly more than that rate.
    steps = 2 * -(-len(run.corpus.pairs_in("train")) // 16)
    assert np.abs(np.log(last / first)).max() > 5 * steps * 4e-5


def half_lives(run: Run, cycle: int) -> np.ndarray:
    model = open_model(str(run.checkpoints[cycle]), "cpu").model
    return np.array([layer.half_lives().tolist() for layer in model[0].layers])


@both
def test_without_decay_there_is_none_to_train(name: str, tiny_model: Path) -> None:
    encoder = built(tiny_model, name, decay="none")
    assert encoder.half_lives() == [[float("inf")] * 2] * 2
    assert not [weight for weight, _ in encoder.named_parameters() if "gate" in weight or "rate" in weight]
    far, near = encoder.encode(["bafid kegol lotes mifin", "bafid mifin lotes kegol"])
    assert np.abs(far - near).max() > 0  # positions are still told apart


@both
def test_without_transfer_maps_are_random_by_the_seed(
    name: str, tiny_model: Path, run_options: dict[str, object], tmp_path: Path
) -> None:
    first, again, other = (built(tiny_model, name, transfer="none", seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.model[0].layers[1].key_maps, again.model[0].layers[1].key_maps)
    assert not torch.equal(first.model[0].layers[1].key_maps, other.model[0].layers[1].key_maps)
    size = built(tiny_model, name).model[0].layers[0].key_maps.detach().square().mean()
    assert float(first.model[0].layers[0].key_maps.detach().square().mean()) == pytest.approx(float(size), rel=0.2)
    del run_options["transfer_steps"]
    run = train(**run_options, encoder=name, transfer="none", output=tmp_path / "run")
    kept = open_model(str(run.checkpoints[0]), "cpu").model[0].layers[0].key_maps
    assert torch.equal(kept, first.model[0].layers[0].key_maps)


def test_the_transfer_sees_training_passages_once_and_a_second_run_takes_it_from_the_cache(
    run_options: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[list[str]] = []

    def counted(encoder: RecurrentEncoder, texts: list[str], sides: list[str], *, steps: int, seed: int) -> list[float]:
        seen.append(texts)
        return fit_to_softmax(encoder, texts, sides, steps=steps, seed=seed)

    monkeypatch.setattr(recurrent, "fit_to_softmax", counted)
    with caplog.at_level(logging.INFO, logger="topores"):
        first = train(**run_options, encoder="gla", output=tmp_path / "first")
    assert [set(texts) for texts in seen] == [{p.text for p in passages_in(first.corpus, "train")}]
    assert not set(seen[0]) & {p.text for p in passages_in(first.corpus, "held_out")}
    assert caplog.text.count("held-out passages the mean cosine to") == 1
    second = train(**run_options, encoder="gla", output=tmp_path / "second")
    train(resume=True, cycles=2, output=tmp_path / "second")
    assert len(seen) == 1
    assert weights(first, 1) == weights(second, 1)
    train(**run_options | {"transfer_steps": 4}, encoder="gla", output=tmp_path / "third")
    assert len(seen) == 2


def weights(run: Run, cycle: int) -> bytes:
    return (run.checkpoints[cycle] / "model.safetensors").read_bytes()


def test_a_resumed_run_does_not_begin_again(
    run_options: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(**run_options, encoder="rwkv", output=tmp_path / "run")

    def begun(*_: object) -> None:
        raise AssertionError("begin was called")

    monkeypatch.setattr(RecurrentEncoder, "begin", begun)
    assert 2 in train(resume=True, cycles=2, output=tmp_path / "run").checkpoints


@pytest.mark.parametrize(
    ("kind", "seen"), [("mpnet", "a MPNetModel"), ("llama", "a LlamaModel"), ("static", "a StaticEmbedding"),
                       ("routes of texts", "a Router")],
)  # fmt: skip
def test_a_base_that_is_not_like_a_bert_is_refused_in_a_line(kind: str, seen: str, tmp_path: Path) -> None:
    folder = made(kind, tmp_path)
    with pytest.raises(InputError, match=f"is {seen}, whose attention cannot be made recurrent; give a BERT") as fault:
        built(folder, "gla")
    assert "\n" not in str(fault.value)


def test_a_recurrent_base_is_refused_and_full_trains_it(tiny_model: Path, tmp_path: Path) -> None:
    built(tiny_model, "gla").save(tmp_path / "saved")
    with pytest.raises(InputError, match="already has RecurrentTransformer; give the model it was trained from"):
        built(tmp_path / "saved", "rwkv")
    assert all(p.requires_grad for p in variants.load("topores.encoders", "full").build(
        config_of(tmp_path / "saved", "full"), "cpu").parameters())  # fmt: skip


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"transfer_steps": 0}, "--transfer-steps is 0; give 1 or more."),
        ({"decay": "fast"}, "--decay is 'fast'. Choose one of: learned, none."),
        ({"transfer": "attn"}, "--transfer is 'attn'. Did you mean 'attention'?"),
        ({"rank": 3}, "--rank is an option of --encoder feedback, lora, loreft and oft, not of gla;"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], said: str, tiny_model: Path) -> None:
    with pytest.raises(UsageError) as fault:
        config_of(tiny_model, "gla", **options)
    assert said in str(fault.value)
