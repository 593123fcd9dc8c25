"""Which device to compute on. torch is imported inside the functions, so that `--help` stays instant."""

import os
import sys

from topores.errors import UsageError


def choose_device(name: str) -> str:
    """'cpu', 'cuda' or 'mps' for `name`; 'auto' picks an accelerator if there is one.

    Raises:
        UsageError: The requested device is not on this machine.
    """
    import torch

    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if present[device])
    if not present[name]:
        raise UsageError(f"--device is {name}, but torch does not find it on this machine; give auto or cpu.")
    return name


def choose_precision(name: str, device: str) -> str:
    """'fp32' or 'bf16' for `name`; 'auto' picks bf16 where `device` has instructions for it.

    A processor that emulates bf16 multiplies many times slower than in float32.
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
    """Whether this process logs and writes files: the only one, or rank 0 under torchrun."""
    return os.environ.get("RANK", "0") == "0"


def leave_processes() -> None:
    """Leave torchrun's process group once the collective work is done.

    Without this a process can abort at exit: gloo's threads still hold tensors while Python shuts down.
    """
    if "torch" in sys.modules:
        import torch

        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
