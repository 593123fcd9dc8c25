"""Verdicts of `topores topology` on real texts, for true and for shuffled pairings; see docs/findings.md.

    python benchmarks/findings.py --texts FOLDER [FOLDER ...] --pairs FILE.jsonl --seeds 0 1 2 --output findings.json

FOLDER contains article.txt and meta_analysis.txt. Each corpus is trained with each encoder and seed, and also on
permuted pairs. The true run, and one of its nulls against the others, are judged by the same protocol. Results are
written after each run, and existing ones are not repeated.
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
            {"corpus": name, "encoder": encoder, "seed": seed, **_judge_run(texts, encoder, seed, arguments.nulls)}
        )
        write_json(arguments.output, {"held_out": HELD_OUT, "versions": versions(), "runs": kept})
        print(f"{name}, {encoder}, seed {seed}: {kept[-1]['true']['sentence']}\n", flush=True)
    print(_table(kept), _retrieval(kept), _changes(kept), _movement(kept), _tracks(kept), sep="\n\n")


def _judge_run(texts: dict[str, Path], encoder: str, seed: int, nulls: int) -> dict:
    cycles, checkpoints = CYCLES[encoder]
    folder = Path(tempfile.mkdtemp())
    try:
        run = train(
            **texts, encoder=encoder, seed=seed, cycles=cycles, checkpoints=checkpoints, held_out=HELD_OUT, folds=1,
            null="shuffled", seeds=nulls, output=folder / "run",
        )  # fmt: skip
        began = time.monotonic()
        true = analyse(run.folder)
        seconds = time.monotonic() - began
        null = analyse(run.folder / "nulls" / "shuffled-1", layers="last", nulls="dropout,resample,shuffled")
    finally:
        shutil.rmtree(folder)
    return {"seconds": round(seconds, 1), "true": _summarise(true), "shuffled": _summarise(null)}


def _summarise(analysis: Analysis) -> dict:
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
    """Table of outcomes, and of the quantities that differ from runs on shuffled pairings."""
    rows = [
        f"{'corpus':16}{'encoder':9}{'runs':>5}  outcomes of true runs | of shuffled runs | beyond shuffled (p < .05)"
    ]
    for corpus, encoder in dict.fromkeys((run["corpus"], run["encoder"]) for run in runs):
        own = [run for run in runs if (run["corpus"], run["encoder"]) == (corpus, encoder)]
        outcomes = [_counts([run[kind]["outcome"] for run in own]) for kind in ("true", "shuffled")]
        outside = _counts(
            [c["what"].partition(",")[0] for run in own for c in run["true"]["claims"] if _is_outside(c)]
        )  # fmt: skip
        rows.append(f"{corpus:16}{encoder:9}{len(own):>5}  {outcomes[0]} | {outcomes[1]} | {outside or 'nothing'}")
    seconds = [run["seconds"] for run in runs if "seconds" in run]  # absent if the machine was busy
    if seconds:
        rows.append(f"an analysis takes {np.median(seconds):.0f} s (median), at most {max(seconds):.0f} s")
    return "\n".join(rows)


def _claim(run: dict, beginning: str) -> dict | None:
    return next((claim for claim in run["true"]["claims"] if claim["what"].startswith(beginning)), None)


def _retrieval(runs: list[dict]) -> str:
    rows = ["held-out MRR before, after, p | after, mean of both directions; after shuffled, p | training MRR"]
    for run in runs:
        own, beside, trained = (
            _claim(run, f"MRR of {kind} pairs, last state ({null}")
            for kind, null in (("held-out", "first"), ("held-out", "mean"), ("training", "first"))
        )
        if not (own and beside and trained):
            continue
        rows.append(
            f"{run['corpus']:16}{run['seed']}  {own['null']:.3f}, {own['value']:.3f}, p {own['p']:.2g} | "
            f"{beside['value']:.3f}; {beside['null']:.3f}, p {beside['p']:.2g} | {trained['null']:.2f} to "
            f"{trained['value']:.2f}"
        )
    return "\n".join(rows)


def _changes(runs: list[dict]) -> str:
    """Mean change by corpus with its noise floor; runs beyond the floor, and runs beyond shuffled pairings."""
    rows = ["change (noise floor) by corpus | beyond the floor | last state beyond shuffled, and above their mean"]
    names = [c["what"].removeprefix("change of ").partition(" (")[0] for c in runs[0]["true"]["claims"]
             if c["what"].startswith("change of ")]  # fmt: skip
    for name in names:
        changes = {(r["corpus"], r["seed"]): _claim(r, f"change of {name}") for r in runs}
        ends = {(r["corpus"], r["seed"]): _claim(r, f"{name}, last state (mean of") for r in runs}
        told = []
        for corpus in dict.fromkeys(run["corpus"] for run in runs):
            own = [claim for (of, _), claim in changes.items() if of == corpus and claim]
            told.append(f"{np.mean([c['value'] for c in own]):.3g} ({np.mean([c['null'] for c in own]):.2g})")
        beyond = sum(abs(claim["value"]) > claim["null"] for claim in changes.values() if claim)
        outside = [f"{of} {seed}" for (of, seed), claim in ends.items() if claim and _is_outside(claim)]
        above = sum(claim["value"] > claim["null"] for claim in ends.values() if claim)
        span = [(claim["value"], claim["null"]) for claim in ends.values() if claim]
        least, most = np.min(span, axis=0), np.max(span, axis=0)
        rows.append(
            f"{name:28} {'  '.join(told)} | {beyond} of {len(runs)} | {len(outside)} ({', '.join(outside)}), above in "
            f"{above}; {least[0]:.3g} to {most[0]:.3g}, shuffled {least[1]:.3g} to {most[1]:.3g}"
        )
    return "\n".join(rows)


def _movement(runs: list[dict]) -> str:
    shares = [
        f"share of the squared movement that {part}"
        for part in ("one rotation and scale explain", "the texts' own rotations explain", "the texts' centres make")
    ]
    rows = [
        "movement explained by one rotation and scale, by chance, p | own rotations | centres | distance, dropout | "
        "rotation and distance compared with shuffled pairings, p (and of a shuffled run against the others)"
    ]
    beside = (shares[0], "movement of the passages")
    for run in runs:
        found = [_claim(run, share) for share in shares]
        moved = _claim(run, "movement of the passages")
        told = [f"{c['value']:.3f}, {c['null']:.3f}, p {c['p']:.2g}" for c in found if c]
        far = f"{moved['value']:.2f}, {moved['null']:.2f}" if moved else ""
        gaps = [_claim(run, f"widest gap between clusters, cycle {cycle}") for cycle in (0, CYCLES[run["encoder"]][0])]
        gap = ", ".join(f"{c['p']:.2g}" for c in gaps if c)
        pairing = [
            _claim({"true": run[kind]}, f"{what}, last state (mean of")
            for kind in ("true", "shuffled")
            for what in beside
        ]
        paired = " | ".join(f"{c['value']:.3f}, {c['null']:.3f}, p {c['p']:.2g}" for c in pairing if c)
        row = f"{run['corpus']:16}{run['seed']}  {' | '.join(told)} | {far} | {paired} | p of the widest gap {gap}"
        if pairing[0] and pairing[1]:
            own, others = ((1 - pairing[0][of]) * pairing[1][of] ** 2 for of in ("value", "null"))
            row += f" | {own / others:.2f} times the deformation of shuffled pairings"
        rows.append(row)
    return "\n".join(rows)


def _tracks(runs: list[dict]) -> str:
    tracks = [track for run in runs for track in run["true"]["tracks"]]
    first = [track["persistence"][0] or 0.0 for track in tracks]
    most = [max(bar or 0.0 for bar in track["persistence"]) for track in tracks]
    stability = [track["stability"] for track in tracks if track["stability"] is not None]
    below = [(run["corpus"], run["seed"], track["layers"])
             for run in runs for track in run["true"]["tracks"] if len(track["layers"]) > 1]  # fmt: skip
    late = [f"{run['corpus']} {run['seed']}" for run in runs for track in run["true"]["tracks"]
            if not track["persistence"][0]]  # fmt: skip
    sure = [step for track in tracks for step in track["sure"]]
    return (
        f"{len(tracks)} loops tracked, {sum(sure)} of {len(sure)} steps sure; {sum(bar > 0 for bar in first)} exist at "
        f"the start, up to {max(first):.2f}, peaks {min(most):.2f} to {max(most):.2f}; later: {', '.join(late)}\n"
        f"stability {min(stability):.0%} to {max(stability):.0%}, smallest p {min(t['p'] for t in tracks):.2g}; in "
        f"more than one layer: {below}"
    )


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
