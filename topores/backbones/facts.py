"""What a model is, in words: everything that decides how it embeds a text and what can be trained of it."""

from dataclasses import dataclass
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

from topores.backbones.dropout_views import has_dropout
from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_base
from topores.backbones.sides import read_sides
from topores.errors import InputError
from topores.forward.layers import layer_stack
from topores.forward.routes import route_of, routers
from topores.modules.heads import by_side


@dataclass(frozen=True)
class ModelFacts:
    """One model as topores reads it."""

    name: str
    architecture: str
    modules: list[str]
    layers: int | None
    """None for a model without separate layers."""
    dimensions: int
    """Columns of `encode()`."""
    longest_text: int | None
    """In tokens, special tokens included; None without a limit."""
    pooling: str | None
    """None for a model that does not pool tokens."""
    prompts: dict[str, str]
    default_prompt: str | None
    """Name of the prompt that `encode()` puts before every text; None for none."""
    routes: dict[str, str]
    """Route of each task, where the model has several."""
    default_route: str | None
    truncate_dim: int | None
    normalised: bool
    """Whether `encode()` gives unit rows; topores scales them in any case."""
    dropout: bool
    """Whether two views of a text differ."""
    stored: str
    """Type of the stored weights; they are computed in float32."""
    tokenizer: str
    layout: str
    """packed, or padded."""
    changes: list[str]
    """What was changed or assumed when it was opened."""


def facts_of_model(name: str) -> ModelFacts:
    """The facts of the model called `name`.

    Raises:
        InputError: It cannot be used; the message says why and what to do.
    """
    opened = open_base(name, "cpu")
    model, tokenizer = opened.model, opened.model.tokenizer
    architecture, modules = _architecture(model), [type(module).__name__ for module in model]
    routes, default_route = _routes(model)
    encoder = Encoder(by_side(read_sides(model, (None, None), name)))
    return ModelFacts(
        name=name,
        architecture=architecture,
        modules=modules,
        layers=_layers(model, name),
        dimensions=int(model.get_embedding_dimension() or 0),
        longest_text=encoder.max_tokens,
        pooling=_pooling(model),
        prompts={prompt: text for prompt, text in model.prompts.items() if text},
        default_prompt=model.default_prompt_name,
        routes=routes,
        default_route=default_route,
        truncate_dim=model.truncate_dim,
        normalised=any(isinstance(module, Normalize) for module in model),
        dropout=has_dropout(encoder),
        stored=opened.stored,
        tokenizer=f"{type(tokenizer).__name__} of {_vocabulary(tokenizer):,} tokens",
        layout="packed" if encoder.packed else "padded",
        changes=opened.changes,
    )


def in_words(facts: ModelFacts) -> list[str]:
    """One line for each fact."""
    prompts = ", ".join(f"{name} {text!r}" for name, text in facts.prompts.items()) or "none"
    default = f"default: {facts.default_prompt}" if facts.default_prompt else "no default"
    reads = "texts of any length" if facts.longest_text is None else f"at most {facts.longest_text:,} tokens"
    cut = f", the first of them (truncate_dim {facts.truncate_dim})" if facts.truncate_dim else ""
    views = "yes" if facts.dropout else "none, so both views of a text are equal (--dropout adds some)"
    return [
        f"architecture: {facts.architecture} ({', '.join(facts.modules)})",
        f"layers: {'none' if facts.layers is None else facts.layers}",
        f"embedding: {facts.dimensions} dimensions{cut}, {'unit length' if facts.normalised else 'of any length'}",
        f"reads: {reads}; {facts.tokenizer}; {facts.layout} batches",
        f"pooling: {facts.pooling or 'none'}",
        f"prompts: {prompts}; {default}",
        *([_said_of_routes(facts)] if facts.routes else []),
        f"dropout: {views}",
        f"weights stored as: {facts.stored}",
        *(f"note: {change}" for change in facts.changes),
    ]


def _architecture(model: SentenceTransformer) -> str:
    first: Any = model[0]
    return type(first.auto_model).__name__ if isinstance(first, Transformer) else type(first).__name__


def _layers(model: SentenceTransformer, name: str) -> int | None:
    if model.transformers_model is None:
        return None
    try:
        return len(layer_stack(model.transformers_model, name)[1])
    except InputError:
        return None


def _pooling(model: SentenceTransformer) -> str | None:
    found = next((module for module in model if isinstance(module, Pooling)), None)
    if found is None:
        return None
    modes = found.pooling_mode if isinstance(found.pooling_mode, str) else " and ".join(found.pooling_mode)
    return modes if found.include_prompt else f"{modes}, without the tokens of the prompt"


def _routes(model: SentenceTransformer) -> tuple[dict[str, str], str | None]:
    """The route of each task that a router knows, and the default."""
    found = routers(model)
    if not found:
        return {}, None
    tasks = [*found[0].sub_modules, *(task for task, _ in found[0].route_mappings if task)]
    return {task: route_of(found[0], task) or "" for task in dict.fromkeys(tasks)}, route_of(found[0], None)


def _said_of_routes(facts: ModelFacts) -> str:
    default = f"default: {facts.default_route}" if facts.default_route else "no default"
    return f"routes: {', '.join(facts.routes)}; {default} (--prompt-1 and --prompt-2 choose others)"


def _vocabulary(tokenizer: Any) -> int:
    return len(tokenizer) if hasattr(tokenizer, "__len__") else int(tokenizer.get_vocab_size())
