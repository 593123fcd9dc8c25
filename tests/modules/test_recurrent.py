"""A BERT that reads by a recurrence: layouts, forms, what its parts do, and how its folder is read."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from transformers import BertModel

from tests.model_kinds import made
from topores.backbones.encoder import Encoder
from topores.backbones.loading import load_base, open_model
from topores.backbones.untrained import untrained_like, why_not_untrained
from topores.forward.layout import Block
from topores.forward.settings import with_modules
from topores.modules.recurrent import RecurrentTransformer
from topores.modules.recurrent_attention import FORMS, KINDS, RecurrentAttention, neighbours, real_tokens

TEXTS = ["bafid kegol", "a", "lotes mifin nugor rased", "a b", "a b c", " ".join(["bafid kegol lotes"] * 6)]

both = pytest.mark.parametrize("recurrence", KINDS)


def recurrent(folder: Path, recurrence: str, decay: str = "learned") -> SentenceTransformer:
    base = load_base(str(folder), "cpu")
    first, *rest = list(base)
    return with_modules(base, [RecurrentTransformer.around(first, recurrence, decay), *rest]).eval()


def moved(model: SentenceTransformer) -> SentenceTransformer:
    """The same, with a recurrence away from its start."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for layer in model[0].layers:
            for parameter in layer.recurrent_parameters():
                parameter += 0.3 * torch.randn(parameter.shape, generator=draw)
    return model


@both
@pytest.mark.parametrize("decay", ["learned", "none"])
def test_layouts_batches_and_forms_give_the_same_rows(tiny_model: Path, recurrence: str, decay: str) -> None:
    encoder = Encoder(moved(recurrent(tiny_model, recurrence, decay)))
    assert encoder.packed
    rows = encoder.encode(TEXTS)
    assert np.abs(np.concatenate([encoder.encode([text]) for text in TEXTS]) - rows).max() < 1e-6
    assert np.abs(encoder.model.encode(TEXTS) - rows).max() < 1e-6  # padded
    for form in FORMS:
        for layer in encoder.model[0].layers:
            layer.form = form
        assert np.abs(encoder.encode(TEXTS) - rows).max() < 1e-5
        assert np.abs(encoder.model.encode(TEXTS) - rows).max() < 1e-5


@both
@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_left_padding_and_other_kinds_of_bert(kind: str, recurrence: str, tmp_path: Path) -> None:
    model = moved(recurrent(made(kind, tmp_path), recurrence))
    rows = model.encode(TEXTS)
    model.tokenizer.padding_side = "left"
    # RoBERTa and BERT count positions from the left end, so these are given.
    features = model.tokenizer(TEXTS, padding=True, return_tensors="pt")
    mask = features["attention_mask"]
    first = 2 if kind == "roberta" else 0
    places = (mask.cumsum(dim=1) - 1).clamp_min(0) + first
    with torch.no_grad():
        hidden = model[0].auto_model(**features, position_ids=places).last_hidden_state
    pooled = model[1]({"token_embeddings": hidden, "attention_mask": mask})["sentence_embedding"].numpy()
    assert np.abs(pooled - rows).max() < 1e-5 * np.abs(rows).max()


@both
def test_before_any_change_softmax_output_is_that_of_the_base_model(tiny_model: Path, recurrence: str) -> None:
    base = load_base(str(tiny_model), "cpu")
    layer, softmax = recurrent(tiny_model, recurrence)[0].layers[0], base[0].auto_model.encoder.layer[0].attention.self
    hidden, mask = torch.randn(2, 5, 32), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).bool()
    ours = layer.softmax_output(hidden, [Block(2, 5, mask)])
    theirs, _ = softmax(hidden, attention_mask=mask[:, None, None, :].expand(-1, -1, 5, -1))
    assert torch.allclose(ours[mask], theirs[mask], atol=1e-6)


def layer_of(recurrence: str, *, decay: str = "learned", heads: int = 4, width: int = 32) -> RecurrentAttention:
    from transformers import BertConfig
    from transformers.models.bert.modeling_bert import BertSelfAttention

    config = BertConfig(hidden_size=width, num_attention_heads=heads, decay=decay)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        return KINDS[recurrence](config, BertSelfAttention(config))


@both
def test_layers_start_with_half_lives_from_4_to_512_tokens(recurrence: str) -> None:
    halves = layer_of(recurrence, heads=8).half_lives().tolist()
    assert halves == pytest.approx([4 * 2**n for n in range(8)], rel=1e-3)
    assert layer_of(recurrence, heads=8, decay="none").half_lives().tolist() == [math.inf] * 8


def test_a_token_of_gla_decays_by_its_own_gate() -> None:
    layer = layer_of("gla")
    with torch.no_grad():
        layer.gate_weight.normal_()
    hidden = torch.randn(3, 32)
    expected = torch.sigmoid(hidden @ layer.gate_weight.T + layer.gate_bias).pow(1 / 16)
    assert torch.allclose(layer.log_decay(hidden).exp(), expected, atol=1e-6)
    with torch.no_grad():
        layer.gate_bias.fill_(-1e4)
    assert (layer.log_decay(hidden) == -5).all()


def test_the_static_decay_never_leaves_less_than_e_to_the_minus_5() -> None:
    layer = layer_of("rwkv")
    with torch.no_grad():
        layer.rate[0] = 9.0
    assert layer.static_log_decay()[0] == -5
    assert torch.allclose(layer.static_log_decay()[1:], -layer.rate[1:].exp())


def test_a_large_bonus_makes_each_token_read_itself_alone() -> None:
    layer, hidden = layer_of("rwkv"), torch.randn(1, 6, 32)
    assert not torch.allclose(layer(hidden)[0], layer.value(hidden), atol=1e-2)
    with torch.no_grad():
        layer.log_bonus.fill_(20.0)
    assert torch.allclose(layer(hidden)[0], layer.value(hidden), atol=1e-4)


def test_at_the_start_neither_bonus_nor_shift_has_an_effect() -> None:
    hidden = torch.randn(2, 6, 32)
    with_both, layer = layer_of("rwkv")(hidden)[0], layer_of("gla")
    # Both kinds start with the same maps and half-lives.
    assert torch.allclose(with_both, layer(hidden)[0], atol=1e-5)


def test_neighbours_are_of_the_same_text_and_padding_is_none() -> None:
    block = Block(2, 3, torch.tensor([[True, True, True], [True, True, False]]))
    tokens = torch.arange(1.0, 7.0)[:, None].repeat(1, 2)
    assert neighbours(tokens, block).tolist() == [[0, 2], [1, 3], [2, 0], [0, 5], [4, 0], [5, 0]]


@pytest.mark.parametrize(
    "mask", [torch.tensor([[[[True, False]]]]).expand(1, 1, 2, 2), torch.tensor([[[[0.0, -1e30]]]]).expand(1, 1, 2, 2)]
)
def test_real_tokens_of_both_kinds_of_mask(mask: Tensor) -> None:
    seen = real_tokens(mask)
    assert seen is not None
    assert seen.tolist() == [[True, False]]
    assert real_tokens(None) is None


@both
def test_its_folder_says_another_type_and_loads_to_the_same_bits(
    tiny_model: Path, recurrence: str, tmp_path: Path
) -> None:
    encoder = Encoder(moved(recurrent(tiny_model, recurrence)))
    encoder.save(tmp_path / "saved")
    config = json.loads((tmp_path / "saved" / "config.json").read_text(encoding="utf-8"))
    assert (config["model_type"], config["recurrence"]) == ("topores_recurrent_bert", recurrence)
    ours = open_model(str(tmp_path / "saved"), "cpu")
    assert ours.packed
    assert np.array_equal(ours.encode(TEXTS), encoder.encode(TEXTS))


@pytest.mark.slow
def test_where_topores_is_not_imported_transformers_refuses_its_folder(tiny_model: Path, tmp_path: Path) -> None:
    Encoder(recurrent(tiny_model, "gla")).save(tmp_path / "saved")
    code = f"from transformers import AutoModel; AutoModel.from_pretrained({str(tmp_path / 'saved')!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "topores_recurrent_bert" in done.stderr


@both
def test_an_untrained_twin_has_the_same_architecture_and_other_weights(tiny_model: Path, recurrence: str) -> None:
    encoder = Encoder(recurrent(tiny_model, recurrence))
    trained = encoder.encode(TEXTS)
    assert why_not_untrained(encoder.model) is None
    twin = untrained_like(encoder, seed=1)
    assert [type(layer) for layer in twin.model[0].layers] == [KINDS[recurrence]] * 2
    size = twin.model[0].auto_model.config.initializer_range
    assert float(twin.model[0].layers[0].query.weight.detach().std()) == pytest.approx(size, rel=0.2)
    assert np.abs(twin.encode(TEXTS) - trained).max() > 0.01


def test_the_base_model_is_left_as_it_was(tiny_model: Path) -> None:
    base = load_base(str(tiny_model), "cpu")
    before = base.encode(TEXTS)
    state = torch.random.get_rng_state()
    made_recurrent = RecurrentTransformer.around(base[0], "gla", "learned")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert type(base[0].auto_model) is BertModel
    assert np.array_equal(base.encode(TEXTS), before)
    weights = base[0].auto_model.state_dict()
    assert all(torch.equal(made_recurrent.auto_model.state_dict()[name], weight) for name, weight in weights.items())
