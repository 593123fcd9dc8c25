"""What a sentence-transformers model is besides its modules (prompts, truncation), kept when modules change."""

from collections import OrderedDict
from collections.abc import Sequence

from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn

from topores.domain import Side


def with_modules(model: SentenceTransformer, modules: Sequence[nn.Module]) -> SentenceTransformer:
    """A model of other modules with the prompts, default prompt, truncate_dim and similarity function of `model`."""
    named = OrderedDict((str(number), module) for number, module in enumerate(modules))
    made = SentenceTransformer(
        modules=named,  # type: ignore[arg-type]  # takes names too
        device=str(model.device),
        prompts={name: text for name, text in model.prompts.items() if text is not None},
        default_prompt_name=model.default_prompt_name,
        truncate_dim=model.truncate_dim,
        similarity_fn_name=model._similarity_fn_name,
    )
    # What encode() passes on to a module is kept under the module's name.
    before = {id(module): name for name, module in model.named_children()}
    passed = getattr(model, "module_kwargs", None) or {}
    made.module_kwargs = {
        name: passed[before[id(module)]] for name, module in named.items() if before.get(id(module)) in passed
    }
    return made


def prompt_of(model: SentenceTransformer, side: Side | None) -> str:
    """What `model.encode()` puts before a text; a prompt that is called t1 or t2 is for texts of that side.

    Args:
        side: The side of the text; None if it is not known.
    """
    if side is not None and side in model.prompts:
        return model.prompts[side] or ""
    name = model.default_prompt_name
    return "" if name is None else model.prompts.get(name) or ""


def first_columns(model: SentenceTransformer, rows: Float[Tensor, "texts _"]) -> Float[Tensor, "texts _"]:
    """The columns of its output that `model.encode()` keeps (truncate_dim)."""
    return rows if model.truncate_dim is None else rows[..., : model.truncate_dim]
