"""Dropout with a mask that is cheap on a CPU, where torch's own random draws cost more than the next layer."""

import numpy as np
import torch
from torch import Tensor, nn


class CheapDropout(nn.Dropout):
    """`nn.Dropout` whose mask takes 16 random bits per element; several times faster on a CPU.

    The seed of each mask is drawn from torch's generator, so `torch.manual_seed` still decides it. The probability is
    rounded to a multiple of 1/65536, and kept elements are scaled by the rounded value. On other devices it is plain
    `nn.Dropout`. Why torch's is slow: https://github.com/pytorch/pytorch/issues/138199. benchmarks/step_parts.py
    measures the ratio.
    """

    def forward(self, input: Tensor) -> Tensor:
        cut = round(self.p * 65536)
        if not self.training or cut == 0 or input.device.type != "cpu":
            return super().forward(input)
        if cut == 65536:
            return input * 0.0
        seed = int(torch.randint(2**62, ()))
        count = input.numel()
        bits = np.random.SFC64(seed).random_raw((count + 3) // 4).view(np.uint16)[:count]
        mask = np.multiply(bits >= cut, np.float32(65536 / (65536 - cut)))
        return input * torch.from_numpy(mask).view(input.shape).to(input.dtype)


def use_cheap_dropout(model: nn.Module) -> None:
    """Replace each `nn.Dropout` of `model` by `CheapDropout`; weights and module names stay the same."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Dropout:
                setattr(parent, name, CheapDropout(child.p).train(child.training))
