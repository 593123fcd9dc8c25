"""LoReFT within a transformer: the outputs of chosen layers are changed at chosen positions of each text."""

import json
from collections.abc import MutableMapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from safetensors.torch import load_file, save_file
from sentence_transformers.sentence_transformer.modules import Transformer
from torch import Tensor, nn

from topores.forward.layers import layer_stack
from topores.forward.layout import Block
from topores.modules.loreft import LoReFT

FACTS, TENSORS = "loreft.json", "loreft.safetensors"
WHERE = ("subfolder", "token", "cache_folder", "revision", "local_files_only")
"""Of what sentence-transformers tells a module that it loads, that which says where files are."""


class IntervenedTransformer(Transformer):
    """A stock transformer, and LoReFT on what some of its layers give.

    Its folder is a stock one, the stock weights under their stock names, with two files more. No stock module computes
    the same, so that sentence-transformers 6 and later want to be told that topores may be imported:
    `SentenceTransformer(folder, trust_remote_code=True)`.

    In the packed layout, where attention gets the blocks of a batch, the layers get them too; they say where each
    text begins and ends. Else the attention mask does.
    """

    interventions: nn.ModuleDict
    """LoReFT by number of the layer, the first being 1."""
    ranks: dict[int, int]
    """Dimensions of the subspace that may change, by number of the layer."""
    positions: str
    """all, first:K, last:K, or first:K,last:K."""

    @classmethod
    def around(cls, transformer: Transformer, ranks: dict[int, int], positions: str) -> "IntervenedTransformer":
        """The module `transformer` with new interventions; its weights are shared, not copied.

        Args:
            ranks: Dimensions of the subspace that may change, by number of the layer.
            positions: all, first:K, last:K, or first:K,last:K; counted over each text's own tokens.
        """
        module = cls.__new__(cls)
        vars(module).update(vars(transformer), _modules=dict(transformer._modules))
        module._intervene(ranks, positions)
        return module

    def _intervene(self, ranks: dict[int, int], positions: str) -> None:
        self.ranks, self.positions, self._real = ranks, positions, None
        dim = self.get_embedding_dimension()
        self.interventions = nn.ModuleDict({str(number): LoReFT(dim, rank) for number, rank in ranks.items()})
        _, stack = layer_stack(self.auto_model, type(self.auto_model).__name__)
        for number in ranks:
            # First of all hooks: the one that records hidden states shall see what the next layer sees.
            hook = partial(_intervened, self, str(number))
            stack[number - 1].register_forward_hook(hook, with_kwargs=True, prepend=True)

    def forward(self, features: MutableMapping[str, Any], **options: Any) -> Any:
        self._real = features.get("attention_mask")
        return super().forward(features, **options)  # type: ignore[arg-type]  # what `preprocess` gives is no dict

    def changed(
        self, number: str, hidden: Float[Tensor, "texts tokens dim"], blocks: Sequence[Block] | None
    ) -> Float[Tensor, "texts tokens dim"]:
        """What the next layer gets in place of what layer `number` gave."""
        loreft = self.interventions[number]
        # R is orthonormal to the digits of float32 only.
        with torch.autocast(hidden.device.type, enabled=False):
            changed = loreft({"sentence_embedding": hidden.float()})["sentence_embedding"].to(hidden.dtype)
        if self.positions == "all":
            return changed
        return torch.where(self._chosen(hidden, blocks)[..., None], changed, hidden)

    def _chosen(self, hidden: Tensor, blocks: Sequence[Block] | None) -> Bool[Tensor, "texts tokens"]:
        """Which tokens `positions` means, in the layout of `hidden`."""
        if blocks is not None:
            masks = [_whole(block, hidden.device) if block.mask is None else block.mask for block in blocks]
            return torch.cat([at_positions(mask.bool(), self.positions).flatten() for mask in masks])[None]
        if self._real is None:
            raise ValueError(f"positions '{self.positions}' need an attention_mask, which these features lack")
        return at_positions(self._real.bool(), self.positions)

    def save(self, output_path: str, *arguments: Any, **options: Any) -> None:
        super().save(output_path, *arguments, **options)
        facts = {"ranks": self.ranks, "positions": self.positions}
        tensors = {name: tensor.cpu().contiguous() for name, tensor in self.interventions.state_dict().items()}
        save_file(tensors, Path(output_path) / TENSORS, metadata={"format": "pt"})
        (Path(output_path) / FACTS).write_text(json.dumps(facts, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, model_name_or_path: str, *arguments: Any, **options: Any) -> "IntervenedTransformer":
        module = super().load(model_name_or_path, *arguments, **options)
        where = {name: options[name] for name in WHERE if name in options}
        facts, tensors = (cls.load_file_path(model_name_or_path, name, **where) for name in (FACTS, TENSORS))
        if facts is None or tensors is None:
            raise FileNotFoundError(f"'{model_name_or_path}' lacks {FACTS} or {TENSORS}")
        said = json.loads(Path(facts).read_text(encoding="utf-8"))
        module._intervene({int(number): rank for number, rank in said["ranks"].items()}, said["positions"])
        module.interventions.load_state_dict(load_file(tensors))
        return module


def at_positions(real: Bool[Tensor, "texts tokens"], positions: str) -> Bool[Tensor, "texts tokens"]:
    """The tokens among `real` that are the first or last of their text, as many as `positions` says.

    A text of fewer tokens is meant wholly. What stands on either side of a text never is.
    """
    if positions == "all":
        return real
    place, chosen = real.cumsum(dim=1), torch.zeros_like(real)
    for part in positions.split(","):
        end, _, count = part.partition(":")
        near = place <= int(count) if end == "first" else place > place[:, -1:] - int(count)
        chosen |= near
    return chosen & real


def _whole(block: Block, device: torch.device) -> Bool[Tensor, "texts tokens"]:
    return torch.ones(block.texts, block.tokens, dtype=torch.bool, device=device)


def _intervened(
    transformer: IntervenedTransformer, number: str, layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any],
    output: Any,
) -> Any:  # fmt: skip
    """A hook on a layer, which gives hidden states alone or first of several things."""
    del layer, given
    if isinstance(output, tuple):
        return transformer.changed(number, output[0], named.get("blocks")), *output[1:]
    return transformer.changed(number, output, named.get("blocks"))
