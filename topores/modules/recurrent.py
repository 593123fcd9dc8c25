"""A BERT whose attention is replaced by a recurrence, as a model type of its own.

Its weights have the names of the base model, so the type is what keeps other software from reading such a folder as a
BERT with softmax attention: `AutoModel` knows it only where this module is imported.
"""

from typing import Any

import torch
from sentence_transformers.sentence_transformer.modules import Transformer
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    BertConfig,
    BertModel,
    PreTrainedModel,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from topores.forward.packable import Packable
from topores.modules.recurrent_attention import KINDS, RecurrentAttention


class RecurrentBertConfig(BertConfig):
    model_type = "topores_recurrent_bert"
    recurrence: str = "gla"
    """A key of KINDS."""
    decay: str = "learned"
    """learned, or none for linear attention that forgets nothing."""


class RecurrentRobertaConfig(RobertaConfig):
    model_type = "topores_recurrent_roberta"
    recurrence: str = "gla"
    decay: str = "learned"


class RecurrentXLMRobertaConfig(XLMRobertaConfig):
    model_type = "topores_recurrent_xlm_roberta"
    recurrence: str = "gla"
    decay: str = "learned"


class RecurrentBert(Packable, BertModel):
    config_class = RecurrentBertConfig

    def __init__(self, config: RecurrentBertConfig, **options: Any) -> None:
        super().__init__(config, **options)
        _replace_attention(self)


class RecurrentRoberta(Packable, RobertaModel):
    config_class = RecurrentRobertaConfig

    def __init__(self, config: RecurrentRobertaConfig, **options: Any) -> None:
        super().__init__(config, **options)
        _replace_attention(self)


class RecurrentXLMRoberta(Packable, XLMRobertaModel):
    config_class = RecurrentXLMRobertaConfig

    def __init__(self, config: RecurrentXLMRobertaConfig, **options: Any) -> None:
        super().__init__(config, **options)
        _replace_attention(self)


RECURRENT: dict[type[PreTrainedModel], Any] = {
    BertModel: RecurrentBert, RobertaModel: RecurrentRoberta, XLMRobertaModel: RecurrentXLMRoberta,
}  # fmt: skip
"""The recurrent model for each base model that can be made recurrent."""

for model in RECURRENT.values():
    AutoConfig.register(model.config_class.model_type, model.config_class)
    AutoModel.register(model.config_class, model)


class RecurrentTransformer(Packable, Transformer):
    """The transformer of a model that reads its texts by a recurrence.

    Its folder is one of transformers, with the model type 'topores_recurrent_...'; sentence-transformers loads it where
    topores is installed, by `SentenceTransformer(folder, trust_remote_code=True)`.
    """

    @classmethod
    def around(cls, transformer: Transformer, recurrence: str, decay: str) -> "RecurrentTransformer":
        """`transformer` with new recurrent layers; its weights are copied.

        Args:
            transformer: Its model is one of those in RECURRENT.
            recurrence: A key of KINDS.
            decay: learned or none.
        """
        base: Any = transformer.auto_model
        module = cls.__new__(cls)
        vars(module).update(vars(transformer), _modules=dict(transformer._modules))
        module.model = recurrent_like(base, recurrence, decay)
        return module

    @property
    def layers(self) -> list[RecurrentAttention]:
        """The recurrent layers, from the first to the last."""
        return recurrent_layers(self.auto_model)


def recurrent_layers(model: nn.Module) -> list[RecurrentAttention]:
    """The recurrent layers within `model`, from the first to the last."""
    return [module for module in model.modules() if isinstance(module, RecurrentAttention)]


def recurrent_like(base: PreTrainedModel, recurrence: str, decay: str) -> PreTrainedModel:
    """A recurrent model with the weights of `base`, whose type is one of RECURRENT."""
    kind = RECURRENT[type(base)]
    given = {name: value for name, value in base.config.to_dict().items() if name != "model_type"}
    # Its first weights are drawn and then replaced; later draws of the process must not depend on that.
    with torch.random.fork_rng(devices=[]):
        made = kind(kind.config_class(**given, recurrence=recurrence, decay=decay))
    made.config._attn_implementation = base.config._attn_implementation
    new = made.load_state_dict(base.state_dict(), strict=False)
    assert not new.unexpected_keys  # the base model's names are kept
    recurrent: PreTrainedModel = made.to(base.device).train(base.training)
    return recurrent


def _replace_attention(model: Any) -> None:
    """Put a recurrent layer in the place of each layer's attention."""
    for layer in model.encoder.layer:
        layer.attention.self = KINDS[model.config.recurrence](model.config, layer.attention.self)
