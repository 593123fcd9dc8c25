"""Cached states of frozen layers: what is computed once is what would be computed each time."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

import topores.backbones.token_states as module
from topores import train, variants
from topores.backbones.upper import UpperEncoder
from topores.compute.cache import Cache
from topores.config import TrainConfig
from topores.domain import Corpus, Passage
from topores.forward.packed import embed
from topores.text.alignment import AlignedPairs

TEXTS = ["the trial of aspirin", "deaths in 4 weeks", "a", "streptokinase and placebo: heart therapy, 17187 patients."]
KINDS = {
    "lora": {"encoder": "lora", "layers": "last"},
    "oft": {"encoder": "oft", "layers": "2"},
    "loreft": {"encoder": "loreft", "layers": "last", "positions": "first:1"},
    "loreft below": {"encoder": "loreft", "layers": "1,2", "positions": "all"},
    "loop": {"encoder": "feedback", "layers": "last", "passes": 3},
    "memory of a pass": {"encoder": "feedback", "layers": "last", "feedback": "memory"},
    "no loop": {"encoder": "feedback", "layers": "last", "feedback": "none", "train_layers": True},
}
pytestmark = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOPORES_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def config_of(kind: str, model: Path, **options: object) -> TrainConfig:
    return TrainConfig.from_mapping(
        {"pairs": "p.csv", "model": str(model), "cached_views": 3, **KINDS[kind], **options}
    )


def build(kind: str, model: Path, **options: object) -> UpperEncoder:
    config = config_of(kind, model, **options)
    encoder = variants.load("topores.encoders", config.encoder).build(config, "cpu")
    with torch.no_grad():
        draw = torch.Generator().manual_seed(1)
        for name, parameter in encoder.named_parameters():
            if parameter.requires_grad and "parametrizations" not in name:
                parameter += 0.05 * torch.randn(parameter.shape, generator=draw)
    return encoder


def corpus_of(texts: list[str] = TEXTS) -> Corpus:
    t1 = tuple(Passage("t1", "x", i, 0, len(text), text, 8) for i, text in enumerate(texts))
    n = len(texts)
    pairs = AlignedPairs(np.arange(n), np.zeros(n, dtype=np.int64), np.ones(n), np.ones(n), np.ones(n, dtype=bool), 1.0)
    return Corpus(t1, (Passage("t2", "x", 0, 0, 1, "a", 1),), pairs, ("train",) * n, ("train",), 0, "pairs")


def prepared(kind: str, model: Path, texts: list[str] = TEXTS, **options: object) -> UpperEncoder:
    encoder = build(kind, model, **options)
    encoder.prepare(corpus_of(texts), config_of(kind, model, **options))
    assert encoder._states is not None
    return encoder


def still(model: Path, folder: Path) -> Path:
    """The same model without dropout, for which every view is the same."""
    copy = SentenceTransformer(str(model), device="cpu")
    copy[0].auto_model.config.hidden_dropout_prob = 0.0
    copy.save(str(folder), create_model_card=False)
    return folder


def gradients(encoder: UpperEncoder) -> dict[str, torch.Tensor]:
    encoder.train()
    torch.manual_seed(3)
    rows = encoder([*TEXTS, *TEXTS])
    (rows @ rows.T).square().sum().backward()
    found = {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}
    encoder.zero_grad()
    return found


@pytest.mark.slow
def test_rows_are_those_of_the_whole_model(kind: str, tiny_model: Path) -> None:
    encoder, whole = prepared(kind, tiny_model), build(kind, tiny_model)
    assert np.abs(encoder.encode(TEXTS) - whole.encode(TEXTS)).max() < 1e-6
    assert np.abs(encoder.encode(["a", *TEXTS[:1]]) - whole.encode(["a", *TEXTS[:1]])).max() < 1e-6
    for ours, theirs in zip(encoder.encode_layers(TEXTS), whole.encode_layers(TEXTS), strict=True):
        assert np.array_equal(ours, theirs)
    # A text that nobody prepared.
    assert np.array_equal(encoder.encode(["streptokinase"]), whole.encode(["streptokinase"]))


def test_gradients_are_those_of_the_whole_model(kind: str, tiny_model: Path, tmp_path: Path) -> None:
    model = still(tiny_model, tmp_path / "still")
    ours, theirs = gradients(prepared(kind, model)), gradients(build(kind, model))
    assert ours.keys() == theirs.keys()
    largest = max(g.abs().max().item() for g in theirs.values())
    for name, gradient in ours.items():
        assert (gradient - theirs[name]).abs().max().item() < 1e-5 * largest, name


@pytest.mark.slow
def test_the_frozen_layers_never_run_again(kind: str, tiny_model: Path) -> None:
    encoder = prepared(kind, tiny_model)
    ran = []
    encoder.model[0].auto_model.embeddings.register_forward_hook(lambda *_: ran.append("embeddings"))
    encoder.model[0].auto_model.encoder.layer[0].register_forward_hook(lambda *_: ran.append("layer 1"))
    encoder.train()(TEXTS)
    encoder.encode(TEXTS)
    assert not ran
    encoder(["streptokinase"])
    assert ran == ["embeddings", "layer 1"]


@pytest.mark.slow
def test_views_are_the_frozen_layers_under_dropout(kind: str, tiny_model: Path) -> None:
    """With dropout above as well; a text that is given twice gets two masks of the layers below."""
    encoder = prepared(kind, tiny_model)
    states = encoder._states
    assert states is not None
    assert len(states.views) == 4
    clean = states.views[-1]
    away = [np.linalg.norm(view - clean) / np.linalg.norm(clean) for view in states.views[:-1]]
    assert min(away) > 0.05
    assert len({view.tobytes() for view in states.views}) == 4
    seen: list[np.ndarray] = []
    gather = states.gather
    states.gather = lambda texts, views, device: (seen.append(views), gather(texts, views, device))[1]
    encoder.train()([TEXTS[0], TEXTS[0], TEXTS[0]])
    assert sorted(seen[0].tolist()) == [0, 1, 2]
    encoder.encode(TEXTS)
    assert seen[1] is None


@pytest.mark.slow
def test_the_mean_view_is_near_the_clean_one(kind: str, tiny_model: Path) -> None:
    """Dropout is scaled to keep the mean, so that views scatter around what there is without it."""
    encoder = prepared(kind, tiny_model, cached_views=24)
    assert encoder._states is not None
    *views, clean = encoder._states.views
    scatter = np.linalg.norm(views[0] - clean)
    assert np.linalg.norm(np.mean(views, axis=0) - clean) < 0.6 * scatter


def test_states_lie_in_files_of_the_cache(kind: str, tiny_model: Path, cache: Path) -> None:
    encoder = prepared(kind, tiny_model)
    assert encoder._states is not None
    assert Cache(cache).size().entries == 4
    assert not any(view.flags.owndata or view.flags.writeable for view in encoder._states.views)


@pytest.mark.slow
def test_what_is_cached_is_not_computed_again(kind: str, tiny_model: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="topores")
    first = prepared(kind, tiny_model)
    (line,) = [line for line in caplog.messages if "frozen" in line]
    assert "they encode 4 passages in 4 views, once per run" in line
    caplog.clear()
    second = prepared(kind, tiny_model)
    assert not [line for line in caplog.messages if "frozen" in line]
    for torch_seed in (1, 2):
        views = []
        for encoder in (first, second):
            torch.manual_seed(torch_seed)
            views.append(encoder.train()(TEXTS))
        assert torch.equal(*views)


@pytest.mark.slow
@pytest.mark.parametrize("other", ["texts", "seed", "weights", "dropout", "damage"])
def test_another_corpus_seed_or_model_is_computed_anew_and_that_is_said(
    kind: str, other: str, tiny_model: Path, tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    prepared(kind, tiny_model)
    caplog.set_level(logging.INFO, logger="topores")
    model, texts, options = tiny_model, TEXTS, {}
    if other == "texts":
        texts = [*TEXTS, "therapy"]
    if other == "seed":
        options = {"seed": 1}
    if other == "weights":
        changed = SentenceTransformer(str(tiny_model), device="cpu")
        with torch.no_grad():
            changed[0].auto_model.embeddings.word_embeddings.weight[7] += 0.1
        changed.save(str(tmp_path / "changed"), create_model_card=False)
        model = tmp_path / "changed"
    if other == "dropout":
        model = still(tiny_model, tmp_path / "still")
    if other == "damage":
        for entry in cache.rglob("*.result"):
            entry.write_bytes(entry.read_bytes()[:-1])
    encoder = prepared(kind, model, texts, **options)
    times = {"texts": 4, "seed": 3, "weights": 4, "dropout": 4, "damage": 4}[other]
    assert [line for line in caplog.messages if f"passages in {times} views" in line]
    assert np.abs(encoder.encode(texts) - build(kind, model, **options).encode(texts)).max() < 1e-6


@pytest.mark.slow
def test_a_full_disk_leaves_them_in_memory(kind: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cache, "room", lambda _: 0)
    encoder = prepared(kind, tiny_model)
    assert Cache().size().entries == 0
    assert np.abs(encoder.encode(TEXTS) - build(kind, tiny_model).encode(TEXTS)).max() < 1e-6


@pytest.mark.slow
def test_without_room_anywhere_the_frozen_layers_run_in_every_step(
    kind: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Cache, "room", lambda _: 0)
    monkeypatch.setattr(module, "available_memory", lambda: 0)
    encoder = build(kind, tiny_model)
    encoder.prepare(corpus_of(), config_of(kind, tiny_model))
    (line,) = [line for line in caplog.messages if "frozen" in line]
    assert "--cached-views" in line
    whole = build(kind, tiny_model)
    for each in (encoder, whole):
        each.train()
    torch.manual_seed(4)
    ours = encoder(TEXTS)
    torch.manual_seed(4)
    assert torch.equal(ours, whole(TEXTS))


@pytest.mark.slow
def test_a_model_that_does_not_take_the_cut_is_trained_whole(
    kind: str, tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="topores")
    encoder = build(kind, tiny_model)
    assert encoder._cut is not None
    encoder._cut.entering = lambda hidden, _: 2 * hidden + 1  # as if something stood between the layers
    encoder.prepare(corpus_of(), config_of(kind, tiny_model))
    assert encoder._states is None
    assert "cannot be cut in two: they need more than the hidden states" in caplog.text
    encoder._cut.entering = lambda *_: hidden  # noqa: F821  raises
    encoder.prepare(corpus_of(), config_of(kind, tiny_model))
    assert encoder._states is None
    assert "they cannot be run separately (NameError)" in caplog.text


@pytest.mark.slow
def test_a_run_resumes_to_the_same_bits(
    kind: str, tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path, cache: Path
) -> None:
    """Also when the cache was emptied in between."""
    options = {"article": two_texts[0], "meta_analysis": two_texts[1], "model": str(tiny_model), "passage_tokens": 16}
    options |= {"batch_size": 16, "device": "cpu", **KINDS[kind]}
    whole = train(**options, cycles=2, output=tmp_path / "whole")
    train(**options, cycles=1, output=tmp_path / "parts")
    shutil.rmtree(cache)
    parts = train(resume=True, cycles=2, output=tmp_path / "parts")
    files = sorted(file.relative_to(whole.checkpoints[2]) for file in whole.checkpoints[2].rglob("*.safetensors"))
    assert files
    for file in files:
        assert (whole.checkpoints[2] / file).read_bytes() == (parts.checkpoints[2] / file).read_bytes()
    seen = [[line | {"seconds": 0} for line in run.metrics] for run in (whole, parts)]
    assert seen[0] == seen[1]


def test_the_cut_gives_the_layers_own_states(kind: str, tiny_model: Path) -> None:
    encoder = build(kind, tiny_model).eval()
    cut = encoder._cut
    assert cut is not None
    seen = []
    layer = encoder.model[0].auto_model.encoder.layer[cut.layers - 1]
    hook = layer.register_forward_hook(lambda _, __, output: seen.append(output), prepend=True)
    features = encoder.tokenise(TEXTS)
    with torch.no_grad():
        embed(encoder.model, features)
        states, _ = cut.run_below(features)
    hook.remove()
    assert torch.equal(states, seen[0])
