"""Memory of one step with a large contrastive batch in pieces (GradCache), above that of the model.

    python benchmarks/large_batch.py --batch-size 1024 --micro-batch-size 64

The passages are short: windows of twelve words of the sample texts. The figure is the peak memory of the process during
two steps, minus its memory before, when the model and the optimizer state are already loaded.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import torch
from accelerate import Accelerator
from measuring import megabytes

from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_model
from topores.compute.files import write_json
from topores.config import TrainConfig
from topores.objectives.four_pairings import FourPairings
from topores.objectives.four_pairings import build as build_objective
from topores.text.batches import Batch
from topores.training.provenance import versions
from topores.training.views import Views

SAMPLE = Path(__file__).parent.parent / "data" / "sample"


def main() -> None:
    arguments = _arguments()
    n = arguments.batch_size
    batch = _batch(n)
    encoder = open_model("all-MiniLM-L6-v2", "cpu").train()
    objective = build_objective(TrainConfig.from_mapping({"pairs": "pairs.jsonl"}))
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=4e-5, fused=True)
    accelerator = Accelerator(cpu=True)
    _step(encoder, objective, optimizer, accelerator, _batch(4), None)  # creates the optimizer's state
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak memory
    before = megabytes("VmRSS")
    started = time.perf_counter()
    for _ in range(2):
        _step(encoder, objective, optimizer, accelerator, batch, arguments.micro_batch_size)
    seconds = (time.perf_counter() - started) / 2
    over = megabytes("VmHWM") - before
    print(
        f"{n} pairs, {arguments.micro_batch_size} views at a time: {over:.0f} MB above the model, {seconds:.0f} s/step"
    )
    if arguments.output:
        result = {"batch_size": n, "micro_batch_size": arguments.micro_batch_size, "mb_over_model": over,
                  "versions": versions(), "machine": arguments.machine}  # fmt: skip
        write_json(arguments.output, result)


def _step(
    encoder: Encoder,
    objective: FourPairings,
    optimizer: torch.optim.Optimizer,
    accelerator: Accelerator,
    batch: Batch,
    piece_size: int | None,
) -> None:
    views = Views(encoder, accelerator, piece_size, lambda piece: piece)
    views.backward(objective(views, batch).total)
    optimizer.step()
    optimizer.zero_grad()


def _batch(n: int) -> Batch:
    sides = []
    for name in ("article", "meta_analysis"):
        words = (SAMPLE / f"{name}.md").read_text(encoding="utf-8").split()
        sides.append(tuple(" ".join(words[i : i + 12]) for i in np.linspace(0, len(words) - 12, n).astype(int)))
    return Batch(*sides, np.eye(n), ~np.eye(2 * n, dtype=bool), np.arange(n), np.arange(n))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--micro-batch-size", type=int, default=64)
    parser.add_argument("--machine", default="", help="description of the machine, for the JSON")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
