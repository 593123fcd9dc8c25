"""How close a linearised encoder is to its base model before training, by folds; see docs/networks/recurrent.md.

    python benchmarks/recurrent_transfer.py --texts ARTICLE META_ANALYSIS --encoders gla
    python benchmarks/recurrent_transfer.py --pairs FILE.jsonl --encoders gla rwkv --variants whole no_transfer

Each variant of each encoder is made on the training passages of every fold and asked about the pairs that the fold
holds out: the mean cosine of their passages to the base model's, held-out MRR beside the base model's (mean of both
directions), CPU seconds of the transfer (not cached), and half-lives in tokens. `--forms` also measures how long the
parallel and the chunked form take for forward and backward, beside softmax attention. What is measured is added to the
JSON file; a second measurement of the same replaces the first.
"""

import argparse
import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention

from topores import variants
from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_model
from topores.backbones.recurrent import RecurrentEncoder
from topores.compute.files import write_json
from topores.config import TrainConfig
from topores.domain import DIRECTIONS, SIDES, Corpus
from topores.forward.linear_attention import in_chunks, in_parallel
from topores.text.retrieval import ranks
from topores.training.folds import fold_corpora
from topores.training.prepare import build_corpus, open_reader, read_texts
from topores.training.provenance import versions

VARIANTS = {
    "whole": {},
    "no_decay": {"decay": "none"},
    "no_transfer": {"transfer": "none"},
    "neither": {"decay": "none", "transfer": "none"},
}
"""Options of the encoder by name of the variant; all but the first are nulls."""
HALF_LIVES = ("shortest_half_life", "median_half_life", "longest_half_life")
"""In tokens; 0 where nothing is forgotten."""
LENGTHS = (64, 96, 128, 192, 256, 512)


def main() -> None:
    arguments = _arguments()
    kept = json.loads(arguments.output.read_text(encoding="utf-8")) if arguments.output.is_file() else {}
    runs: dict[str, dict] = kept.get("runs", {})
    forms = _forms() if arguments.forms else kept.get("forms", {})
    # Nothing is taken from the cache: the time of the transfer is measured.
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TOPORES_CACHE"] = folder
        for name, source in _sources(arguments).items():
            corpora = _folds(source, arguments.folds)[: arguments.first]
            base = [_rows(open_model(arguments.model, "cpu"), corpus) for corpus in corpora]
            for encoder, variant in itertools.product(arguments.encoders, arguments.variants):
                found = [
                    _measured(TrainConfig.from_mapping({
                        **source, "encoder": encoder, "model": arguments.model, **VARIANTS[variant]
                    }), corpus, rows)
                    for corpus, rows in zip(corpora, base, strict=True)
                ]  # fmt: skip
                runs[f"{name} {encoder} {variant}"] = {
                    "folds": found, "mean": {key: float(np.mean([fold[key] for fold in found])) for key in found[0]},
                }  # fmt: skip
                print(_line(f"{name} {encoder} {variant}", runs[f"{name} {encoder} {variant}"]["mean"]), flush=True)
                write_json(arguments.output, _content(arguments, runs, forms))
    write_json(arguments.output, _content(arguments, runs, forms))
    for tokens, took in forms.items():
        print(f"{tokens:>4} tokens: {', '.join(f'{form} {ratio:.1f}' for form, ratio in took.items())} x softmax")


def _content(arguments: argparse.Namespace, runs: dict, forms: dict) -> dict:
    return {"machine": arguments.machine, "versions": versions(), "runs": runs, "forms": forms}


def _sources(arguments: argparse.Namespace) -> dict[str, dict]:
    sources = {}
    if arguments.texts:
        article, meta_analysis = arguments.texts
        sources[article.resolve().parent.name] = {"article": str(article), "meta_analysis": str(meta_analysis)}
    return sources | {file.stem: {"pairs": str(file)} for file in arguments.pairs}


def _folds(source: dict, folds: int) -> list[Corpus]:
    config = TrainConfig.from_mapping({**source, "folds": folds})
    texts = read_texts(config)
    return fold_corpora(config, texts, build_corpus(config, texts, open_reader(config, "cpu")), usual=1)


def _measured(config: TrainConfig, corpus: Corpus, base: dict[str, np.ndarray]) -> dict[str, float]:
    encoder: RecurrentEncoder = variants.load("topores.encoders", config.encoder).build(config, "cpu")
    began = time.process_time()
    if config.encoder_options.transfer != "none":
        encoder.begin(corpus, config)
    seconds = time.process_time() - began
    rows, halves = _rows(encoder, corpus), np.array(encoder.half_lives())
    # Without decay they are infinite, which JSON cannot say.
    spread = (halves.min(), np.median(halves), halves.max()) if np.isfinite(halves).all() else (0.0, 0.0, 0.0)
    cosine = np.concatenate([(rows[side] * base[side]).sum(axis=1)[_held(corpus, side)] for side in SIDES]).mean()
    return {
        "cosine": float(cosine), "held_out_mrr": _mrr(rows, corpus), "base_held_out_mrr": _mrr(base, corpus),
        "cpu_seconds": seconds, **dict(zip(HALF_LIVES, map(float, spread), strict=True)),
    }  # fmt: skip


def _rows(encoder: Encoder, corpus: Corpus) -> dict[str, np.ndarray]:
    """Unit rows of the held-out passages, and zeros for the others, by side."""
    rows = {}
    for side in SIDES:
        chosen = np.flatnonzero(_held(corpus, side))
        texts = [corpus.side(side)[place].text for place in chosen]
        encoded = encoder.encode(texts, [side] * len(texts))
        rows[side] = np.zeros((len(corpus.side(side)), encoded.shape[1]), dtype=np.float32)
        rows[side][chosen] = encoded
    return rows


def _held(corpus: Corpus, side: str) -> np.ndarray:
    return np.array([where == "held_out" for where in corpus.split(side)])


def _mrr(rows: dict[str, np.ndarray], corpus: Corpus) -> float:
    return float(np.mean([(1 / ranks(rows["t1"], rows["t2"], corpus, "held_out", way)).mean() for way in DIRECTIONS]))


def _line(name: str, mean: dict[str, float]) -> str:
    return (
        f"{name:34} cosine {mean['cosine']:.3f}  held-out MRR {mean['held_out_mrr']:.3f} (base "
        f"{mean['base_held_out_mrr']:.3f})  {mean['cpu_seconds']:5.1f} CPU-s  half-lives "
        f"{mean['shortest_half_life']:.1f} {mean['median_half_life']:.1f} {mean['longest_half_life']:.0f}"
    )


def _forms() -> dict[int, dict[str, float]]:
    """Time of forward and backward as a multiple of softmax attention, by length; 8 texts, the heads of MiniLM."""
    taken = {}
    for tokens in LENGTHS:
        queries, keys = (torch.randn(8, 12, tokens, 64).softmax(dim=-1).requires_grad_() for _ in range(2))
        values = torch.randn(8, 12, tokens, 33, requires_grad=True)
        logs = (-torch.rand(8, 12, tokens) / 10).requires_grad_()
        narrow = [x[..., :32].detach().requires_grad_() for x in (queries, keys, values)]
        softmax = _best(scaled_dot_product_attention, narrow)
        given = (queries, keys, values, logs)
        taken[tokens] = {"parallel": _best(in_parallel, given) / softmax, "chunked": _best(in_chunks, given) / softmax}
    return taken


def _best(form: Callable[..., torch.Tensor], given: Sequence[torch.Tensor], repeats: int = 5) -> float:
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        form(*given).sum().backward()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, nargs=2, metavar=("ARTICLE", "META_ANALYSIS"))
    parser.add_argument("--pairs", type=Path, nargs="+", default=[])
    parser.add_argument("--encoders", nargs="+", default=["gla", "rwkv"], choices=["gla", "rwkv"])
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--first", type=int, help="how many of the folds to measure; all if not given")
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    parser.add_argument("--forms", action="store_true", help="measure the time of each form as well")
    parser.add_argument("--machine", default="", help="description of the machine, for the JSON")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/recurrent_transfer.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
