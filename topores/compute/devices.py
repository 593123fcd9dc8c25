"""Which device to compute on. torch is imported inside, so that reading options stays instant."""

from topores.errors import UsageError


def choose_device(name: str) -> str:
    """'cpu', 'cuda' or 'mps' for `name`; 'auto' takes an accelerator if there is one.

    Raises:
        UsageError: The device asked for is not on this machine.
    """
    import torch

    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if present[device])
    if not present[name]:
        raise UsageError(f"--device is {name}, which torch does not find on this machine; give auto or cpu.")
    return name
