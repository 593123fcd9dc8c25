"""Which modules the packed layout may run: trying it once tells little about a module that starts as the identity."""

from torch import nn
from torch.nn.utils.parametrize import ParametrizationList

KNOWN = ("torch.", "transformers.", "sentence_transformers.", "peft.", "topores.forward.")
"""Packages whose modules are judged by trying them."""


class Packable:
    """Marks a module that gives the same rows in the packed layout, whatever its weights are.

    The packed layout calls the `auto_model` of the first module, then the pooling block by block, then the modules
    after it, which get 'sentence_embedding' and no tokens. A transformer may be marked if all that it adds happens
    inside `auto_model` and keeps the texts of `blocks` apart; a module after the pooling if it reads no tokens.
    """


def not_packable(module: nn.Module) -> nn.Module | None:
    """The first module in `module`, itself included, that is neither from a known package nor marked."""
    if not isinstance(module, Packable) and not f"{type(module).__module__}.".startswith(KNOWN):
        return module
    if isinstance(module, ParametrizationList):
        return None  # a parametrisation sees weights, never tokens
    return next((found for child in module.children() if (found := not_packable(child)) is not None), None)
