"""The layers of a transformer: which ones `--layers` selects, and the linear layers inside them."""

from collections.abc import Sequence

from torch import nn
from transformers.pytorch_utils import Conv1D

from topores.errors import InputError, UsageError

Linear = nn.Linear | Conv1D
"""A layer that multiplies by a matrix."""


def layer_stack(bert: nn.Module, name: str) -> tuple[str, nn.ModuleList]:
    """The module path and the list of the transformer layers within a transformers model.

    Args:
        name: The model as the user named it, for messages.

    Raises:
        InputError: The model has no such list, or its layers share their weights.
    """
    config = getattr(bert, "config", None)
    depth = getattr(config, "num_hidden_layers", 0)
    stacks = [(path, m) for path, m in bert.named_modules() if isinstance(m, nn.ModuleList) and 0 < len(m) == depth]
    if not stacks:
        raise InputError(
            f"'{name}' is not a transformer with separate layers; give one that is, such as all-MiniLM-L6-v2."
        )
    return stacks[0]


def chosen_layers(spec: str, count: int) -> list[int]:
    """The layer numbers that `spec` selects, ascending, counted from 1.

    Args:
        spec: all, last, last:K, or a list such as 2,4.
        count: Number of layers of the model.

    Raises:
        UsageError: `spec` names a layer that does not exist.
    """
    if spec == "all":
        return list(range(1, count + 1))
    if spec == "last" or spec.startswith("last:"):
        wanted = int(spec.partition(":")[2] or 1)
        numbers = list(range(count - wanted + 1, count + 1))
    else:
        numbers = sorted({int(number) for number in spec.split(",")})
    if not 1 <= numbers[0] <= numbers[-1] <= count:
        raise UsageError(f"--layers is '{spec}', but the model has layers 1 to {count}; choose among these.")
    return numbers


def linear_layers(bert: nn.Module, name: str, layers: Sequence[int]) -> dict[str, Linear]:
    """The linear layers within `layers` (counted from 1) of a transformers model, by module path.

    GPT-2's Conv1D is one of them: a linear layer whose weight is stored transposed.

    Args:
        name: The model as the user named it, for messages.

    Raises:
        InputError: There are none.
    """
    path, stack = layer_stack(bert, name)
    found = {
        f"{path}.{number - 1}.{inner}": module
        for number in layers
        for inner, module in stack[number - 1].named_modules()
        if isinstance(module, Linear)
    }
    if not found:
        raise InputError(f"The layers of '{name}' contain no linear layers; give another transformer.")
    return found
