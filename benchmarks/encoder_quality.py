"""What each encoder learns from two fixed texts, its cost, and how it changes the space; see docs/heads.md.

    python benchmarks/encoder_quality.py --texts ARTICLE META_ANALYSIS --pairs FILE.jsonl --seeds 3 --output FILE.json

Trains every corpus with each encoder and each seed (a seed changes the split, the draws and the dropout) and measures
at a few kept cycles: held-out and train MRR, RankMe, uniformity, and total persistence of loops in the union cloud (all
passages, last layer, radians). The time per cycle is the median between logged cycles and includes their evaluation,
which for heads is most of it; `heads_speed.py` measures the step alone. Results are written after each run.
"""

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import numpy as np
from measuring import held_out_mrr

from topores import train
from topores.backbones.loading import open_model
from topores.compute.files import write_json
from topores.runs import Run
from topores.topology import persistent_homology, total_persistence
from topores.training.provenance import versions

HEADS = ("linear", "loreft", "rotation", "relative_rotation")
ENCODERS = (*HEADS, "full", "lora", "oft")
CYCLES = {True: (0, 5, 20, 100, 200), False: (0, 1, 2, 4)}
"""Kept cycles of heads (True) and of encoders that train within the transformer (False)."""
MEASURED = ("cycle", "loss", "uniformity", "rank_me", "modality_gap", "alignment", "seconds")


def main() -> None:
    arguments = _arguments()
    corpora = {}
    if arguments.texts:
        article, meta_analysis = arguments.texts
        corpora[article.resolve().parent.name] = {"article": article, "meta_analysis": meta_analysis}
    corpora |= {file.stem: {"pairs": file} for file in arguments.pairs}
    runs: list[dict] = []
    # Seeds outermost, so that an interrupted measurement is still balanced.
    for seed, (name, texts), encoder in itertools.product(arguments.seeds, corpora.items(), arguments.encoders):
        runs.append({"corpus": name, "encoder": encoder, "seed": seed, **_run(texts, encoder, seed)})
        write_json(arguments.output, {"machine": arguments.machine, "versions": versions(), "runs": runs})
        print(_line(runs[-1]), flush=True)
    for name in corpora:
        print(_table(name, [run for run in runs if run["corpus"] == name], arguments.encoders))


def _run(texts: dict[str, Path], encoder: str, seed: int) -> dict:
    cycles = CYCLES[encoder in HEADS]
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        run = train(
            **texts, encoder=encoder, seed=seed, cycles=cycles[-1], folds=1, device="cpu", precision="fp32",
            checkpoints=",".join(map(str, cycles)), output=Path(folder) / "run",
        )  # fmt: skip
        spent = time.process_time() - began
        lines = {line["cycle"]: line for line in run.metrics}
        kept = [_measurements(run, cycle, lines[cycle]) for cycle in run.checkpoints]
        return {
            "options": {name: run.options.to_mapping().get(name) for name in ("learning_rate", "batch_size", "rank")},
            "passages": [len(run.corpus.t1), len(run.corpus.t2)],
            "held_out_pairs": len(run.corpus.pairs_in("held_out")),
            "seconds_a_cycle": _seconds_a_cycle(run.metrics), "cpu_seconds": spent, "cycles": kept,
        }  # fmt: skip


def _measurements(run: Run, cycle: int, line: dict) -> dict:
    passages = (*run.corpus.t1, *run.corpus.t2)
    rows = open_model(str(run.checkpoints[cycle]), "cpu").encode([p.text for p in passages], [p.side for p in passages])
    loops = total_persistence(persistent_homology(rows)[1])
    figures = {name: value for name, value in line.items() if name in MEASURED or "mrr" in name}
    return {**figures, "total_persistence_1": loops}


def _seconds_a_cycle(metrics: list[dict]) -> float:
    """Median over intervals between logged cycles; few of them include writing a checkpoint."""
    steps = [(b["seconds"] - a["seconds"]) / (b["cycle"] - a["cycle"]) for a, b in itertools.pairwise(metrics)]
    return float(np.median(steps))


def _line(run: dict) -> str:
    mrr = [round(held_out_mrr(line), 3) for line in run["cycles"]]
    return f"{run['corpus']} {run['encoder']} seed {run['seed']}: {mrr}, {run['seconds_a_cycle']:.3f} s per cycle"


def _table(name: str, runs: list[dict], encoders: list[str]) -> str:
    """Table of means over seeds at each kept cycle."""
    head = f"{'encoder':18}{'cycle':>6}{'held-out MRR':>15}{'train MRR':>11}{'RankMe':>8}{'loops':>8}{'s/cycle':>9}"
    rows = [f"\n{name}, mean (and standard deviation) over seeds", head]
    for encoder in encoders:
        of_encoder = [run for run in runs if run["encoder"] == encoder]
        if not of_encoder:
            continue
        for number, line in enumerate(of_encoder[0]["cycles"]):
            at = [run["cycles"][number] for run in of_encoder]
            held = np.array([held_out_mrr(line) for line in at])
            known = np.mean([(line["train_mrr_1to2"] + line["train_mrr_2to1"]) / 2 for line in at])
            rank, loops = (np.mean([line[key] for line in at]) for key in ("rank_me", "total_persistence_1"))
            cost = np.median([run["seconds_a_cycle"] for run in of_encoder])
            spread = held.std(ddof=1) if len(held) > 1 else 0.0
            rows.append(
                f"{encoder:18}{line['cycle']:>6}{held.mean():>8.3f} ({spread:.3f}){known:>10.3f}{rank:>8.0f}"
                f"{loops:>8.2f}{cost:>9.3f}"
            )
    return "\n".join(rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, nargs=2, metavar=("ARTICLE", "META_ANALYSIS"))
    parser.add_argument("--pairs", type=Path, nargs="+", default=[])
    parser.add_argument("--encoders", nargs="+", default=list(ENCODERS), choices=ENCODERS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--machine", default="", help="description of the machine, for the JSON")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/encoder_quality.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
