"""What heads learn over folds: gains of unseen partners at the last cycle and at the best one, by corpus and head.

    python benchmarks/gains.py --texts FOLDER ... --pairs FILE ... --output benchmarks/results/gains.json

A corpus is a folder with article.txt and meta_analysis.txt. Every run has five folds, each beside four runs on shuffled
pairings, as `topores train` does by default; of larger pair files, rows are drawn.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np

from topores import train
from topores.analysis.gain import Over, gain_of
from topores.analysis.space_by_folds import logged_space
from topores.analysis.verdict.by_folds import judge_gain
from topores.compute.files import write_json
from topores.runs import Run
from topores.sign_flips import Interval
from topores.training.monitors import retrieval_of
from topores.training.provenance import versions

MOST_ROWS = 150


def main() -> None:
    arguments = _arguments()
    found = _done_before(arguments.output)
    with tempfile.TemporaryDirectory() as folder:
        corpora = {
            path.name: {"article": path / "article.txt", "meta_analysis": path / "meta_analysis.txt"}
            for path in arguments.texts
        }
        corpora |= {
            f"{path.parent.name}/{path.stem}": {"pairs": _some_rows(path, Path(folder))} for path in arguments.pairs
        }
        for name, texts in corpora.items():
            for encoder in arguments.encoders:
                if any((one["corpus"], one["encoder"]) == (name, encoder) for one in found):
                    continue
                began = time.monotonic()
                run = train(
                    **texts, encoder=encoder, cycles=arguments.cycles, folds=5, null="shuffled", seeds=4,
                    checkpoints="none", output=Path(folder) / f"{len(found)}",
                )  # fmt: skip
                found.append({"corpus": name, "encoder": encoder, **_judged(run), "seconds": time.monotonic() - began})
                print(_line(found[-1]), flush=True)
                if arguments.output:
                    write_json(arguments.output, {"runs": found, "cycles": arguments.cycles, "versions": versions()})


def _done_before(output: Path | None) -> list[dict[str, Any]]:
    """What an earlier run with this output measured: a stopped run goes on."""
    return json.loads(output.read_text(encoding="utf-8"))["runs"] if output and output.is_file() else []


def _judged(run: Run) -> dict[str, Any]:
    first, last = run.metrics[0], run.metrics[-1]
    gain = gain_of(run, last["cycle"])
    assert gain is not None  # heads have folds
    best = None if gain.best is None else {"cycle": gain.best.cycle, **_intervals(gain.best.over)}
    return {
        "outcome": judge_gain(gain, retrieval_of(first), retrieval_of(last)).outcome, "pairs": gain.pairs,
        "folds": gain.folds, "before": gain.before, **_intervals(gain.over), "best": best,
        "space": {name: one._asdict() for name, one in logged_space(run, last["cycle"]).items()},
    }  # fmt: skip


def _intervals(over: Over) -> dict[str, Any]:
    return {name: None if one is None else one._asdict() for name, one in over._asdict().items()}


def _some_rows(path: Path, folder: Path) -> Path:
    """The pair file, or a file of rows drawn from it."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if len(lines) <= MOST_ROWS:
        return path
    drawn = np.sort(np.random.default_rng(0).permutation(len(lines))[:MOST_ROWS])
    rows = [{key: value for key, value in json.loads(lines[i]).items() if key != "split"} for i in drawn]
    some = folder / f"{path.parent.name}-{path.stem}.jsonl"
    some.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return some


def _line(found: dict[str, Any]) -> str:
    best = found["best"] or {"cycle": "last", **found}
    return (
        f"{found['corpus']:28} {found['encoder']:10} {found['pairs']:4} pairs, {found['folds']} folds, MRR "
        f"{found['before']:.2f}; end {_shown(found['untrained'])}, over shuffled {_shown(found['shuffled'])}; best "
        f"near {best['cycle']}: {_shown(best['untrained'])}: {found['outcome']} ({found['seconds']:.0f} s)"
    )


def _shown(interval: dict[str, float] | None) -> str:
    if interval is None:
        return "-"
    found = Interval(**interval)
    return f"{found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="folders of two texts")
    parser.add_argument("--pairs", type=Path, nargs="*", default=[], help="pair files")
    parser.add_argument("--encoders", nargs="+", default=["linear", "loreft", "rotation"])
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
