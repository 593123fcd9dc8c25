"""Run by torchrun: gradients of a loss that uses all that `Views` offers, written by the first process.

python -m torch.distributed.run ... gradients_in_processes.py MODEL PIECE_SIZE OUTPUT
"""

import sys
from pathlib import Path

import torch
from accelerate import Accelerator
from safetensors.torch import save_file
from torch import nn

from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_model
from topores.training.views import Views

TEXTS = [f"trial {i} gave {'aspirin ' * (i % 5)}to {i * 37 % 101} patients." for i in range(9)]


def gradients(encoder: Encoder, accelerator: Accelerator, piece_size: int | None) -> dict[str, torch.Tensor]:
    """Of a contrastive term, a sum over texts through a head of its own, clean rows, and a term on the head alone."""
    torch.manual_seed(5)
    head = nn.Linear(32, 3)
    trained = [*encoder.parameters(), *head.parameters()]
    views = Views(encoder.train(), accelerator, piece_size, lambda piece: 100 + piece, trained)

    def per_text(texts: list[str], sides: None) -> torch.Tensor:
        return head(encoder(texts, sides)).square()

    rows, sums, clean = views(TEXTS), views.per_text(per_text, TEXTS), views.without_gradient(TEXTS)
    assert not clean.requires_grad
    loss = (rows @ clean.T).logsumexp(dim=1).sum() + sums.sum() + head.weight.square().sum() + head(rows).sum()
    views.backward(loss)
    found = {name: p.grad for name, p in encoder.named_parameters() if p.grad is not None}
    return {"loss": loss.detach().reshape(1), "head": head.weight.grad, **found}


if __name__ == "__main__":
    model, piece_size, output = sys.argv[1:]
    accelerator = Accelerator(cpu=True)
    found = gradients(open_model(model, "cpu"), accelerator, int(piece_size) or None)
    if accelerator.is_main_process:
        save_file({name: value.contiguous() for name, value in found.items()}, Path(output))
    accelerator.end_training()
