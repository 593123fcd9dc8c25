"""Small models of the kinds that people bring, of random weights, each as the folder that its library writes."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Normalize,
    Pooling,
    Router,
    StaticEmbedding,
    Transformer,
)
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    DebertaV2Config,
    DebertaV2Model,
    DistilBertConfig,
    DistilBertModel,
    GPT2Config,
    GPT2LMHeadModel,
    Lfm2Config,
    Lfm2Model,
    LlamaConfig,
    LlamaModel,
    Mamba2Config,
    Mamba2Model,
    MambaConfig,
    MambaModel,
    ModernBertConfig,
    ModernBertModel,
    MPNetConfig,
    MPNetModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3Model,
    Qwen3NextConfig,
    Qwen3NextModel,
    RobertaConfig,
    RobertaModel,
    RwkvConfig,
    RwkvModel,
    T5Config,
    T5EncoderModel,
)

from tests.conftest import WORDS

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
VOCABULARY = len(SPECIAL) + len(WORDS) + 4
IDS = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
# Large weights: with the usual ones an untrained model puts all texts in one place.
WIDE = {"initializer_range": 0.3}
PROMPTS = {"query": "ask :", "passage": "tell :"}


def words() -> Tokenizer:
    """One token for each word."""
    known = [*SPECIAL, *WORDS, "ask", "tell", ":", "."]
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(known)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def tokenizer_of(*, ends: str = "<s> $A </s>", padding: str | None = "<pad>", side: str = "right") -> Any:
    tokenizer = words()
    tokenizer.post_processor = processors.TemplateProcessing(single=ends, special_tokens=[("<s>", 0), ("</s>", 2)])
    given = {"pad_token": padding} if padding else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", cls_token="<s>",
        sep_token="</s>", mask_token="<mask>", model_max_length=64, padding_side=side, **given,
    )  # fmt: skip


def bare(folder: Path, model: Any, tokenizer: Any = None, kind: torch.dtype = torch.float32) -> Path:
    """A folder of transformers, which does not say how tokens are pooled."""
    model.eval().to(kind).save_pretrained(folder)
    (tokenizer or tokenizer_of()).save_pretrained(folder)
    return folder


def whole(
    folder: Path,
    model: Any,
    tokenizer: Any = None,
    *,
    pooling: Pooling | None = None,
    after: Sequence[nn.Module] = (),
    kind: torch.dtype = torch.float32,
    **settings: Any,
) -> Path:
    """A folder of sentence-transformers."""
    transformer = Transformer(str(bare(folder / "transformers", model, tokenizer)))
    modules = [transformer, pooling or Pooling(32, "mean"), *after]
    made = SentenceTransformer(modules=modules, device="cpu", **settings).to(kind)
    made.save(str(folder / "whole"), create_model_card=False)
    return folder / "whole"


def bert() -> BertModel:
    return BertModel(BertConfig(vocab_size=VOCABULARY, max_position_embeddings=64, pad_token_id=1, **SIZES, **WIDE))


def with_bert(folder: Path, **given: Any) -> Path:
    return whole(folder, bert(), **given)


def excluded(folder: Path) -> Path:
    return with_bert(
        folder, pooling=Pooling(32, "mean", include_prompt=False), prompts=PROMPTS, default_prompt_name="query"
    )


def roberta(folder: Path) -> Path:
    """Its table has 66 positions, and the first two are never used; its tokenizer allows 66."""
    config = RobertaConfig(vocab_size=VOCABULARY, max_position_embeddings=66, type_vocab_size=1, **IDS, **SIZES, **WIDE)
    tokenizer = tokenizer_of()
    tokenizer.model_max_length = 66
    return bare(folder, RobertaModel(config), tokenizer)


def distilbert(folder: Path) -> Path:
    sizes = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}
    config = DistilBertConfig(vocab_size=VOCABULARY, max_position_embeddings=64, pad_token_id=1, **sizes, **WIDE)
    return whole(folder, DistilBertModel(config), pooling=Pooling(32, "cls"))


def mpnet(folder: Path) -> Path:
    config = MPNetConfig(vocab_size=VOCABULARY, max_position_embeddings=66, **IDS, **SIZES, **WIDE)
    return whole(folder, MPNetModel(config), after=[Normalize()])


def deberta(folder: Path) -> Path:
    config = DebertaV2Config(
        vocab_size=VOCABULARY, max_position_embeddings=64, pad_token_id=1, relative_attention=True,
        pos_att_type=["p2c", "c2p"], **SIZES, **WIDE,
    )  # fmt: skip
    return whole(folder, DebertaV2Model(config))


def modernbert(folder: Path) -> Path:
    special = {**IDS, "cls_token_id": 0, "sep_token_id": 2}
    config = ModernBertConfig(
        vocab_size=VOCABULARY, max_position_embeddings=64, local_attention=8, global_attn_every_n_layers=2,
        **special, **SIZES, **WIDE,
    )  # fmt: skip
    return whole(folder, ModernBertModel(config))


def t5(folder: Path) -> Path:
    sizes = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}
    config = T5Config(vocab_size=VOCABULARY, pad_token_id=1, eos_token_id=2, decoder_start_token_id=1, **sizes)
    dense = Dense(32, 24, bias=False, activation_function=nn.Identity())
    return whole(folder, T5EncoderModel(config), tokenizer_of(ends="$A </s>"), after=[dense, Normalize()])


def gpt2(folder: Path) -> Path:
    """No padding token, Conv1D layers, and a head that no embedding needs."""
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}
    config = GPT2Config(vocab_size=VOCABULARY, bos_token_id=0, eos_token_id=2, **sizes, **WIDE)
    return bare(folder, GPT2LMHeadModel(config), tokenizer_of(ends="$A", padding=None))


def llama(folder: Path) -> Path:
    """No padding token and no dropout."""
    config = LlamaConfig(vocab_size=VOCABULARY, num_key_value_heads=1, max_position_embeddings=64, **SIZES, **WIDE)
    tokenizer = tokenizer_of(ends="<s> $A", padding=None)
    return whole(folder, LlamaModel(config), tokenizer, pooling=Pooling(32, "weightedmean"))


def qwen3(folder: Path) -> Path:
    """Padded on the left, in bfloat16, with an instruction before queries and embeddings that may be cut short."""
    config = Qwen3Config(vocab_size=VOCABULARY, head_dim=16, num_key_value_heads=1, **IDS, **SIZES, **WIDE)
    return whole(
        folder, Qwen3Model(config), tokenizer_of(ends="$A </s>", side="left"), pooling=Pooling(32, "lasttoken"),
        after=[Normalize()], prompts=PROMPTS, kind=torch.bfloat16, truncate_dim=16,
    )  # fmt: skip


def static(folder: Path, **settings: Any) -> Path:
    model = SentenceTransformer(modules=[StaticEmbedding(words(), embedding_dim=32)], device="cpu", **settings)
    model.save(str(folder), create_model_card=False)
    return folder


def adapter(folder: Path) -> Path:
    """An adapter of peft alone; its base model is another folder."""
    base = bare(folder / "base", bert())
    options = LoraConfig(target_modules=["query", "value"], r=2, init_lora_weights=False)
    get_peft_model(BertModel.from_pretrained(base), options).save_pretrained(folder / "adapter")
    tokenizer_of().save_pretrained(folder / "adapter")
    return folder / "adapter"


def routed(folder: Path, default: str | None = "document") -> Path:
    """Queries and documents go through modules of their own."""
    dense = [Dense(32, 32, activation_function=nn.Identity()) for _ in range(2)]
    routes = {"query": [dense[0]], "document": [dense[1]]}
    router = Router(routes, default_route=default, allow_empty_key=default is not None)
    transformer = Transformer(str(bare(folder / "transformers", bert())))
    model = SentenceTransformer(modules=[transformer, Pooling(32, "mean"), router], device="cpu")
    model.save(str(folder / "whole"), create_model_card=False)
    return folder / "whole"


def asymmetric(folder: Path, default: str | None = "document", **settings: Any) -> Path:
    """Queries are static embeddings, documents go through a transformer: the router comes first."""
    transformer = Transformer(str(bare(folder / "transformers", bert())))
    routes: dict[str, Any] = {
        "query": [StaticEmbedding(words(), embedding_dim=32)],
        "document": [transformer, Pooling(32, "mean")],
    }
    router = Router(routes, default_route=default, allow_empty_key=default is not None)
    model = SentenceTransformer(modules=[router, Normalize()], device="cpu", **settings)
    model.save(str(folder / "whole"), create_model_card=False)
    return folder / "whole"


def pooled_by_route(folder: Path) -> Path:
    """Queries and documents share a transformer, but not the pooling: the router takes tokens."""
    routes: dict[str, Any] = {"query": [Pooling(32, "cls")], "document": [Pooling(32, "mean")]}
    transformer = Transformer(str(bare(folder / "transformers", bert())))
    router = Router(routes, route_mappings={(None, "text"): "document", ("ask", None): "query"})
    model = SentenceTransformer(modules=[transformer, router], device="cpu")
    model.save(str(folder / "whole"), create_model_card=False)
    return folder / "whole"


def mamba(folder: Path) -> Path:
    """A state space; no attention and no dropout."""
    config = MambaConfig(vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=2, state_size=8, **IDS, **WIDE)
    return whole(folder, MambaModel(config), tokenizer_of(ends="<s> $A"))


def mamba2(folder: Path) -> Path:
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_heads": 4, "head_dim": 16, "state_size": 8, "n_groups": 1}
    config = Mamba2Config(vocab_size=VOCABULARY, chunk_size=16, **sizes, **IDS, **WIDE)
    return whole(folder, Mamba2Model(config), tokenizer_of(ends="<s> $A"))


def rwkv(folder: Path, side: str = "right") -> Path:
    """Its state reads whatever stands before a token, padding too."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "attention_hidden_size": 32, "intermediate_size": 64}
    ends = {"bos_token_id": 0, "eos_token_id": 2}
    model = RwkvModel(RwkvConfig(vocab_size=VOCABULARY, context_length=64, **sizes, **ends))
    with torch.no_grad():
        model.embeddings.weight.normal_()
    return whole(folder, model, tokenizer_of(ends="<s> $A", side=side))


def lfm2(folder: Path) -> Path:
    """Short convolutions and attention in turn."""
    config = Lfm2Config(
        vocab_size=VOCABULARY, num_key_value_heads=1, layer_types=["conv", "full_attention"],
        max_position_embeddings=64, block_multiple_of=8, **IDS, **SIZES, **WIDE,
    )  # fmt: skip
    return whole(folder, Lfm2Model(config), tokenizer_of(ends="<s> $A"))


def qwen3_next(folder: Path) -> Path:
    """A gated delta rule and attention in turn."""
    linear = {f"linear_{name}": 16 for name in ("key_head_dim", "value_head_dim")}
    linear |= {f"linear_num_{name}_heads": 2 for name in ("key", "value")}
    experts = {"num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 16}
    config = Qwen3NextConfig(
        vocab_size=VOCABULARY, num_key_value_heads=1, head_dim=16, shared_expert_intermediate_size=16,
        layer_types=["linear_attention", "full_attention"], **linear, **experts, **IDS, **SIZES, **WIDE,
    )  # fmt: skip
    return whole(folder, Qwen3NextModel(config), tokenizer_of(ends="<s> $A"))


KINDS: dict[str, Callable[[Path], Path]] = {
    "bert": with_bert,
    "bert without pooling module": lambda folder: bare(folder, bert()),
    "float16": partial(with_bert, kind=torch.float16),
    "default prompt": partial(with_bert, prompts=PROMPTS, default_prompt_name="query"),
    "prompt left out of the pooling": excluded,
    "truncated": partial(with_bert, truncate_dim=12, similarity_fn_name="dot"),
    "adapter": adapter,
    "routes": routed,
    "routes of texts": asymmetric,
    "routes of tokens": pooled_by_route,
    "roberta": roberta,
    "distilbert": distilbert,
    "mpnet": mpnet,
    "deberta": deberta,
    "modernbert": modernbert,
    "t5": t5,
    "gpt2": gpt2,
    "llama": llama,
    "qwen3": qwen3,
    "mamba": mamba,
    "mamba2": mamba2,
    "rwkv": rwkv,
    "rwkv, padded on the left": partial(rwkv, side="left"),
    "lfm2": lfm2,
    "qwen3_next": qwen3_next,
    "static": static,
    "static, truncated": partial(static, truncate_dim=16, prompts=PROMPTS, default_prompt_name="query"),
}
"""Each writes a model into an empty folder, and returns the folder to open."""


def made(kind: str, folder: Path) -> Path:
    """The folder of a model of this kind; the same weights each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return KINDS[kind](folder)
