"""Quality after equal cycles: topores compared with sentence-transformers on the same training pairs, over seeds.

    python benchmarks/train_quality.py --pairs FILE --seeds 3 --cycles 4 --output FILE.json

The peer is SentenceTransformerTrainer with MultipleNegativesRankingLoss, the four pairings as four rows per pair, the
same number of pairs per batch, and the same constant learning rate. Both train on the training side of the same split,
which depends on the seed, and are measured by the same held-out queries. Only the difference at equal cycles is a
claim.
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
from datasets import Dataset
from measuring import held_out_mrr
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from topores import train
from topores.compute.files import write_json
from topores.domain import DIRECTIONS, Corpus
from topores.evaluations.retrieval import metrics_of
from topores.runs import Run
from topores.text.retrieval import ranks
from topores.training.provenance import versions


def main() -> None:
    arguments = _arguments()
    runs = []
    for seed in range(arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            ours = train(
                pairs=arguments.pairs, seed=seed, cycles=arguments.cycles, batch_size=arguments.batch_size,
                checkpoints="0", output=Path(folder) / "run",
            )  # fmt: skip
            found = {
                "untrained": held_out_mrr(ours.metrics[0]),
                "ours": held_out_mrr(ours.metrics[-1]),
                "today": held_out_mrr(_train_with_library(ours, seed, arguments, Path(folder) / "trainer")),
            }
        runs.append({"seed": seed, **found})
        print(f"seed {seed}: " + ", ".join(f"{name} {value:.3f}" for name, value in found.items()), flush=True)
        write_json(arguments.output, {"corpus": arguments.pairs.stem, "cycles": arguments.cycles,
                                      "versions": versions(), "runs": runs})  # fmt: skip
    apart = np.array([run["ours"] - run["today"] for run in runs])
    print(f"topores minus peer: {apart.mean():+.3f}, standard deviation over seeds {apart.std(ddof=1):.3f}")


def _train_with_library(run: Run, seed: int, arguments: argparse.Namespace, folder: Path) -> dict:
    """Metrics of the untrained model after as many cycles of the library's Trainer."""
    corpus = run.corpus
    model = SentenceTransformer(str(run.checkpoints[0]), device="cpu")
    data = _four_rows(corpus)
    settings = SentenceTransformerTrainingArguments(
        str(folder), num_train_epochs=arguments.cycles, per_device_train_batch_size=4 * arguments.batch_size, seed=seed,
        learning_rate=run.options.learning_rate, weight_decay=run.options.weight_decay, lr_scheduler_type="constant",
        save_strategy="no", report_to="none", disable_tqdm=True, logging_strategy="no", use_cpu=True,
    )  # fmt: skip
    loss = MultipleNegativesRankingLoss(model, scale=1 / run.options.objective_options.temperature)
    SentenceTransformerTrainer(model=model, args=settings, train_dataset=data, loss=loss).train()
    rows = [model.encode([p.text for p in side], normalize_embeddings=True) for side in (corpus.t1, corpus.t2)]
    return metrics_of({("held_out", way): ranks(*rows, corpus, "held_out", way) for way in DIRECTIONS})


def _four_rows(corpus: Corpus) -> Dataset:
    pairs = corpus.pairs
    texts = [(corpus.t1[pairs.t1[i]].text, corpus.t2[pairs.t2[i]].text) for i in corpus.pairs_in("train")]
    rows = [row for a, b in texts for row in ((a, a), (b, b), (a, b), (b, a))]
    return Dataset.from_dict({"anchor": [a for a, _ in rows], "positive": [b for _, b in rows]})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cycles", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/train_quality.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
