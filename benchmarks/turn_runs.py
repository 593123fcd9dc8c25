"""Values of every monitor in runs on true and on shuffled pairings, by cycle: the input of benchmarks/turn.py.

    python benchmarks/turn_runs.py --texts FOLDER [FOLDER ...] --pairs FILE.jsonl --seeds 0 1 2 --output FILE.jsonl

FOLDER contains article.txt and meta_analysis.txt. Each corpus is trained with each encoder and seed, on true and on
permuted pairs. Each state is measured at the last layer, with distances in radians, over all training passages (t1 and
t2 together) and over all others. Results are written after each run, and existing ones are not repeated.
"""

import argparse
import itertools
import json
import os
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np

from topores import train
from topores.analysis.sources import run_source
from topores.runs import Run
from topores.topology import (
    Filtration,
    alignment,
    intrinsic_dimension,
    modality_gap,
    pairwise_distances,
    persistent_homology,
    rank_me,
    rtd,
    total_persistence,
    uniformity,
)  # fmt: skip

HEADS = ("linear", "loreft")
CYCLES = {True: "0,1,2,3,5,7,10,14,20,28,40,56,80,113,160,226,320,452", False: "every:1"}
LAST = {True: 452, False: 12}
HELD_OUT = 0.3
GAUSSIAN_CLOUDS = 5


def main() -> None:
    arguments = _arguments()
    two = ("article", "meta_analysis")
    corpora = {folder.name: {name: folder / f"{name}.txt" for name in two} for folder in arguments.texts}
    corpora |= {file.stem: {"pairs": file} for file in arguments.pairs}
    there = _places(arguments.output)
    # Seeds outermost, so that an interrupted measurement is still balanced.
    for seed, (name, texts), encoder in itertools.product(arguments.seeds, corpora.items(), arguments.encoders):
        if (name, encoder, seed) not in there:
            lines = _measure_runs(name, texts, encoder, seed, arguments.nulls)
            with arguments.output.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
            print(f"{name} {encoder} seed {seed}: {len(lines)} runs", flush=True)


def _measure_runs(name: str, texts: dict[str, Path], encoder: str, seed: int, nulls: int) -> list[dict]:
    head = encoder in HEADS
    with tempfile.TemporaryDirectory() as folder:
        run = train(
            **texts, encoder=encoder, seed=seed, cycles=LAST[head], checkpoints=CYCLES[head], held_out=HELD_OUT,
            folds=1, null="shuffled", seeds=nulls, output=Path(folder) / "run",
        )  # fmt: skip
        return [
            {"corpus": name, "encoder": encoder, "seed": seed, "pairing": pairing, "states": _states(each)}
            for pairing, each in {"true": run, **run.nulls}.items()
        ]


def _states(run: Run) -> list[dict]:
    source, lines = run_source(run, run.states, "cpu"), {line["cycle"]: line for line in run.metrics}
    corpus, first, found = run.corpus, None, []
    trained_on = np.array([split == "train" for split in (*corpus.split_1, *corpus.split_2)])
    n_1, chosen = len(corpus.t1), corpus.pairs_in("train")
    for state in run.states:
        (rows,) = source.layers_of(state, "last", None).values()
        rows = rows.astype(np.float64)
        first = rows if first is None else first
        line = lines[state.cycle]
        gap = modality_gap(rows[:n_1][trained_on[:n_1]], rows[n_1:][trained_on[n_1:]])
        near = alignment(rows[:n_1][corpus.pairs.t1[chosen]], rows[n_1:][corpus.pairs.t2[chosen]])
        found.append(
            {
                "cycle": state.cycle, "seconds": line["seconds"],
                "held_out_mrr": _mean(line, "held_out_mrr"), "train_mrr": _mean(line, "train_mrr"),
                "loss": line["loss"], "one_minus_p": line["one_minus_p"], "alignment": near, "modality_gap": gap,
                "rtd": rtd(first[trained_on], rows[trained_on]) if state.cycle else 0.0,
                **_cloud_measures(rows[trained_on]),
                **{f"held.{measure}": value for measure, value in _cloud_measures(rows[~trained_on]).items()},
            }
        )  # fmt: skip
    return found


def _mean(line: dict, name: str) -> float | None:
    both = [line[f"{name}_{way}"] for way in ("1to2", "2to1")]
    return None if None in both else float(np.mean(both))


def _cloud_measures(rows: np.ndarray) -> dict[str, float]:
    filtration = Filtration(rows)
    clusters, loops = filtration.diagrams(max_degree=1)
    distances = pairwise_distances(rows)
    fifth = np.sort(distances, axis=1)[:, 5].mean()
    return {
        "total_persistence": total_persistence(loops),
        "spanning_tree": total_persistence(clusters),
        "over_spectrum": total_persistence(loops) / _spectrum_persistence(rows),
        "uniformity": uniformity(rows),
        "rank_me": rank_me(rows),
        "intrinsic_dimension": intrinsic_dimension(rows),
        "fifth_neighbour": float(fifth),
    }


def _spectrum_persistence(rows: np.ndarray) -> float:
    """Mean total persistence of Gaussian clouds of the same mean and covariance, projected onto the sphere."""
    centre, draw = rows.mean(axis=0), np.random.default_rng(0)
    _, sizes, directions = np.linalg.svd(rows - centre, full_matrices=False)
    scaled = sizes[:, None] * directions / np.sqrt(len(rows) - 1)
    found = []
    for _ in range(GAUSSIAN_CLOUDS):
        cloud = centre + draw.normal(size=(len(rows), len(sizes))) @ scaled
        found.append(total_persistence(persistent_homology(cloud)[1]))
    return float(np.mean(found))


def _places(path: Path) -> set[tuple[str, str, int]]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {(run["corpus"], run["encoder"], run["seed"]) for run in map(json.loads, lines)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, nargs="+", default=[], metavar="FOLDER")
    parser.add_argument("--pairs", type=Path, nargs="+", default=[])
    parser.add_argument("--encoders", nargs="+", default=["loreft", "linear", "full"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--nulls", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("turn_runs.jsonl"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
