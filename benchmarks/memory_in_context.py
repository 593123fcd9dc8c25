"""A memory in context: what a billion cycles cost, how exact they are, and what held-out partners gain.

    python benchmarks/memory_in_context.py --texts FOLDER [FOLDER ...] --pairs FILE.jsonl [FILE ...] --output FILE.json

FOLDER contains article.txt and meta_analysis.txt. The mean reciprocal rank is over all pairs, each held out in one of
five folds, beside runs whose training pairs are permuted. Only base rows are computed by the model, so that the rest is
a matter of seconds.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
from threadpoolctl import threadpool_limits

from topores.backbones.delta_rule import DeltaMemory, Write
from topores.config import TrainConfig
from topores.domain import DIRECTIONS, Corpus
from topores.encoders.memory import MemoryEncoder, build
from topores.text.retrieval import ranks
from topores.text.shuffling import with_shuffled_pairs
from topores.training.agreement import resolve_defaults
from topores.training.folds import fold_corpora
from topores.training.prepare import build_corpus, open_reader, read_texts

CYCLES = (0, 1, 10, 10**9)
PERMUTATIONS = 4
DIM = 384


def main() -> None:
    arguments = _arguments()
    found: dict[str, object] = {"exactness": exactness()}
    corpora = {
        folder.name: {n: folder / f"{n}.txt" for n in ("article", "meta_analysis")} for folder in arguments.texts
    }
    corpora |= {file.stem: {"pairs": file} for file in arguments.pairs}
    for name, texts in corpora.items():
        found[name] = retrieval(TrainConfig.from_mapping({**texts, "encoder": "memory", "device": "cpu"}))
        print(name)
        for kind, by_cycle in found[name]["held_out_mrr"].items():  # type: ignore[index]
            print(f"  {kind:9}", "  ".join(f"{cycle}: {mrr:.3f}" for cycle, mrr in by_cycle.items()))
        print("  ", {key: value for key, value in found[name].items() if key != "held_out_mrr"})  # type: ignore[union-attr]
    arguments.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def exactness() -> dict[str, float]:
    """A thousand literal cycles of 40 passages beside repeated squaring, and the seconds of a billion of 200."""
    rows, writes = _drawn(40)
    state = np.zeros((DIM, DIM))
    with threadpool_limits(1):
        began = time.perf_counter()
        for _ in range(1000):
            for key, value, rate in writes:
                state += np.outer(rate * rows[key], rows[value] - rows[key] @ state)
        literal = time.perf_counter() - began
        error = float(np.abs(DeltaMemory(rows, writes).state_after(1000) - state).max())
        rows, writes = _drawn(200)
        began = time.perf_counter()
        DeltaMemory(rows, writes).state_after(10**9)
        billion = time.perf_counter() - began
    found = {"error_at_1000": error, "seconds_of_1000_literal": literal, "seconds_of_1e9": billion}
    print(", ".join(f"{name} {value:.2g}" for name, value in found.items()))
    return found


def _drawn(passages: int) -> tuple[np.ndarray, list[Write]]:
    """Unit rows at random, and the writes of the four pairings between their halves."""
    rows = np.random.default_rng(0).normal(size=(passages, DIM))
    half = passages // 2
    writes = [
        Write(key, value, 0.5)
        for a, b in zip(range(half), range(half, passages), strict=True)
        for key, value in ((a, a), (b, b), (a, b), (b, a))
    ]
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), writes


def retrieval(config: TrainConfig) -> dict[str, object]:
    """Held-out MRR by kind of pairs and cycle, mean over all pairs of five folds, and the facts of the first fold."""
    config = resolve_defaults(config, "cpu")
    texts, encoder = read_texts(config), build(config, "cpu")
    corpus = build_corpus(config, texts, open_reader(config, "cpu"))
    folds = fold_corpora(config, texts, corpus, usual=encoder.usual_folds)
    true = [_by_cycle(encoder, fold, config) for fold in folds]
    shuffled = [
        _by_cycle(encoder, with_shuffled_pairs(fold, seed), config)
        for fold in folds
        for seed in range(1, PERMUTATIONS + 1)
    ]
    encoder.prepare(folds[0], config)
    encoder.write(10**9)
    facts = {name: encoder.facts(folds[0])[name] for name in ("memory_norm", "memory_radius", "memory_recall")}
    means = {
        kind: {cycle: float(np.mean([np.concatenate(one[cycle]).mean() for one in runs])) for cycle in CYCLES}
        for kind, runs in (("true", true), ("shuffled", shuffled))
    }
    return {"held_out_mrr": means, "folds": len(folds), "pairs": len(corpus.pairs), **facts}


def _by_cycle(encoder: MemoryEncoder, corpus: Corpus, config: TrainConfig) -> dict[int, list[np.ndarray]]:
    """Reciprocal ranks of the held-out queries in both directions."""
    encoder.prepare(corpus, config)
    found = {}
    for cycle in CYCLES:
        encoder.write(cycle)
        one, other = (encoder.encode([p.text for p in side], [p.side for p in side]) for side in (corpus.t1, corpus.t2))
        found[cycle] = [1 / ranks(one, other, corpus, "held_out", way) for way in DIRECTIONS]
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, nargs="*", default=[])
    parser.add_argument("--pairs", type=Path, nargs="*", default=[])
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "memory_in_context.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
