"""LoReFT within the layers: what it changes, where, and that nothing else does."""

from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from torch import Tensor
from transformers import AutoTokenizer

from topores import train, variants
from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_model
from topores.config import TrainConfig
from topores.encoders.loreft import IntervenedEncoder, with_loreft
from topores.errors import InputError, UsageError
from topores.modules.intervened import at_positions

TEXTS = ["the trial of aspirin", "deaths in 4 weeks", "a", "streptokinase and placebo: heart therapy, 17187 patients."]
SOME = ["first:1", "last:2", "first:2,last:3"]


def encoder_of(tiny_model: Path, **options: object) -> IntervenedEncoder:
    return with_loreft(config_of(tiny_model, **options), "cpu")


def config_of(tiny_model: Path, **options: object) -> TrainConfig:
    return TrainConfig.from_mapping({"pairs": "p.csv", "encoder": "loreft", "model": str(tiny_model), **options})


def moved(encoder: IntervenedEncoder) -> IntervenedEncoder:
    """The same, its interventions away from their start."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for loreft in encoder.model[0].interventions.values():
            original = loreft.subspace.parametrizations.weight.original
            # The diagonal holds signs.
            original += torch.randn(original.shape, generator=draw).triu(1)
            loreft.source.weight += torch.randn(loreft.source.weight.shape, generator=draw)
            loreft.source.bias += torch.randn(loreft.source.bias.shape, generator=draw)
    return encoder


def layer_outputs(
    encoder: Encoder, layer: int, texts: list[str]
) -> tuple[Float[Tensor, "texts tokens dim"], Float[Tensor, "texts tokens"]]:
    """What the layer after `layer` gets, and the attention mask, in the padded layout."""
    seen = []
    stack = encoder.model[0].auto_model.encoder.layer
    hook = stack[layer - 1].register_forward_hook(lambda _, __, output: seen.append(output))
    features = encoder.model.preprocess(texts)
    with torch.no_grad():
        encoder.eval().model(features)
    hook.remove()
    return seen[0], features["attention_mask"]


def test_before_training_nothing_is_changed(tiny_model: Path) -> None:
    encoder, base = encoder_of(tiny_model, layers="all"), open_model(str(tiny_model), "cpu")
    for ours, theirs in zip(encoder.encode_layers(TEXTS), base.encode_layers(TEXTS), strict=True):
        assert np.abs(ours - theirs).max() < 1e-6


def test_within_the_subspace_the_source_and_outside_of_it_the_layer(tiny_model: Path) -> None:
    """R z = W h + b, and z = h on the complement of R's rows."""
    encoder, base = moved(encoder_of(tiny_model, layers="1", rank=3)), open_model(str(tiny_model), "cpu")
    (z, _), (h, _) = layer_outputs(encoder, 1, TEXTS), layer_outputs(base, 1, TEXTS)
    loreft = encoder.model[0].interventions["1"]
    rows = loreft.rows.detach()
    assert torch.allclose(rows @ rows.T, torch.eye(3), atol=1e-5)
    assert torch.allclose(z @ rows.T, loreft.source(h), atol=1e-4)
    outside = torch.eye(32) - rows.T @ rows
    assert torch.allclose(z @ outside, h @ outside, atol=1e-4)
    assert (z - h).abs().max() > 0.1


@pytest.mark.parametrize("positions", SOME)
def test_tokens_elsewhere_keep_every_bit(tiny_model: Path, positions: str) -> None:
    encoder = moved(encoder_of(tiny_model, layers="1", positions=positions))
    (z, mask), (h, _) = layer_outputs(encoder, 1, TEXTS), layer_outputs(open_model(str(tiny_model), "cpu"), 1, TEXTS)
    changed = (z != h).any(dim=-1)
    assert torch.equal(changed, at_positions(mask.bool(), positions))
    assert changed.any()


def test_positions_are_counted_over_each_texts_own_tokens() -> None:
    # Texts of 4, 2 and 1 tokens, padded on the right, and one of 3 on the left.
    real = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 1]]).bool()
    meant = {
        "all": real.tolist(),
        "first:1": [[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]],
        "last:1": [[0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]],
        "first:1,last:2": [[1, 0, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 1]],
        "first:9": real.tolist(),
        "last:9": real.tolist(),
    }
    for positions, expected in meant.items():
        assert at_positions(real, positions).tolist() == [[bool(x) for x in row] for row in expected], positions


@pytest.mark.parametrize("positions", ["all", *SOME])
def test_both_layouts_and_any_batch_give_the_same(tiny_model: Path, positions: str) -> None:
    encoder = moved(encoder_of(tiny_model, layers="1,2", positions=positions))
    assert encoder.packed
    # The last three share a block, in which two of them are padded.
    texts = [*TEXTS, "b", "a b", "a b c"]
    rows = encoder.encode_layers(texts)
    alone = [encoder.encode_layers([text]) for text in texts]
    for layer, ours in enumerate(rows):
        assert np.abs(ours - np.concatenate([one[layer] for one in alone])).max() < 1e-5
    encoder.packed = False
    for ours, theirs in zip(rows, encoder.encode_layers(texts), strict=True):
        assert np.abs(ours - theirs).max() < 1e-5
    assert np.abs(encoder.model.encode(texts) - rows[-1]).max() < 1e-5


def test_a_text_of_fewer_tokens_is_changed_wholly(tiny_model: Path) -> None:
    rows = [
        moved(encoder_of(tiny_model, layers="1", positions=positions)).encode(TEXTS)
        for positions in ("all", "first:90", "last:90", "first:2")
    ]
    assert np.array_equal(rows[0], rows[1])
    assert np.array_equal(rows[0], rows[2])
    assert np.abs(rows[0] - rows[3]).max() > 1e-3


def test_on_all_tokens_of_the_last_layer_it_is_loreft_on_their_mean(tiny_model: Path) -> None:
    """The map is affine, and a mean commutes with affine maps."""
    head = variants.load("topores.encoders", "loreft").build(config_of(tiny_model), "cpu")
    for layers, equal in (("last", True), ("1", False)):
        encoder = moved(encoder_of(tiny_model, layers=layers))
        (loreft,) = encoder.model[0].interventions.values()
        head.head.load_state_dict(loreft.state_dict())
        assert bool(np.abs(head.encode(TEXTS) - encoder.encode(TEXTS)).max() < 1e-5) is equal
        assert np.abs(head.encode(TEXTS) - open_model(str(tiny_model), "cpu").encode(TEXTS)).max() > 1e-2


def test_training_changes_the_interventions_alone(tiny_model: Path) -> None:
    encoder = encoder_of(tiny_model, layers="1", positions="first:2,last:1").train()
    assert not encoder.decays
    stock = load_file(tiny_model / "model.safetensors")
    trained = [p for p in encoder.parameters() if p.requires_grad]
    assert {id(p) for p in trained} == {id(p) for p in encoder.model[0].interventions.parameters()}
    before = [p.detach().clone() for p in trained]
    optimizer = torch.optim.AdamW(trained, lr=1e-2, weight_decay=0.0)
    for _ in range(3):
        rows = encoder(TEXTS + TEXTS)
        (rows @ rows.T).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert all(not torch.equal(p, old) for p, old in zip(trained, before, strict=True))
    now = encoder.model[0].auto_model.state_dict()
    assert now.keys() == stock.keys()
    assert all(torch.equal(now[name], stock[name]) for name in stock)
    rows = encoder.model[0].interventions["1"].rows.detach()
    assert torch.allclose(rows @ rows.T, torch.eye(8), atol=1e-5)


def test_bf16_training_is_near_float32(tiny_model: Path) -> None:
    rows = {}
    for precision in ("fp32", "bf16"):
        encoder = encoder_of(tiny_model, layers="1", precision=precision).train()
        torch.manual_seed(0)
        rows[precision] = encoder(TEXTS)
    assert 1e-5 < (rows["fp32"] - rows["bf16"]).abs().max() < 0.1
    rows["bf16"].square().sum().backward()


@pytest.mark.parametrize("positions", ["all", "first:2,last:1"])
def test_a_checkpoint_holds_the_stock_weights_and_the_interventions(
    tiny_model: Path, tmp_path: Path, positions: str
) -> None:
    encoder, folder = moved(encoder_of(tiny_model, layers="1,2", positions=positions, rank=5)), tmp_path / "saved"
    encoder.save(folder)
    saved, stock = (load_file(where / "model.safetensors") for where in (folder, tiny_model))
    assert saved.keys() == stock.keys()
    assert all(torch.equal(saved[name], stock[name]) for name in stock)
    assert {p.suffix for p in folder.rglob("*") if p.is_file()} == {".json", ".safetensors", ".md"}
    assert str(tiny_model) not in (folder / "loreft.json").read_text(encoding="utf-8")
    again = SentenceTransformer(str(folder), device="cpu", trust_remote_code=True)
    assert np.abs(again.encode(TEXTS) - encoder.encode(TEXTS)).max() < 1e-6
    ours = open_model(str(folder), "cpu")
    assert ours.packed
    assert np.abs(ours.encode(TEXTS) - encoder.encode(TEXTS)).max() < 1e-6
    with pytest.raises(
        InputError, match=r"saved' already has IntervenedTransformer; give the model it was trained from"
    ):
        encoder_of(folder)
    # Saved by whoever opened it, it is the same again.
    again.save(str(tmp_path / "twice"), create_model_card=False)
    twice = SentenceTransformer(str(tmp_path / "twice"), device="cpu", trust_remote_code=True)
    assert np.array_equal(twice.encode(TEXTS), again.encode(TEXTS))


def test_a_checkpoint_without_its_interventions_is_not_taken_for_the_base(tiny_model: Path, tmp_path: Path) -> None:
    encoder_of(tiny_model, layers="1").save(tmp_path / "saved")
    (tmp_path / "saved" / "loreft.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks loreft\.json or loreft\.safetensors"):
        SentenceTransformer(str(tmp_path / "saved"), device="cpu", trust_remote_code=True)


@pytest.mark.slow
def test_a_run_resumes_to_the_same_bits(tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path) -> None:
    options = {
        "article": two_texts[0], "meta_analysis": two_texts[1], "model": str(tiny_model), "encoder": "loreft",
        "layers": "1", "positions": "first:2,last:1", "batch_size": 16, "passage_tokens": 16, "device": "cpu",
    }  # fmt: skip
    whole = train(**options, cycles=2, output=tmp_path / "whole")
    train(**options, cycles=1, output=tmp_path / "parts")
    parts = train(resume=True, output=tmp_path / "parts", cycles=2)
    for file in ("model.safetensors", "loreft.safetensors", "loreft.json"):
        assert (whole.checkpoints[2] / file).read_bytes() == (parts.checkpoints[2] / file).read_bytes()
    seen = [[{k: v for k, v in line.items() if k != "seconds"} for line in run.metrics] for run in (whole, parts)]
    assert seen[0] == seen[1]
    files = [(whole.checkpoints[cycle] / "loreft.safetensors").read_bytes() for cycle in (0, 2)]
    assert files[0] != files[1]


def test_what_cannot_be_intervened_on(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--rank is 33, but the layers are 32 wide; give 32 or less\.$"):
        encoder_of(tiny_model, rank=33)
    with pytest.raises(UsageError, match=r"^--layers is 'last:3', but the model has layers 1 to 2; choose"):
        encoder_of(tiny_model, layers="last:3")
    words = StaticEmbedding(AutoTokenizer.from_pretrained(tiny_model), embedding_dim=8)
    SentenceTransformer(modules=[words], device="cpu").save(str(tmp_path / "words"), create_model_card=False)
    with pytest.raises(InputError, match=r"words' is not a transformer, so its layers cannot be adapted; give one\.$"):
        encoder_of(tmp_path / "words")


def test_positions_need_to_know_the_texts(tiny_model: Path) -> None:
    encoder = encoder_of(tiny_model, layers="1", positions="first:1")
    with pytest.raises(ValueError, match=r"positions 'first:1' need an attention_mask, which these features lack"):
        encoder.model({"input_ids": torch.ones(2, 3, dtype=torch.long)})
