"""The layers of a transformer: which of them `--layers` means, and what stands in them."""

from collections.abc import Sequence

from torch import nn

from topores.errors import InputError, UsageError


def layer_stack(bert: nn.Module, name: str) -> tuple[str, nn.ModuleList]:
    """The list of equal layers within a transformers model, and where it stands in it.

    Args:
        name: What the user calls the model.

    Raises:
        InputError: It has no such list, or one whose layers share their weights.
    """
    config = getattr(bert, "config", None)
    depth = getattr(config, "num_hidden_layers", 0)
    stacks = [(path, m) for path, m in bert.named_modules() if isinstance(m, nn.ModuleList) and 0 < len(m) == depth]
    if not stacks:
        raise InputError(f"'{name}' is no transformer with a list of layers; give one, such as all-MiniLM-L6-v2.")
    return stacks[0]


def chosen_layers(spec: str, count: int) -> list[int]:
    """The layers that `spec` means, in order, counted from 1.

    Args:
        spec: all, last, last:K, or a list such as 2,4.
        count: Layers that there are.

    Raises:
        UsageError: `spec` names one that is not there.
    """
    if spec == "all":
        return list(range(1, count + 1))
    if spec == "last" or spec.startswith("last:"):
        wanted = int(spec.partition(":")[2] or 1)
        numbers = list(range(count - wanted + 1, count + 1))
    else:
        numbers = sorted({int(number) for number in spec.split(",")})
    if not 1 <= numbers[0] <= numbers[-1] <= count:
        raise UsageError(f"--layers is '{spec}', but the model has the layers 1 to {count}; give some of these.")
    return numbers


def linear_layers(bert: nn.Module, name: str, layers: Sequence[int]) -> dict[str, nn.Linear]:
    """The linear layers within `layers` of a transformers model, counted from 1, by where they stand in it.

    Args:
        name: What the user calls the model.

    Raises:
        InputError: There are none.
    """
    path, stack = layer_stack(bert, name)
    found = {
        f"{path}.{number - 1}.{inner}": module
        for number in layers
        for inner, module in stack[number - 1].named_modules()
        if isinstance(module, nn.Linear)
    }
    if not found:
        raise InputError(f"The layers of '{name}' have no linear layers in them; give another transformer.")
    return found
