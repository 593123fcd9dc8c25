"""Which loss finds unseen partners better: the reason for the default of `--loss`.

    python benchmarks/default_loss.py --pairs FILE FILE --seeds 3 --cycles 4 --output FILE.json

Trains every corpus with each loss and each seed (a seed changes the split, the batches and the dropout), prints
held-out MRR by cycle, averaged over seeds and directions, and writes the numbers of every run as JSON. Only differences
between losses at equal cycles on held-out passages are meaningful; absolute figures are not claims.
"""

import argparse
import itertools
import tempfile
from pathlib import Path

import numpy as np
from measuring import held_out_mrr

from topores import train
from topores.compute.files import write_json
from topores.config import LOSSES
from topores.training.provenance import versions


def main() -> None:
    arguments = _arguments()
    corpora = {}
    if arguments.texts:
        article, meta_analysis = arguments.texts
        corpora[article.parent.name] = {"article": article, "meta_analysis": meta_analysis}
    corpora |= {file.stem: {"pairs": file} for file in arguments.pairs}
    runs: list[dict] = []
    # Seeds outermost, and written after each run, so that an interrupted measurement is still balanced.
    for seed, (name, texts), loss in itertools.product(range(arguments.seeds), corpora.items(), arguments.losses):
        runs.append(_run(name, texts, loss, seed, arguments.cycles))
        write_json(arguments.output, {"versions": versions(), "runs": runs})
    for name in corpora:
        print(_table(name, [run for run in runs if run["corpus"] == name], arguments.losses))


def _run(name: str, texts: dict[str, Path], loss: str, seed: int, cycles: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        run = train(**texts, loss=loss, seed=seed, cycles=cycles, checkpoints="none", output=Path(folder) / "run")
        kept = ("cycle", "loss", "uniformity", "rank_me", "modality_gap", "alignment")
        lines = [{k: v for k, v in line.items() if k in kept or "mrr" in k} for line in run.metrics]
        held_out = len(run.corpus.pairs_in("held_out"))
    print(f"{name} {loss} seed {seed}: {[round(held_out_mrr(line), 3) for line in lines]}", flush=True)
    return {"corpus": name, "loss": loss, "seed": seed, "held_out_pairs": held_out, "metrics": lines}


def _table(name: str, runs: list[dict], losses: list[str]) -> str:
    cycles = [line["cycle"] for line in runs[0]["metrics"]]
    rows = [f"\n{name}: held-out MRR, mean of seeds", "cycle     " + "".join(f"{c:>8}" for c in cycles)]
    for loss in losses:
        found = np.array([[held_out_mrr(line) for line in run["metrics"]] for run in runs if run["loss"] == loss])
        rows.append(f"{loss:10}" + "".join(f"{value:8.3f}" for value in found.mean(axis=0)))
    return "\n".join(rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, nargs=2, metavar=("ARTICLE", "META_ANALYSIS"))
    parser.add_argument("--pairs", type=Path, nargs="+", default=[])
    parser.add_argument("--losses", nargs="+", default=list(LOSSES), choices=LOSSES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cycles", type=int, default=4)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/default_loss.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
