"""The control: a causal language model, trained to predict the next token; its rows are means of hidden states."""

import logging

from topores.backbones.decoders import from_scratch, is_language_model, open_language_model
from topores.backbones.language_model import LanguageModel
from topores.compute.memory import keep_freed_memory
from topores.config import TrainConfig
from topores.encoders.lora import CANNOT_CHANGE as LORA
from topores.errors import InputError
from topores.phrases import Phrase

log = logging.getLogger(__name__)

LEARNING_RATE = 1e-3
"""For new weights and for LoRA."""
BATCH_SIZE = 8

TOO_FAST = 2e-4
"""Above this rate, a pretrained model that is trained whole forgets what it knows within a few steps."""


def build(config: TrainConfig, device: str) -> LanguageModel:
    """A language model from scratch, or the one that `config` names.

    Raises:
        InputError: The model is neither installed nor reachable, is damaged, or was to be a language model and is none.
        UsageError: The rank of LoRA is above the width.
    """
    keep_freed_memory()
    options = config.encoder_options
    starts_trained = options.start != "scratch" and is_language_model(config.model)
    if not starts_trained and (options.start == "pretrained" or options.lora_rank is not None):
        asked = "--start is pretrained" if options.start == "pretrained" else f"--lora-rank is {options.lora_rank}"
        raise InputError(
            f"{asked}, but '{config.model}' has no head that predicts tokens; give a ...ForCausalLM folder or a .gguf "
            "file, or leave the option out for a small model from scratch."
        )
    model, whole = open_language_model(config) if starts_trained else from_scratch(config)
    encoder = LanguageModel(model.to(device), whole, compacts=not starts_trained, precision=config.precision)
    if starts_trained and options.adapter_rank:
        encoder.cannot_change = Phrase(LORA, n=options.adapter_rank)
    elif starts_trained and (config.learning_rate or 0.0) > TOO_FAST:
        log.warning(
            "--learning-rate is %g, high for a pretrained model that is trained whole; 5e-5 is usual.",
            config.learning_rate,
        )  # fmt: skip
    return encoder
