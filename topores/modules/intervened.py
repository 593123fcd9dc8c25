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
from topores.forward.packable import Packable
from topores.modules.heads import LOCATION
from topores.modules.loreft import LoReFT

OPTIONS, WEIGHTS = "loreft.json", "loreft.safetensors"
"""Files that a saved folder has beside those of a stock transformer."""


class IntervenedTransformer(Packable, Transformer):
    """A stock transformer with LoReFT on the outputs of some of its layers.

    Its folder is a stock one, with the stock weights under their stock names, and two more files. No stock module
    computes the same, so sentence-transformers 6 and later load it only where topores is installed, by
    `SentenceTransformer(folder, trust_remote_code=True)`.

    In the packed layout the layers are given the blocks of the batch, which say where each text begins and ends. In the
    padded layout the attention mask says it.
    """

    interventions: nn.ModuleDict
    """LoReFT by number of the layer, the first being 1."""
    ranks: dict[int, int]
    """Dimensions of the subspace that may change, by number of the layer."""
    positions: str
    """all, first:K, last:K, or first:K,last:K."""
    _real: Tensor | None
    """The attention mask of the batch that is being encoded."""

    @classmethod
    def around(cls, transformer: Transformer, ranks: dict[int, int], positions: str) -> "IntervenedTransformer":
        """`transformer` with new interventions; its weights are shared, not copied.

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
            # Before all other hooks: the one that records hidden states must see what the next layer sees.
            hook = partial(_change_output, self, str(number))
            stack[number - 1].register_forward_hook(hook, with_kwargs=True, prepend=True)

    def forward(self, features: MutableMapping[str, Any], **options: Any) -> Any:
        self._real = features.get("attention_mask")
        return super().forward(features, **options)  # type: ignore[arg-type]  # what `preprocess` gives is no dict

    def intervene(
        self, number: str, hidden: Float[Tensor, "texts tokens dim"], blocks: Sequence[Block] | None
    ) -> Float[Tensor, "texts tokens dim"]:
        """The output of layer `number` after its intervention, as the next layer gets it."""
        loreft = self.interventions[number]
        # In bf16 the rows of R would no longer be orthonormal.
        with torch.autocast(hidden.device.type, enabled=False):
            changed = loreft({"sentence_embedding": hidden.float()})["sentence_embedding"].to(hidden.dtype)
        if self.positions == "all":
            return changed
        return torch.where(self._chosen(hidden, blocks)[..., None], changed, hidden)

    def _chosen(self, hidden: Tensor, blocks: Sequence[Block] | None) -> Bool[Tensor, "texts tokens"]:
        """Whether each token is at one of `positions`, in the layout of `hidden`."""
        if blocks is not None:
            masks = [_all_tokens(block, hidden.device) if block.mask is None else block.mask for block in blocks]
            return torch.cat([at_positions(mask.bool(), self.positions).flatten() for mask in masks])[None]
        if self._real is None:
            raise ValueError(f"positions '{self.positions}' need an attention_mask, which these features lack")
        return at_positions(self._real.bool(), self.positions)

    def save(self, output_path: str, *arguments: Any, **options: Any) -> None:
        super().save(output_path, *arguments, **options)
        chosen = {"ranks": self.ranks, "positions": self.positions}
        tensors = {name: tensor.cpu().contiguous() for name, tensor in self.interventions.state_dict().items()}
        save_file(tensors, Path(output_path) / WEIGHTS, metadata={"format": "pt"})
        (Path(output_path) / OPTIONS).write_text(json.dumps(chosen, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, model_name_or_path: str, *arguments: Any, **options: Any) -> "IntervenedTransformer":
        module = super().load(model_name_or_path, *arguments, **options)
        where = {name: options[name] for name in LOCATION if name in options}
        chosen, tensors = (cls.load_file_path(model_name_or_path, name, **where) for name in (OPTIONS, WEIGHTS))
        if chosen is None or tensors is None:
            raise FileNotFoundError(f"'{model_name_or_path}' lacks {OPTIONS} or {WEIGHTS}")
        saved = json.loads(Path(chosen).read_text(encoding="utf-8"))
        module._intervene({int(number): rank for number, rank in saved["ranks"].items()}, saved["positions"])
        module.interventions.load_state_dict(load_file(tensors))
        return module

    def __repr__(self) -> str:
        return f"{type(self).__name__}(ranks={self.ranks}, positions={self.positions!r}, {self.get_config_dict()})"


def at_positions(real: Bool[Tensor, "texts tokens"], positions: str) -> Bool[Tensor, "texts tokens"]:
    """Whether each token is among the first or last of its text that `positions` names.

    Args:
        real: Whether each place holds a token of its text, not padding. Padding is never chosen.
        positions: all, first:K, last:K, or first:K,last:K. A text of fewer tokens is chosen whole.
    """
    if positions == "all":
        return real
    place, chosen = real.cumsum(dim=1), torch.zeros_like(real)
    for part in positions.split(","):
        end, _, count = part.partition(":")
        near = place <= int(count) if end == "first" else place > place[:, -1:] - int(count)
        chosen |= near
    return chosen & real


def _all_tokens(block: Block, device: torch.device) -> Bool[Tensor, "texts tokens"]:
    return torch.ones(block.texts, block.tokens, dtype=torch.bool, device=device)


def _change_output(
    transformer: IntervenedTransformer, number: str, layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any],
    output: Any,
) -> Any:  # fmt: skip
    """A forward hook on a layer; it returns hidden states, or a tuple that begins with them."""
    del layer, given
    if isinstance(output, tuple):
        return transformer.intervene(number, output[0], named.get("blocks")), *output[1:]
    return transformer.intervene(number, output, named.get("blocks"))
