"""A BERT whose attention is replaced by a recurrence, as a model type of its own.

Its weights have the names of the base model, so the type is what keeps other software from reading such a folder as a
BERT with softmax attention: `AutoModel` knows it only where this module is imported.
"""

from typing import Any

import torch
from sentence_transformers.sentence_transformer.modules import Transformer
from torch import nn
from transformers import AutoConfig, AutoModel, BertModel, PreTrainedModel, RobertaModel, XLMRobertaModel

from topores.forward.packable import Packable
from topores.modules.recurrent_attention import KINDS, RecurrentAttention


def _made_recurrent(base: type[PreTrainedModel]) -> Any:
    """`base` with recurrent layers, as a model type that AutoModel knows from now on.

    Its configuration has two more entries: `recurrence`, a key of KINDS, and `decay`, learned or none.
    """
    configured: Any = base.config_class
    kind = f"topores_recurrent_{configured.model_type.replace('-', '_')}"
    # By `type`: transformers turns a class statement into a dataclass that takes no entries but its fields.
    config = type(f"Recurrent{configured.__name__}", (configured,), {"model_type": kind, "__module__": __name__})

    def start(self: Any, config: Any, **options: Any) -> None:
        base.__init__(self, config, **options)
        for layer in self.encoder.layer:
            layer.attention.self = KINDS[config.recurrence](config, layer.attention.self)

    parts = {"config_class": config, "__init__": start, "__module__": __name__}
    model: Any = type(f"Recurrent{base.__name__}", (Packable, base), parts)
    AutoConfig.register(kind, config)
    AutoModel.register(config, model)
    return model


BASES: tuple[type[PreTrainedModel], ...] = (BertModel, RobertaModel, XLMRobertaModel)

RECURRENT = {base: _made_recurrent(base) for base in BASES}
"""The recurrent model for each base model that can be made recurrent."""


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
