"""A transformer cut after one of its layers, so that the layers below and above can run separately."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from torch.nn.functional import normalize

from topores.forward.layers import layer_stack
from topores.forward.layout import Block, Layout
from topores.forward.packed import embed, finish, pack, packed_attention, run_transformer

Hidden = Float[Tensor, "1 tokens dim"]
Entering = Callable[[Hidden, Sequence[Block]], Hidden]
"""Changes the hidden states between the two parts."""


class _Reached(Exception):
    """The forward pass has reached the cut."""


class Cut:
    """The transformer of `model` in two parts, in the packed layout. Weights are shared with `model`, not copied.

    Args:
        model: A transformer followed by pooling and perhaps further modules.
        layers: Number of layers below the cut, 1 or more.
        entering: Replaces the hidden states that enter the layers above.
    """

    def __init__(self, model: SentenceTransformer, layers: int, entering: Entering | None = None) -> None:
        self.model, self.layers, self.entering = model, layers, entering
        transformer: Any = model[0]
        self.bert: Any = transformer.auto_model
        self.dim: int = transformer.get_embedding_dimension()
        self.path, self.stack = layer_stack(self.bert, type(self.bert).__name__)

    def run_below(self, features: dict[str, Tensor]) -> tuple[Hidden, Layout]:
        """Output of the last layer below the cut for tokenised texts, before any hook changes it."""
        packed, reached = pack(self.bert, features), []

        def stop(_: nn.Module, __: tuple[Any, ...], output: Any) -> None:
            reached.append(output[0] if isinstance(output, tuple) else output)
            raise _Reached

        hook = self.stack[self.layers - 1].register_forward_hook(stop, prepend=True)
        try:
            run_transformer(self.bert, packed.inputs, packed.layout)
        except _Reached:
            pass
        finally:
            hook.remove()
        return reached[0], packed.layout

    def run_above(self, hidden: Hidden, layout: Layout, along: dict[str, Any]) -> Float[Tensor, "texts _"]:
        """Embeddings, in the order of the texts, from the output of `run_below`.

        Args:
            along: Further features for the modules after pooling.
        """
        if self.entering is not None:
            hidden = self.entering(hidden, layout.blocks)
        with packed_attention(self.bert.config):
            for layer in self.stack[self.layers :]:
                output = layer(hidden, attention_mask=None, blocks=layout.blocks)
                hidden = output[0] if isinstance(output, tuple) else output
        return finish(self.model, hidden, layout, along)

    @property
    def description(self) -> str:
        """Text that names everything except weights that determines the output of `run_below`; used in cache keys."""
        return f"{type(self.bert).__name__} {self.bert.config!r} {self.stack[: self.layers]!r}"

    def weights_below(self) -> list[tuple[str, Tensor]]:
        """Names and values of the weights that `run_below` depends on."""
        above = tuple(f"{self.path}.{number}." for number in range(self.layers, len(self.stack)))
        return [(name, weight) for name, weight in self.bert.state_dict().items() if not name.startswith(above)]

    def why_not(self, features: dict[str, Tensor]) -> str | None:
        """None if the two parts reproduce the whole model on `features`, else the reason. Decided by trying it."""
        was_training = self.model.training
        self.model.eval()
        try:
            with torch.inference_mode():
                expected = normalize(embed(self.model, features)[-1].float(), dim=-1)
                seen = normalize(self.run_above(*self.run_below(features), {}).float(), dim=-1)
        except Exception as fault:  # third-party models raise all kinds of errors
            return f"they cannot be run separately ({type(fault).__name__})"
        finally:
            self.model.train(was_training)
        return None if torch.allclose(seen, expected, atol=1e-4) else "they need more than the hidden states"
