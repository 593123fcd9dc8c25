"""A transformer cut after one of its layers: what the layers below give, and what the layers above make of it."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from torch.nn.functional import normalize

from topores.forward.layers import layer_stack
from topores.forward.layout import Block, Layout
from topores.forward.packed import embed, finish, pack, packed_attention, through

Hidden = Float[Tensor, "1 tokens dim"]
Entering = Callable[[Hidden, Sequence[Block]], Hidden]
"""What is done to the hidden states between the two parts."""


class _Reached(Exception):
    """The pass has come to the layer after which the model is cut."""


class Cut:
    """The transformer of `model`, in the packed layout, in two parts; its weights stay where they are.

    Args:
        model: A transformer, pooling and perhaps more.
        layers: Of the layers, how many are below the cut; one at least.
        entering: What the layers above get in place of the hidden states that come from below.
    """

    def __init__(self, model: SentenceTransformer, layers: int, entering: Entering | None = None) -> None:
        self.model, self.layers, self.entering = model, layers, entering
        transformer: Any = model[0]
        self.bert: Any = transformer.auto_model
        self.dim: int = transformer.get_embedding_dimension()
        self.path, self.stack = layer_stack(self.bert, type(self.bert).__name__)

    def below(self, features: dict[str, Tensor]) -> tuple[Hidden, Layout]:
        """What the last layer below gives of tokenised texts, before any hook changes it."""
        packed, reached = pack(self.bert, features), []

        def stop(_: nn.Module, __: tuple[Any, ...], output: Any) -> None:
            reached.append(output[0] if isinstance(output, tuple) else output)
            raise _Reached

        hook = self.stack[self.layers - 1].register_forward_hook(stop, prepend=True)
        try:
            through(self.bert, packed.inputs, packed.layout)
        except _Reached:
            pass
        finally:
            hook.remove()
        return reached[0], packed.layout

    def above(self, hidden: Hidden, layout: Layout, along: dict[str, Any]) -> Float[Tensor, "texts _"]:
        """Embeddings, in the order of the texts, from what `below` gives.

        Args:
            along: What the modules after the pooling look at besides.
        """
        if self.entering is not None:
            hidden = self.entering(hidden, layout.blocks)
        with packed_attention(self.bert.config):
            for layer in self.stack[self.layers :]:
                output = layer(hidden, attention_mask=None, blocks=layout.blocks)
                hidden = output[0] if isinstance(output, tuple) else output
        return finish(self.model, hidden, layout, along)

    @property
    def told(self) -> str:
        """All that decides what `below` gives, but for the weights, in words."""
        return f"{type(self.bert).__name__} {self.bert.config!r} {self.stack[: self.layers]!r}"

    def weights_below(self) -> list[tuple[str, Tensor]]:
        """The weights that `below` depends on, by name."""
        above = tuple(f"{self.path}.{number}." for number in range(self.layers, len(self.stack)))
        return [(name, weight) for name, weight in self.bert.state_dict().items() if not name.startswith(above)]

    def why_not(self, features: dict[str, Tensor]) -> str | None:
        """None if the two parts give what the whole gives, else the reason why not; decided by trying it."""
        was_training = self.model.training
        self.model.eval()
        try:
            with torch.inference_mode():
                expected = normalize(embed(self.model, features)[-1].float(), dim=-1)
                seen = normalize(self.above(*self.below(features), {}).float(), dim=-1)
        except Exception as fault:  # whatever a foreign model raises, it means the same here
            return f"they cannot be run so ({type(fault).__name__})"
        finally:
            self.model.train(was_training)
        return None if torch.allclose(seen, expected, atol=1e-4) else "they need more than hidden states"
