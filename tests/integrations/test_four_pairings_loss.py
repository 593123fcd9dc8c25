"""The loss in a real Trainer, and compared with `four_pairings` on hand-made embeddings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from torch.nn.functional import normalize

from topores.config import LOSSES, PAIRING_WEIGHTS
from topores.integrations.sentence_transformers import FourPairingsLoss
from topores.objectives.four_pairings import four_pairings

ONE = ["bafid", "kegol los", "misut", "nuted bafin"]
TWO = ["bafid kegol", "kegol", "misut nuted rafis ba", "nuter"]


def features(model: SentenceTransformer, *columns: list[str]) -> list[dict[str, Any]]:
    """Features as the Trainer passes them to a loss."""
    return [model.preprocess(texts) for texts in columns]


def rows(model: SentenceTransformer, texts: list[str]) -> torch.Tensor:
    return model.encode(texts, convert_to_tensor=True, normalize_embeddings=True).clone()


def passes(model: SentenceTransformer) -> list[int]:
    """Rows of each forward pass from now on."""
    seen: list[int] = []
    model[0].register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0]["input_ids"])))
    return seen


def test_training_lowers_the_loss_and_saves_a_model_with_a_card(
    train: Callable[..., Any],
    model: SentenceTransformer,
    tiny_model: Path,
    tmp_path: Path,
    sentences: tuple[list[str], list[str]],
) -> None:
    batch = features(model, *sentences)
    before = FourPairingsLoss(model).eval()(batch).item()
    trainer = train(max_steps=30, learning_rate=5e-3)
    after = FourPairingsLoss(model).eval()(batch).item()
    assert after < 0.8 * before, (before, after)
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert len(losses) == 30
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.4
    trainer.save_model(str(tmp_path / "saved"))
    again = SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    assert torch.equal(rows(again, sentences[0]), rows(trainer.model, sentences[0]))
    assert not torch.allclose(rows(again, sentences[0]), rows(SentenceTransformer(str(tiny_model)), sentences[0]))
    card = (tmp_path / "saved" / "README.md").read_text(encoding="utf-8")
    assert "loss:FourPairingsLoss" in card
    assert "loss:str" not in card
    assert "Representation Learning with Contrastive Predictive Coding" in card
    assert '"pairing_weights"' in card


@pytest.mark.parametrize("kind", LOSSES)
def test_without_dropout_it_is_four_pairings_of_equal_views(model: SentenceTransformer, kind: str) -> None:
    loss = FourPairingsLoss(model, temperature=0.2, loss=kind).eval()
    found = loss(features(model, ONE, TWO), None)
    one, two = rows(model, ONE), rows(model, TWO)
    expected = four_pairings(one, one, two, two, temperature=0.2, loss=kind).total
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_dropout_makes_two_views_of_each_text(model: SentenceTransformer) -> None:
    loss = FourPairingsLoss(model).train()
    texts = [*ONE[:1], *ONE[2:]]  # as long as each other
    seen = passes(model)
    torch.manual_seed(3)
    found = loss(features(model, texts, texts), None)
    assert seen == [12]
    torch.manual_seed(3)
    views = normalize(model(model.preprocess(texts * 4))["sentence_embedding"], dim=1).chunk(4)
    assert not torch.allclose(views[0], views[1])
    expected = four_pairings(*views, negative_weights=~torch.eye(3).repeat(2, 2).bool())
    assert found.item() == pytest.approx(expected.total.item(), rel=1e-5)


@pytest.mark.parametrize("name", PAIRING_WEIGHTS)
def test_each_pairing_counts_by_its_weight(model: SentenceTransformer, name: str) -> None:
    alone = {other: 2.0 * (other == name) for other in PAIRING_WEIGHTS}
    found = FourPairingsLoss(model, pairing_weights=alone).eval()(features(model, ONE, TWO), None)
    one, two = rows(model, ONE), rows(model, TWO)
    part = four_pairings(one, one, two, two).by_pairing[name]
    assert found.item() == pytest.approx(part.item(), rel=1e-4)


def test_a_weight_that_is_not_named_keeps_its_default(model: SentenceTransformer) -> None:
    assert FourPairingsLoss(model, pairing_weights={"1to1": 3}).pairing_weights == {**PAIRING_WEIGHTS, "1to1": 3.0}


def test_equal_texts_do_not_push_each_other_apart(model: SentenceTransformer) -> None:
    one = ["bafid", "kegol", "bafid", "misut"]
    two = ["nuted", "kegol", "rafis", "nuted"]
    found = FourPairingsLoss(model).eval()(features(model, one, two), None)
    spared = torch.zeros(8, 8, dtype=torch.bool)
    texts = one + two
    belong = {frozenset(pair) for pair in zip(one, two, strict=True)}
    for a in range(8):
        for b in range(8):
            spared[a, b] = texts[a] == texts[b] or frozenset((texts[a], texts[b])) in belong
    first, second = rows(model, one), rows(model, two)
    expected = four_pairings(first, first, second, second, negative_weights=~spared).total
    unspared = four_pairings(first, first, second, second).total
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    assert found.item() < unspared.item() - 0.1


def test_columns_of_one_length_share_a_pass_and_others_do_not(model: SentenceTransformer) -> None:
    loss = FourPairingsLoss(model).eval()
    seen = passes(model)
    loss(features(model, ONE, ONE), None)
    loss(features(model, ONE, TWO), None)
    assert seen == [16, 8, 8]


def test_a_prompt_of_one_column_keeps_it_apart(model: SentenceTransformer) -> None:
    loss = FourPairingsLoss(model).eval()
    asked = model.preprocess(["kegol", "misut"], prompt="bafid ")
    seen = passes(model)
    loss([asked, *features(model, ["nuted rafis", "misut rafis"])], None)
    assert seen == [4, 4]


def test_static_embeddings_without_padding(model: SentenceTransformer) -> None:
    static = SentenceTransformer(modules=[StaticEmbedding(model.tokenizer, embedding_dim=8)], device="cpu")
    one = ["bafid", "kegol los", "bafid"]
    columns = features(static, one, TWO[:3])
    found = FourPairingsLoss(static)(columns, None)
    assert all(set(column) == {"input_ids", "offsets"} for column in columns)
    first, second = rows(static, one), rows(static, TWO[:3])
    spared = torch.zeros(6, 6, dtype=torch.bool)
    for a, b in ((0, 2), (0, 5), (2, 3)):
        spared[a, b] = spared[b, a] = True
    expected = four_pairings(first, first, second, second, negative_weights=~spared).total
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_it_can_be_wrapped_for_several_dimensions(train: Callable[..., Any], model: SentenceTransformer) -> None:
    trainer = train(loss=MatryoshkaLoss(model, FourPairingsLoss(model), [32, 8]), max_steps=2)
    assert all(np.isfinite(line["loss"]) for line in trainer.state.log_history if "loss" in line)


def test_other_than_two_columns_are_refused(train: Callable[..., Any], model: SentenceTransformer, pairs: Any) -> None:
    with pytest.raises(
        ValueError, match=r"got 3 columns of texts; its negatives are .*select_columns\(\['anchor', 'positive'\]\)"
    ):
        train(dataset=pairs.add_column("negative", ["no"] * len(pairs)))
    with pytest.raises(ValueError, match="got 1 column of texts; give two"):
        FourPairingsLoss(model)(features(model, ONE), None)
    with pytest.raises(ValueError, match="a batch of pixel_values; give texts"):
        FourPairingsLoss(model)([{"pixel_values": torch.zeros(2, 3)}] * 2, None)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"temperature": 0}, "temperature is 0; give a number above 0"),
        ({"loss": "infonse"}, "loss is 'infonse'. Did you mean 'infonce'"),
        ({"pairing_weights": {"1to3": 1}}, "names '1to3'. Did you mean"),
        ({"pairing_weights": {"1to2": -1}}, "gives 1to2 the weight -1; give 0 or more"),
        (
            {"pairing_weights": dict.fromkeys(PAIRING_WEIGHTS, 0)},
            "all 0, so nothing would be learned; give at least one above 0",
        ),
    ],
)
def test_options_that_cannot_be(model: SentenceTransformer, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        FourPairingsLoss(model, **options)
