"""Feedback beside its controls: what the loop adds to the same matrix without one, and to a bias.

    python benchmarks/feedback_controls.py --texts FOLDER --layers last --cycles 3 --output FILE.json

FOLDER contains article.txt and meta_analysis.txt. All kinds are trained on the same batches; each of them is a row of
the table: held-out MRR at each cycle (mean of both directions), contraction and spectral radius of a pass, and what
the same weights find when they are read at other numbers of passes. A kind that loops takes some 50 CPU-seconds, a
control 20.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
from measuring import held_out_mrr

from topores import train
from topores.backbones.loading import open_model
from topores.config.encoders.feedback import LOOPING
from topores.domain import DIRECTIONS
from topores.modules.feedback import FeedbackTransformer
from topores.runs import Run
from topores.text.retrieval import ranks

KINDS = ("loop", "none", "bias", "memory")
READ_AT = (1, 2, 3, 4, 8)


def main() -> None:
    arguments = _arguments()
    texts = {name: arguments.texts / f"{name}.txt" for name in ("article", "meta_analysis")}
    # Kinds that are there already stay: each can be measured by itself.
    found = json.loads(arguments.output.read_text(encoding="utf-8")) if arguments.output.is_file() else {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in arguments.kinds:
            began = time.process_time()
            run = train(
                **texts, encoder="feedback", feedback=kind, layers=arguments.layers, cycles=arguments.cycles,
                output=Path(folder) / kind, device="cpu", seed=arguments.seed,
            )  # fmt: skip
            found[kind] = {
                "held_out_mrr": {line["cycle"]: held_out_mrr(line) for line in run.metrics},
                "contraction": run.metrics[-1].get("feedback_contraction"),
                "radius": run.metrics[-1].get("feedback_radius"),
                "read_at": read_at(run) if kind in LOOPING else None,
                "cpu_seconds": time.process_time() - began,
            }
            print(kind, json.dumps(found[kind]))
            arguments.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def read_at(run: Run) -> dict[int, float]:
    """Held-out MRR of the last checkpoint by number of passes."""
    encoder, corpus = open_model(str(run.checkpoints[max(run.checkpoints)]), "cpu"), run.corpus
    found = {}
    for passes in READ_AT:
        transformer = encoder.model[0]
        assert isinstance(transformer, FeedbackTransformer)
        transformer.passes = passes
        one, other = (encoder.encode([p.text for p in side], [p.side for p in side]) for side in (corpus.t1, corpus.t2))
        found[passes] = float(np.mean([(1 / ranks(one, other, corpus, "held_out", way)).mean() for way in DIRECTIONS]))
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--layers", default="last")
    parser.add_argument("--cycles", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "feedback_controls.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
