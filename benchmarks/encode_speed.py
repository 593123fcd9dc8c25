"""Speed of pooled embeddings of every layer, compared with one `encode()` per layer on the same passages.

    python benchmarks/encode_speed.py                                   # the sample texts
    python benchmarks/encode_speed.py --texts ARTICLE META_ANALYSIS     # your own texts

The peers are sentence-transformers' own methods: `encode()` of the whole model once per layer; `encode()` of the model
truncated after each layer, which is the least work; and `encode()` for the last layer only. Medians of alternating
rounds; the smallest cosine between both sides' rows is printed with the ratios.
"""

import argparse
import copy
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from topores.backbones.loading import open_model
from topores.compute.files import write_json
from topores.compute.memory import keep_freed_memory, usual_memory
from topores.text import split_passages
from topores.text.files import read_text
from topores.training.provenance import versions

SAMPLE = Path(__file__).parent.parent / "data" / "sample"
MODEL = "all-MiniLM-L6-v2"
OURS = ("all layers", "last")


def main() -> None:
    arguments = _arguments()
    encoder = open_model(MODEL, arguments.device)
    texts = [
        passage.text
        for path in arguments.texts
        for passage in split_passages(read_text(path), encoder.tokenizer, max_tokens=arguments.passage_tokens)
    ]
    cut = _cut_after_each_layer(encoder.model)
    result = {"passages": len(texts), "versions": versions(), "machine": arguments.machine, "runs": []}
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        ways = {
            "layer by layer": lambda: [model.encode(texts, normalize_embeddings=True) for model in cut],
            "last by encode()": lambda: encoder.model.encode(texts, normalize_embeddings=True),
            "all layers": lambda: encoder.encode_layers(texts),
            "last": lambda: encoder.encode(texts),
        }
        seconds = _median_seconds(ways, arguments.repeats)
        theirs, ours = ways["layer by layer"](), ways["all layers"]()
        cosine = min(float((a * b).sum(axis=1).min()) for a, b in zip(theirs, ours, strict=True))
        run = {
            "threads": threads, "seconds": seconds, "least_cosine": cosine,
            "ratio_all_layers": len(cut) * seconds["last by encode()"] / seconds["all layers"],
            "ratio_all_layers_cut": seconds["layer by layer"] / seconds["all layers"],
            "ratio_last": seconds["last by encode()"] / seconds["last"],
        }  # fmt: skip
        result["runs"].append(run)
        print(_describe(run))
    if arguments.output:
        write_json(arguments.output, result)


def _describe(run: dict) -> str:
    return (
        f"{run['threads']} thread(s): all layers {run['ratio_all_layers']:.1f} x as fast as one encode() per layer, "
        f"{run['ratio_all_layers_cut']:.1f} times as fast as with the model truncated after each (smallest cosine "
        f"{run['least_cosine']:.6f}); the last layer alone {run['ratio_last']:.1f} times as fast as encode()"
    )


def _cut_after_each_layer(model: SentenceTransformer) -> list[SentenceTransformer]:
    depth = len(model[0].auto_model.encoder.layer)
    models = [copy.deepcopy(model).eval() for _ in range(depth + 1)]
    for layers, shallow in enumerate(models):
        del shallow[0].auto_model.encoder.layer[layers:]
    return models


def _median_seconds(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each alternative, alternating, after one warm-up round."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats + 1):
        for name, way in ways.items():
            (keep_freed_memory if name in OURS else usual_memory)()
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    return {name: float(np.median(taken[1:])) for name, taken in seconds.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sample = [SAMPLE / "article.md", SAMPLE / "meta_analysis.md"]
    parser.add_argument("--texts", type=Path, nargs=2, default=sample, metavar=("ARTICLE", "META_ANALYSIS"))
    parser.add_argument("--passage-tokens", type=int, default=96)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, os.cpu_count() or 1])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--machine", default="", help="description of the machine, for the JSON")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
