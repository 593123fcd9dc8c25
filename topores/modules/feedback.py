"""A transformer whose upper layers are gone through several times, each pass with what the one before left."""

import json
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import load_file, save_file
from sentence_transformers.sentence_transformer.modules import Transformer
from torch import Tensor, nn

from topores.forward.by_text import Texts, masks_of
from topores.forward.layers import layer_stack
from topores.forward.packable import Packable
from topores.modules.fed_back import SharedMemory, fed_back_part
from topores.modules.heads import LOCATION

BASE, OPTIONS, WEIGHTS = "base", "feedback.json", "feedback.safetensors"
"""What a saved folder holds: the stock transformer in a folder of its own, and what is fed back."""

MODEL_TYPE = "topores_feedback"
"""In config.json: loaders that would take the stock transformer for the whole refuse this type."""


class Entered(NamedTuple):
    """What the first pass gave the upper layers, so that another pass can be made."""

    hidden: Tensor
    """What entered the first of them in the stock model."""
    beside: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...]
    """For each layer, what it was given besides hidden states."""
    texts: Texts


class FeedbackTransformer(Packable, Transformer):
    """A stock transformer of which the upper layers are gone through `passes` times.

    The first pass is the stock one; hidden states that a caller records are its own, but for the last, which is of the
    last pass. A saved folder has the stock transformer in base/. Its own config.json names a model_type that
    transformers does not know, so nothing loads it as the base by mistake; sentence-transformers 6 and later loads it
    where topores is installed, by `SentenceTransformer(folder, trust_remote_code=True)`.
    """

    fed_back: Any
    """What goes from one pass to the next: one of the classes of `modules/fed_back.py`."""
    passes: int
    """How often the upper layers are gone through; it may be changed at any time."""
    _chosen: dict[str, Any]
    """What `made` was given, and how many layers are gone through again."""
    _real: Tensor | None
    """The attention mask of the batch that is being encoded."""
    _given: list[tuple[Tensor, tuple[Any, ...], dict[str, Any]]]
    """What the upper layers were given so far in this pass."""
    _seen: list[tuple[Entered, Tensor]] | None
    """First passes, while somebody watches."""

    @classmethod
    def around(
        cls, transformer: Transformer, kind: str, *, passes: int, layers: int, rank: int
    ) -> "FeedbackTransformer":
        """`transformer` with feedback over its last `layers` layers; its weights are shared, not copied.

        Raises:
            ValueError: The layers' keys and values are not found (kind "memory").
        """
        module = cls.__new__(cls)
        vars(module).update(vars(transformer), _modules=dict(transformer._modules))
        module._feed_back(kind, passes=passes, layers=layers, rank=rank)
        return module

    def _feed_back(self, kind: str, *, passes: int, layers: int, rank: int) -> None:
        self._chosen = {"kind": kind, "layers": layers, "rank": rank}
        self._real, self._given, self._seen = None, [], None
        self.fed_back = fed_back_part(kind, dim=self.get_embedding_dimension(), rank=rank, layers=layers)
        self.passes = passes if self.fed_back.loops else 1
        upper = self.upper_layers
        if isinstance(self.fed_back, SharedMemory):
            self.fed_back.attach(upper)
        for number, layer in enumerate(upper):
            layer.register_forward_pre_hook(partial(_enter, self, number), with_kwargs=True)
        # Before all other hooks: the one that records hidden states must see the last pass.
        upper[-1].register_forward_hook(partial(_leave, self), prepend=True)

    @property
    def upper_layers(self) -> list[nn.Module]:
        """The layers that are gone through several times."""
        _, stack = layer_stack(self.auto_model, type(self.auto_model).__name__)
        return list(stack)[-self._chosen["layers"] :]

    def forward(self, features: MutableMapping[str, Any], **options: Any) -> Any:
        self._real = features.get("attention_mask")
        return super().forward(features, **options)  # type: ignore[arg-type]  # what `preprocess` gives is no dict

    def next_state(self, entered: Entered, state: Tensor) -> Tensor:
        """What a pass leaves for the one after it, given what the one before left."""
        return self.fed_back.state(self._pass(entered, state), entered.texts)

    @contextmanager
    def watched(self) -> Iterator[list[tuple[Entered, Tensor]]]:
        """The batches encoded meanwhile: what entered the upper layers, and the state that the first pass left."""
        self._seen = []
        try:
            yield self._seen
        finally:
            self._seen = None

    def _pass(self, entered: Entered, state: Tensor) -> list[Tensor]:
        """What entered each of the upper layers in one more pass, and what left the last one."""
        hidden = self.fed_back.entering(entered.hidden, state, entered.texts)
        states = [hidden]
        with self.fed_back.within(state):
            for layer, (others, named) in zip(self.upper_layers, entered.beside, strict=True):
                # Not by calling it: hooks on the layer are for the first pass.
                states.append(_hidden_states(layer.forward(states[-1], *others, **named)))
        return states

    def _all_passes(self, output: Tensor) -> Tensor:
        """Hidden states after the last pass, from those after the first."""
        if not self.fed_back.loops:
            self._given = []
            return output
        given, self._given = self._given, []
        texts = self._texts(given[0][0], given[0][2])
        entered = Entered(given[0][0], tuple((others, named) for _, others, named in given), texts)
        states: Sequence[Tensor] = [*(hidden for hidden, _, _ in given), output]
        if self._seen is not None:
            self._seen.append((entered, self.fed_back.state(states, texts)))
        for _ in range(self.passes - 1):
            states = self._pass(entered, self.fed_back.state(states, texts))
        return states[-1]

    def _texts(self, hidden: Tensor, named: dict[str, Any]) -> Texts:
        return Texts.of(masks_of(hidden, named.get("blocks"), self._real))

    def save(self, output_path: str, *arguments: Any, **options: Any) -> None:
        folder = Path(output_path)
        super().save(str(folder / BASE), *arguments, **options)
        tensors = {name: tensor.cpu().contiguous() for name, tensor in self.fed_back.state_dict().items()}
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
        for name, said in (
            (OPTIONS, {**self._chosen, "passes": self.passes}),
            ("config.json", {"model_type": MODEL_TYPE}),
        ):
            (folder / name).write_text(json.dumps(said, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, model_name_or_path: str, *arguments: Any, **options: Any) -> "FeedbackTransformer":
        where = {name: options[name] for name in LOCATION if name in options}
        chosen, tensors = (cls.load_file_path(model_name_or_path, name, **where) for name in (OPTIONS, WEIGHTS))
        if chosen is None or tensors is None:
            raise FileNotFoundError(f"'{model_name_or_path}' lacks {OPTIONS} or {WEIGHTS}")
        base = "/".join(part for part in (options.get("subfolder"), BASE) if part)
        module = super().load(model_name_or_path, *arguments, **{**options, "subfolder": base})
        module._feed_back(**json.loads(Path(chosen).read_text(encoding="utf-8")))
        module.fed_back.load_state_dict(load_file(tensors))
        return module

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._chosen}, passes={self.passes}, {self.get_config_dict()})"


def _enter(
    transformer: FeedbackTransformer, number: int, layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A forward pre-hook on an upper layer: notes what it is given, and changes what enters the first."""
    del layer
    others = dict(named)
    hidden, *rest = given or (others.pop("hidden_states"),)
    if number == 0:
        transformer._given = []
        if not transformer.fed_back.loops:
            hidden = transformer.fed_back.entering(hidden, None, transformer._texts(hidden, named))
    transformer._given.append((hidden, tuple(rest), others))
    return (hidden, *rest), others


def _leave(transformer: FeedbackTransformer, layer: nn.Module, given: tuple[Any, ...], output: Any) -> Any:
    """A forward hook on the last layer; it returns hidden states, or a tuple that begins with them."""
    del layer, given
    last = transformer._all_passes(_hidden_states(output))
    return (last, *output[1:]) if isinstance(output, tuple) else last


def _hidden_states(output: Any) -> Tensor:
    return output[0] if isinstance(output, tuple) else output
