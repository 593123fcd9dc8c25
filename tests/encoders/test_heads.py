"""Heads on pooled embeddings: what they can and cannot change, and what is computed once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from torch.nn.functional import normalize

from topores import load_run, train, variants
from topores.backbones.loading import open_model
from topores.backbones.pooled_views import HeadEncoder
from topores.config import TrainConfig
from topores.domain import Corpus, Passage
from topores.errors import Interrupted, UsageError
from topores.modules.loreft import LoReFT
from topores.modules.rotation import Rotation
from topores.objectives.four_pairings import four_pairings
from topores.text.alignment import AlignedPairs

TEXTS = ["the trial of aspirin", "deaths in 4 weeks", "a", "streptokinase and placebo: heart therapy, 17187 patients."]
HEADS = ("linear", "loreft", "relative_rotation", "rotation")
DIM, RANK = 12, 3


def config(name: str, model: Path, **options: object) -> TrainConfig:
    return TrainConfig.from_mapping({"pairs": "p.csv", "encoder": name, "model": str(model), **options})


def build(name: str, model: Path, **options: object) -> HeadEncoder:
    return variants.load("topores.encoders", name).build(config(name, model, **options), "cpu")


def corpus(texts_1: list[str], texts_2: list[str]) -> Corpus:
    """Pairs in order, all of them for training."""
    t1, t2 = (
        tuple(Passage(side, "x", i, 0, len(text), text, 8) for i, text in enumerate(texts))
        for side, texts in (("t1", texts_1), ("t2", texts_2))
    )
    n = len(texts_1)
    pairs = AlignedPairs(np.arange(n), np.arange(n), np.ones(n), np.ones(n), np.ones(n, dtype=bool), 1.0)
    return Corpus(t1, t2, pairs, ("train",) * n, ("train",) * len(texts_2), 0, "pairs")


@pytest.fixture
def trained() -> LoReFT:
    """LoReFT with arbitrary weights, as after training."""
    torch.manual_seed(3)
    head = LoReFT(DIM, RANK).double()
    with torch.no_grad():
        head.subspace.weight = torch.linalg.qr(torch.randn(DIM, RANK, dtype=torch.float64))[0].T
        for parameter in head.source.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return head


def through(head: torch.nn.Module, hidden: torch.Tensor) -> torch.Tensor:
    return head({"sentence_embedding": hidden})["sentence_embedding"]


def test_loreft_says_what_the_subspace_holds_and_leaves_all_else(trained: LoReFT) -> None:
    hidden = torch.randn(50, DIM, dtype=torch.float64)
    rows, changed = trained.rows, through(trained, hidden)
    assert torch.allclose(rows @ rows.T, torch.eye(RANK, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(changed @ rows.T, trained.source(hidden), atol=1e-12)  # R z = W h + b
    outside = torch.eye(DIM, dtype=torch.float64) - rows.T @ rows
    assert torch.allclose(changed @ outside, hidden @ outside, atol=1e-12)
    assert torch.linalg.matrix_rank(changed - hidden, atol=1e-9) == RANK
    assert (changed - hidden).abs().max() > 0.1


def test_loreft_as_a_stock_module(trained: LoReFT) -> None:
    hidden = torch.randn(20, DIM, dtype=torch.float64)
    stock = trained.stock()
    assert torch.allclose(through(stock, hidden), through(trained, hidden), atol=1e-12)
    inside = trained.source.weight @ trained.rows.T
    assert torch.det(stock.linear.weight).item() == pytest.approx(torch.det(inside).item(), rel=1e-9)
    assert trained.condition_number() == pytest.approx(np.linalg.cond(inside.detach().numpy()), rel=1e-9)


def test_loreft_on_every_token_of_the_last_layer_is_loreft_on_their_mean(trained: LoReFT) -> None:
    tokens = torch.randn(9, DIM, dtype=torch.float64)
    assert torch.allclose(through(trained, tokens).mean(0), through(trained, tokens.mean(0)[None])[0], atol=1e-12)


def test_a_rotation_shared_by_both_sides_has_no_gradient() -> None:
    torch.manual_seed(0)
    head = Rotation(DIM).double()
    views = normalize(torch.randn(4, 5, DIM, dtype=torch.float64), dim=-1)
    for from_t1, least in ((torch.ones(20, dtype=torch.bool), None), (torch.arange(20) < 10, 1e-3)):
        head.zero_grad()
        rows = head({"sentence_embedding": views.flatten(0, 1), "from_t1": from_t1})["sentence_embedding"]
        four_pairings(*rows.split(5), temperature=0.1).total.backward()
        largest = max(p.grad.abs().max().item() for p in head.parameters())
        assert largest < 1e-12 if least is None else largest > least


def test_a_rotation_keeps_each_text_as_it_was(tiny_model: Path) -> None:
    encoder = build("rotation", tiny_model)
    before = encoder.encode(TEXTS)
    encoder.head.matrix = torch.linalg.qr(torch.randn(32, 32, generator=torch.Generator().manual_seed(0)))[0]
    turned = encoder.encode(TEXTS, ["t1"] * 4)
    assert np.abs(turned - before).max() > 0.1
    assert np.abs(turned @ turned.T - before @ before.T).max() < 1e-5
    assert np.abs(encoder.encode(TEXTS, ["t2"] * 4) - before).max() < 1e-6


@pytest.mark.parametrize("name", HEADS)
def test_before_training_it_is_the_base_model(name: str, tiny_model: Path) -> None:
    rows = build(name, tiny_model).encode(TEXTS, ["t1", "t2", "t1", "t2"])
    assert np.abs(rows - SentenceTransformer(str(tiny_model), device="cpu").encode(TEXTS)).max() < 1e-6


def test_the_closed_form_finds_the_rotation_that_was_made(tiny_model: Path) -> None:
    texts = [f"{a} {b}" for a in ("bafid", "kegox", "losus", "mitel", "nufin", "ragos") for b in "abcdefgh"]
    encoder = build("relative_rotation", tiny_model)
    rows = encoder.encode(texts)
    made = np.linalg.qr(np.random.default_rng(0).normal(size=(32, 32)))[0].astype(np.float32)
    encode = encoder.encode
    # T2 says what T1 says, turned: "!" marks its texts.
    turn = {True: made, False: np.eye(32, dtype=np.float32)}
    encoder.encode = lambda asked, _sides: encode([t.strip("!") for t in asked]) @ turn[asked[0].endswith("!")]
    encoder.solve(corpus(texts, [f"{text}!" for text in texts]))
    encoder.encode = encode
    assert np.abs(encoder.encode(texts, ["t1"] * len(texts)) - rows @ made).max() < 1e-3


@pytest.mark.parametrize("name", ["linear", "loreft", "rotation"])
def test_prepared_views_are_the_frozen_layers_own(name: str, tiny_model: Path) -> None:
    encoder = build(name, tiny_model, cached_views=3).train()
    sides = ["t1", "t1", "t2", "t2"]
    clean = encoder.encode(TEXTS, sides)
    encoder.prepare(corpus(TEXTS[:2], TEXTS[2:]), config(name, tiny_model, cached_views=3))
    assert np.abs(encoder.encode(TEXTS, sides) - clean).max() < 1e-6
    torch.manual_seed(0)
    views = torch.stack([encoder(TEXTS, sides) for _ in range(40)]).detach()
    for text in range(4):
        assert len(torch.unique(views[:, text].round(decimals=5), dim=0)) == 3
    torch.manual_seed(0)
    assert torch.equal(encoder(TEXTS, sides), views[0])
    # The two views of a passage differ always, though they are drawn from three.
    both = [encoder([TEXTS[0], TEXTS[0]]) for _ in range(20)]
    assert all((pair[0] - pair[1]).abs().max() > 1e-4 for pair in both)


def test_rows_that_are_logged_are_float32_whatever_the_precision_of_training(tiny_model: Path) -> None:
    """bf16 would move them by 1e-3, so that the log would differ from the analysis of the same checkpoint."""
    sides = ["t1", "t1", "t2", "t2"]
    clean = build("linear", tiny_model).eval().encode(TEXTS, sides)
    encoder = variants.load("topores.encoders", "linear").build(config("linear", tiny_model, precision="bf16"), "cpu")
    assert encoder.precision == "bf16"
    encoder.prepare(corpus(TEXTS[:2], TEXTS[2:]), config("linear", tiny_model, precision="bf16"))
    assert np.abs(encoder.encode(TEXTS, sides) - clean).max() < 1e-6


def test_a_decay_that_a_head_would_ignore_is_refused(
    tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path
) -> None:
    texts = {"article": two_texts[0], "meta_analysis": two_texts[1], "passage_tokens": 16}
    asked = {**texts, "model": str(tiny_model), "encoder": "linear", "device": "cpu", "output": tmp_path / "run"}
    with pytest.raises(UsageError, match=r"^--weight-decay is 0.1, but 'linear' is not decayed, because"):
        train(**asked, weight_decay=0.1)
    assert not (tmp_path / "run").exists()


def test_prepared_views_are_kept_and_known_by_what_decides_them(tiny_model: Path, monkeypatch) -> None:
    made = []
    pooled = HeadEncoder.__mro__[1].pooled_rows
    monkeypatch.setattr("topores.backbones.encoder.Encoder.pooled_rows", lambda *a: (made.append(1), pooled(*a))[1])
    texts = corpus(["kept one"], ["kept two"])
    for options, computed in (({}, True), ({}, False), ({"seed": 1}, True), ({"cached_views": 2}, True), ({}, False)):
        made.clear()
        build("linear", tiny_model).prepare(texts, config("linear", tiny_model, **options))
        assert bool(made) == computed, options
    made.clear()
    build("linear", tiny_model).prepare(corpus(["kept one"], ["another"]), config("linear", tiny_model))
    assert made


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
def test_training_leaves_every_bit_of_the_base(
    name: str, tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path
) -> None:
    options = {"article": two_texts[0], "meta_analysis": two_texts[1], "model": str(tiny_model), "passage_tokens": 16}
    rank = {"rank": 4} if name == "loreft" else {}
    run = train(**options, encoder=name, cycles=30, **rank, device="cpu", output=tmp_path / "run")
    base = load_file(next(tiny_model.rglob("model.safetensors")))
    last = run.checkpoints[30]
    kept = load_file(
        next(path for path in last.rglob("model.safetensors") if "Transformer" in str(path) or path.parent == last)
    )
    assert all(torch.equal(base[weight], kept[weight]) for weight in base)
    assert len(run.facts["cannot_change"]) > 20
    first, end = run.metrics[0], run.metrics[-1]
    # What is solved minimises the distance of partners, not the loss.
    lower = "alignment" if name == "relative_rotation" else "loss"
    assert end[lower] < first[lower]
    texts = [p.text for p in run.corpus.t1]
    stock = SentenceTransformer(str(last), device="cpu")
    task = {"task": "t1"} if "rotation" in name else {}
    ours = open_model(str(last), "cpu").encode(texts, ["t1"] * len(texts))
    assert np.abs(stock.encode(texts, **task) - ours).max() < 1e-6
    assert np.abs(ours - open_model(str(tiny_model), "cpu").encode(texts)).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["linear", "loreft", "rotation"])
def test_a_stopped_run_ends_in_the_bits_of_one_that_was_not(
    name: str, tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path, monkeypatch
) -> None:
    from topores.training import loop

    options = {"article": two_texts[0], "meta_analysis": two_texts[1], "model": str(tiny_model), "passage_tokens": 16}
    options |= {"encoder": name, "cycles": 9, "batch_size": 12, "device": "cpu", "checkpoints": "none"}
    whole = train(**options, output=tmp_path / "whole")
    take_step, taken = loop.take_step, []
    with monkeypatch.context() as patch:
        patch.setattr(loop, "take_step", lambda trainee: (taken.append(1), take_step(trainee))[1])
        patch.setattr(loop, "on_any_process", lambda *_: len(taken) == 7)
        with pytest.raises(Interrupted):
            train(**options, output=tmp_path / "parts")
    from topores.training.running import resume

    parts = resume(tmp_path / "parts")
    for one, other in zip(*(sorted(r.checkpoints[9].rglob("*.safetensors")) for r in (whole, parts)), strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert [line["loss"] for line in load_run(parts.folder).metrics] == [line["loss"] for line in whole.metrics]


def test_a_rank_above_the_width_is_refused(tiny_model: Path) -> None:
    with pytest.raises(UsageError, match=r"^--rank is 40, but the embedding has 32 dimensions; give 32 or less\.$"):
        build("loreft", tiny_model, rank=40)
