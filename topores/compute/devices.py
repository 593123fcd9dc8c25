"""Which device to compute on. torch is imported inside, so that reading options stays instant."""

import os
import sys

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


def choose_precision(name: str, device: str) -> str:
    """'fp32' or 'bf16' for `name`; 'auto' takes bf16 where `device` computes in it, rather than emulates it.

    A processor without the instructions multiplies in bf16 many times slower than in float32.
    """
    import torch

    if name != "auto":
        return name
    if device.startswith("cuda"):
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device != "cpu":
        return "fp32"
    able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return "bf16" if able.get("avx512_bf16") or able.get("amx_bf16") else "fp32"


def first_process() -> bool:
    """Whether this process speaks and writes: the only one, or the first that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def leave_processes() -> None:
    """Part from the other processes that torchrun started, when all have done what they had to do together.

    A process that just ends can abort there: gloo's threads still hold tensors while Python is taken down.
    """
    if "torch" in sys.modules:
        import torch

        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
