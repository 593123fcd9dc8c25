"""A language model as an encoder: costs and continuations beside those of one text at a time, checkpoints."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

from topores.backbones.language_model import LanguageModel, concatenation
from topores.backbones.loading import open_model
from topores.config import TrainConfig
from topores.domain import AlignedPairs, Corpus, Passage
from topores.encoders.causal_lm import build

TEXTS = ["bafid kegod losul", "mitel nufin rafil kegon bafir", "losun"]


def corpus() -> Corpus:
    sides = [tuple(Passage(s, "d", i, 0, 1, text, 5) for i, text in enumerate(TEXTS)) for s in ("t1", "t2")]
    ones = np.ones(3)
    pairs = AlignedPairs(np.arange(3), np.arange(3), ones, ones, np.ones(3, bool), 1.0)
    return Corpus(*sides, pairs, ("train",) * 3, ("train",) * 3, 1, "texts")


@pytest.fixture
def model(tiny_model: Path) -> LanguageModel:
    config = TrainConfig.from_mapping({"pairs": "p.csv", "encoder": "causal_lm", "model": str(tiny_model), "width": 32})
    made = build(config, "cpu")
    made.prepare(corpus(), config)
    with torch.no_grad():
        # Away from the start, where all tokens are about equally likely.
        for parameter in made.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3))
    return made


def cost(model: LanguageModel, ids: list[int], first: int, last: int) -> float:
    """Summed cost of the tokens at places `first` to `last`, each from those before it."""
    total = 0.0
    for place in range(first, last + 1):
        logits = model.whole(input_ids=torch.tensor([ids[:place]])).logits[0, -1]
        total += float(cross_entropy(logits[None], torch.tensor([ids[place]])))
    return total


def test_the_vocabulary_is_that_of_the_passages(model: LanguageModel) -> None:
    words = {word for text in TEXTS for word in text.split()}
    assert set(model.tokenizer.get_vocab()) == words | {"[PAD]", "[UNK]", "[CLS]", "[SEP]"}
    assert model.vocabulary == model.whole.config.vocab_size == len(model.tokenizer) == 13
    assert model.whole.get_output_embeddings().weight is model.whole.get_input_embeddings().weight


def test_the_smaller_vocabulary_changes_no_row(tiny_model: Path) -> None:
    config = TrainConfig.from_mapping({"pairs": "p.csv", "encoder": "causal_lm", "model": str(tiny_model)})
    made = build(config, "cpu")
    before = made.encode(TEXTS)
    made.prepare(corpus(), config)
    assert np.abs(made.encode(TEXTS) - before).max() < 1e-6


@torch.inference_mode()
def test_costs_are_those_of_each_token_given_those_before_it(model: LanguageModel) -> None:
    model.eval()
    start, middle, end = model.marks
    source, target = model.tokens_of(TEXTS[0]), model.tokens_of(TEXTS[1])
    together = [start, *source, middle, *target, end]
    seen = model.costs([concatenation(TEXTS[0], TEXTS[1]), TEXTS[2]])
    expected = [cost(model, together, 1, 4), 4.0, cost(model, together, 5, 10), 6.0]
    assert seen[0].tolist() == pytest.approx(expected, rel=1e-4)
    alone = [start, *model.tokens_of(TEXTS[2]), end]
    assert seen[1].tolist() == pytest.approx([cost(model, alone, 1, 2), 2.0, 0.0, 0.0], rel=1e-4)


def test_padding_and_order_change_no_cost(model: LanguageModel) -> None:
    texts = [concatenation(one, other) for one in TEXTS for other in TEXTS]
    together = model.costs(texts)
    alone = torch.cat([model.costs([text]) for text in texts])
    assert torch.allclose(together, alone, rtol=1e-4)
    assert torch.allclose(model.costs(texts[::-1]).flip(0), together, rtol=1e-4)


@torch.inference_mode()
def test_continuations_are_the_likeliest_tokens_one_by_one(model: LanguageModel) -> None:
    prompts = [[model.marks.start, *model.tokens_of(text)] for text in TEXTS]
    seen = model.continuations(prompts, 6)
    model.eval()
    for prompt, said in zip(prompts, seen, strict=True):
        ids = list(prompt)
        for _ in range(6):
            ids.append(int(model.whole(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
        assert said == ids[len(prompt) :]
    assert len({tuple(said) for said in seen}) > 1


def test_a_checkpoint_is_a_stock_folder_of_both_libraries(model: LanguageModel, tmp_path: Path) -> None:
    model.save(tmp_path / "saved")
    rows = model.encode(TEXTS)
    assert np.abs(SentenceTransformer(str(tmp_path / "saved"), device="cpu").encode(TEXTS) - rows).max() < 1e-6
    assert not open_model(str(tmp_path / "saved"), "cpu").own_modules
    whole = AutoModelForCausalLM.from_pretrained(tmp_path / "saved").eval()
    features = AutoTokenizer.from_pretrained(tmp_path / "saved")(TEXTS[1], return_tensors="pt")
    with torch.inference_mode():
        assert torch.allclose(whole(**features).logits, model.eval().whole(**features).logits, atol=1e-5)


def test_a_checkpoint_can_be_trained_further(model: LanguageModel, tmp_path: Path) -> None:
    model.save(tmp_path / "saved")
    options = {"pairs": "p.csv", "encoder": "causal_lm", "model": str(tmp_path / "saved"), "lora_rank": 0}
    again = build(TrainConfig.from_mapping(options), "cpu")
    assert not again.compacts
    assert again.vocabulary == model.vocabulary
    assert torch.allclose(again.costs(TEXTS), model.costs(TEXTS), rtol=1e-5)


def test_rows_are_the_mean_of_the_last_hidden_states(model: LanguageModel) -> None:
    features = model.tokenizer(TEXTS[1], return_tensors="pt")
    with torch.inference_mode():
        hidden = model.eval().whole.base_model(**features).last_hidden_state[0]
    mean = hidden.mean(dim=0).numpy()
    assert np.abs(model.encode([TEXTS[1]])[0] - mean / np.linalg.norm(mean)).max() < 1e-6
