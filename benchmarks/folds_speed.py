"""Cost of a run with its folds and nulls beside that of one run, and of the demo from an empty cache.

    python benchmarks/folds_speed.py --texts FOLDER --output benchmarks/results/folds_speed.json

The folder has article.txt and meta_analysis.txt. Both sides train in this process, in alternation; the first round is
not counted.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from measuring import alternate

from topores import train
from topores.compute.files import write_json
from topores.training.provenance import versions

FOLDS, NULLS = 5, 4


def main() -> None:
    arguments = _arguments()
    found: dict[str, Any] = {"cycles": arguments.cycles, "versions": versions(), "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as folder:
        for encoder in arguments.encoders:
            own = partial(_train, arguments.texts, encoder, arguments.cycles, Path(folder) / "run")
            taken = alternate({"one": partial(own, 1), "all": partial(own, FOLDS)}, arguments.repeats)
            one, whole = (median(taken[side]) for side in ("one", "all"))
            found[encoder] = {"one": one, "all": whole, "ratio": median(_ratios(taken))}
            runs = FOLDS * (1 + NULLS)
            print(f"{encoder:10} {runs} runs {whole:6.1f} s, one {one:6.1f} s, ratio {found[encoder]['ratio']:.1f}")
    found["demo"] = _demo()
    print(f"demo from an empty cache: {found['demo']:.0f} s")
    if arguments.output:
        write_json(arguments.output, found)


def _ratios(taken: dict[str, list[float]]) -> list[float]:
    return [whole / one for whole, one in zip(taken["all"], taken["one"], strict=True)]


def _train(texts: Path, encoder: str, cycles: int, output: Path, folds: int) -> None:
    """With or without the other folds and all nulls; nothing is taken from an earlier run but the cache's rows."""
    shutil.rmtree(output, ignore_errors=True)
    train(
        article=texts / "article.txt", meta_analysis=texts / "meta_analysis.txt", encoder=encoder, cycles=cycles,
        folds=folds, null="shuffled" if folds > 1 else "none", seeds=NULLS, output=output,
    )  # fmt: skip


def _demo() -> float:
    """Seconds of `topores demo` in a process, a folder and a cache of its own."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TOPORES_CACHE": str(Path(folder) / "cache")}
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "topores", "demo", "-q"], cwd=folder, env=environment, check=True)
        return time.perf_counter() - began


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--encoders", nargs="+", default=["linear", "loreft"])
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
