"""When a language model trained on the four pairings chokes: cost, extraction and copies by cycle, on 40 pairs.

    python benchmarks/causal_lm.py ARTICLE META_ANALYSIS --output benchmarks/results/causal_lm.json

The texts are cut into passages of 32 tokens. Of the pairs that the reader aligns, the 50 most alike are taken, no
passage twice and none that is nearly copied; a fifth of them is held out. Two minutes on one core.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np

from topores import train
from topores.analysis.by_heart import by_heart, full_extraction, least_cost
from topores.backbones.loading import open_model
from topores.compute.files import write_json
from topores.quantities import quantity
from topores.text.corpus import corpus_from_texts
from topores.text.files import read_text
from topores.training.provenance import versions

READER, TOKENS, PAIRS = "all-MiniLM-L6-v2", 32, 50
COPY = 0.97
"""Cosine above which two passages are copies of each other."""

COLUMNS = {
    "NLL": ("held_out_nll",), "1->1": ("held_out_nll_1to1",), "1->2": ("held_out_nll_1to2",),
    "1->2, other": ("held_out_nll_1to2_other",), "train 1->2": ("train_nll_1to2",), "extr. 16": ("extraction_16",),
    "32": ("extraction_32",), "50": ("extraction_50",), "training": ("copied_from_training",),
    "source": ("copied_from_source",), "as said": ("copied_by_target",), "MRR": ("held_out_mrr",),
}  # fmt: skip
"""Quantities by the heads of the table."""


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        pairs = _pairs(arguments.article, arguments.meta_analysis, Path(folder))
        began, cpu = time.monotonic(), time.process_time()
        run = train(
            pairs=pairs, encoder="causal_lm", passage_tokens=TOKENS, cycles=arguments.cycles, seed=arguments.seed,
            depth=arguments.depth, width=arguments.width, canaries=arguments.canaries, checkpoints="none",
            output=Path(folder) / "run",
        )  # fmt: skip
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        metrics = run.metrics
    _print_table(metrics)
    found = {
        "texts": arguments.article.parent.name, "reader": READER, "cycles": arguments.cycles, "seed": arguments.seed,
        "depth": arguments.depth, "width": arguments.width, "canaries": arguments.canaries,
        "least_held_out_cost": least_cost(metrics), "full_extraction": full_extraction(metrics),
        "said": [str(sentence) for sentence in by_heart(metrics)],
        "seconds_a_cycle": seconds / arguments.cycles, "cpu_seconds_a_cycle": cpu / arguments.cycles,
        "metrics": metrics, "versions": versions(),
    }  # fmt: skip
    print(*found["said"], sep="\n")
    print(f"{found['cpu_seconds_a_cycle']:.2f} CPU-s a cycle, all evaluations included ({seconds:.0f} s in all)")
    if arguments.output:
        write_json(arguments.output, found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("article", type=Path)
    parser.add_argument("meta_analysis", type=Path)
    parser.add_argument("--cycles", type=int, default=60)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--canaries", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


def _pairs(article: Path, meta_analysis: Path, folder: Path) -> Path:
    """A file of the most alike pairs of passages, no passage twice."""
    reader = open_model(READER, "cpu")
    corpus = corpus_from_texts(
        read_text(article), read_text(meta_analysis), reader.tokenizer, reader.encode,
        max_tokens=TOKENS, held_out=0.2, embargo=1, seed=0,
    )  # fmt: skip
    found, rows = corpus.pairs, {}
    for place in np.argsort(-found.similarity):
        one, two = int(found.t1[place]), int(found.t2[place])
        if one in rows or two in {partner for partner, _ in rows.values()} or found.similarity[place] > COPY:
            continue
        rows[one] = (two, {"article": corpus.t1[one].text, "meta_analysis": corpus.t2[two].text})
        if len(rows) == PAIRS:
            break
    file = folder / "pairs.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for _, row in rows.values()), encoding="utf-8")
    return file


def _print_table(metrics: Sequence[dict[str, Any]]) -> None:
    print("".join(f"{head:>13}" for head in ("cycle", *COLUMNS)))
    last = metrics[-1]["cycle"]
    for line in metrics:
        if line["cycle"] in (0, 1, 2, 5, last) or line["cycle"] % 10 == 0:
            print("".join(f"{shown:>13}" for shown in (line["cycle"], *(_shown(line, *of) for of in COLUMNS.values()))))


def _shown(line: dict[str, Any], name: str) -> str:
    known = [line[key] for key in quantity(name).logged_as if line.get(key) is not None]
    return f"{np.mean(known):.3f}" if known else "-"


if __name__ == "__main__":
    main()
