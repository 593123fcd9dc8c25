"""What `topores topology` says of runs on real texts, and of runs on shuffled pairings beside them: docs/findings.md.

    python benchmarks/findings.py --texts FOLDER [FOLDER ...] --pairs FILE.jsonl --seeds 0 1 2 --output findings.json

FOLDER holds article.txt and meta_analysis.txt. Each corpus is trained with each encoder and seed, with runs on permuted
pairs beside it; then the run, and one of its nulls against the others, are judged by the same protocol. Written after
each run; a run that is there is not made again.
"""

import argparse
import dataclasses
import itertools
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np

from topores import analyse, train
from topores.compute.files import write_json
from topores.domain import Analysis
from topores.training.provenance import versions

CYCLES = {
    "full": (4, "0,1,2,4"),
    "loreft": (200, "0,1,2,5,10,20,50,100,200"),
    "linear": (200, "0,1,2,5,10,20,50,100,200"),
}
HELD_OUT = 0.3


def main() -> None:
    arguments = _arguments()
    corpora = {
        f.name: {"article": f / "article.txt", "meta_analysis": f / "meta_analysis.txt"} for f in arguments.texts
    }
    corpora |= {file.stem: {"pairs": file} for file in arguments.pairs}
    kept = json.loads(arguments.output.read_text(encoding="utf-8"))["runs"] if arguments.output.is_file() else []
    there = {(run["corpus"], run["encoder"], run["seed"]) for run in kept}
    for seed, (name, texts), encoder in itertools.product(arguments.seeds, corpora.items(), arguments.encoders):
        if (name, encoder, seed) in there:
            continue
        kept.append(
            {"corpus": name, "encoder": encoder, "seed": seed, **_judged(texts, encoder, seed, arguments.nulls)}
        )
        write_json(arguments.output, {"held_out": HELD_OUT, "versions": versions(), "runs": kept})
        print(f"{name}, {encoder}, seed {seed}: {kept[-1]['true']['sentence']}\n", flush=True)
    print(_table(kept))


def _judged(texts: dict[str, Path], encoder: str, seed: int, nulls: int) -> dict:
    cycles, checkpoints = CYCLES[encoder]
    folder = Path(tempfile.mkdtemp())
    try:
        run = train(
            **texts, encoder=encoder, seed=seed, cycles=cycles, checkpoints=checkpoints, held_out=HELD_OUT,
            null="shuffled", seeds=nulls, output=folder / "run",
        )  # fmt: skip
        began = time.monotonic()
        true = analyse(run.folder)
        seconds = time.monotonic() - began
        null = analyse(run.folder / "nulls" / "shuffled-1", layers="last", nulls="dropout,resample,shuffled")
    finally:
        shutil.rmtree(folder)
    return {"seconds": round(seconds, 1), "true": _told(true), "shuffled": _told(null)}


def _told(analysis: Analysis) -> dict:
    tracks = [
        {"persistence": [None if b is None or d is None else d - b for b, d in zip(t.births, t.deaths, strict=True)],
         "sure": t.sure, "layers": t.layers, "p": t.p, "stability": t.stability}
        for t in analysis.tracks
    ]  # fmt: skip
    verdict = analysis.verdict
    return {
        "sentence": verdict.sentence, "outcome": verdict.outcome, "movement": verdict.movement,
        "claims": [dataclasses.asdict(claim) for claim in verdict.claims], "tracks": tracks,
    }  # fmt: skip


def _table(runs: list[dict]) -> str:
    """How often each outcome, and which numbers stand outside the runs on shuffled pairings."""
    rows = [
        f"{'corpus':16}{'encoder':9}{'runs':>5}  outcomes of true runs | of shuffled ones | outside shuffled (p < .05)"
    ]
    for corpus, encoder in dict.fromkeys((run["corpus"], run["encoder"]) for run in runs):
        own = [run for run in runs if (run["corpus"], run["encoder"]) == (corpus, encoder)]
        outcomes = [_counts([run[kind]["outcome"] for run in own]) for kind in ("true", "shuffled")]
        outside = _counts(
            [c["what"].partition(",")[0] for run in own for c in run["true"]["claims"] if _is_outside(c)]
        )  # fmt: skip
        rows.append(f"{corpus:16}{encoder:9}{len(own):>5}  {outcomes[0]} | {outcomes[1]} | {outside or 'nothing'}")
    seconds = [run["seconds"] for run in runs if "seconds" in run]  # not kept where the machine was busy
    if seconds:
        rows.append(f"an analysis takes {np.median(seconds):.0f} s (median), {max(seconds):.0f} s at most")
    return "\n".join(rows)


def _is_outside(claim: dict) -> bool:
    return "runs on shuffled pairings beside it" in claim["what"] and claim["p"] < 0.05


def _counts(words: list[str]) -> str:
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, nargs="+", default=[], metavar="FOLDER")
    parser.add_argument("--pairs", type=Path, nargs="+", default=[])
    parser.add_argument("--encoders", nargs="+", default=["loreft"], choices=list(CYCLES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--nulls", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("findings.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
