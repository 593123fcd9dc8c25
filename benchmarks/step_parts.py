"""Effect of single decisions in a training step on this machine, each compared with its alternative in one run.

    python benchmarks/step_parts.py

Dropout: topores' masks and torch's, on the hidden states of a batch. Attention: without dropout on its weights, as
topores trains, and with it, as BERT is configured. Memory: a step that keeps freed memory, and one that returns it.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from topores.backbones.loading import open_model
from topores.compute.files import write_json
from topores.compute.memory import keep_freed_memory, usual_memory
from topores.config import TrainConfig
from topores.forward.dropout import CheapDropout
from topores.objectives.four_pairings import build as build_objective
from topores.text.batches import Batch
from topores.training.provenance import versions

SAMPLE = Path(__file__).parent.parent / "data" / "sample"
TOKENS, WIDTH, HEADS, LENGTH = 6000, 384, 12, 96


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    ratios = {"dropout": _dropout(), "attention without its dropout": _attention(), "memory kept": _memory()}
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f} times as fast")
    if arguments.output:
        write_json(
            arguments.output,
            {"threads": arguments.threads, "ratios": ratios, "versions": versions(), "machine": arguments.machine},
        )


def _dropout() -> float:
    states = torch.randn(TOKENS, WIDTH)
    return _ratio(lambda: nn.Dropout(0.1)(states), lambda: CheapDropout(0.1)(states))


def _attention() -> float:
    """Forward and backward pass."""
    texts = TOKENS // LENGTH
    rows = [torch.randn(texts, HEADS, LENGTH, WIDTH // HEADS, requires_grad=True) for _ in range(3)]
    return _ratio(
        lambda: scaled_dot_product_attention(*rows, dropout_p=0.1).sum().backward(),
        lambda: scaled_dot_product_attention(*rows).sum().backward(),
    )


def _memory() -> float:
    """A complete step: objective, encoder, gradient."""
    words = (SAMPLE / "article.md").read_text(encoding="utf-8").split()
    texts = tuple(" ".join(words[i : i + 60]) for i in range(0, 60 * 12, 60))
    batch = Batch(texts[::2], texts[1::2], np.eye(6), np.eye(12, dtype=bool))
    batch = Batch(batch.texts_1 * 3, batch.texts_2 * 3, np.eye(18), np.eye(36, dtype=bool))
    encoder = open_model("all-MiniLM-L6-v2", "cpu").train()
    objective = build_objective(TrainConfig.from_mapping({"pairs": "pairs.jsonl"}))
    step = lambda: objective(encoder, batch).total.backward()  # noqa: E731

    def after(change: Callable[[], object]) -> Callable[[], object]:
        """A warm-up step after the change, since it still depends on what the last step returned."""
        return lambda: (change(), step())

    return _ratio(step, step, before=(after(usual_memory), after(keep_freed_memory)), rounds=4)


def _ratio(
    theirs: Callable[[], object],
    ours: Callable[[], object],
    before: tuple[Callable[[], object], Callable[[], object]] = (lambda: None, lambda: None),
    rounds: int = 8,
) -> float:
    """Ratio of medians over alternating rounds, after one warm-up round."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for side, way in enumerate((theirs, ours)):
            before[side]()
            started = time.perf_counter()
            way()
            seconds[side].append(time.perf_counter() - started)
    return float(np.median(seconds[0][1:]) / np.median(seconds[1][1:]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--machine", default="", help="description of the machine, for the JSON")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
