"""Which network learns: every network on the same corpora, over folds, beside its own runs on shuffled pairings.

    python benchmarks/networks.py --texts FOLDER ... --pairs FILE ... --output benchmarks/results/networks.json

A corpus is a folder with article.txt and meta_analysis.txt, or a pair file, of which --rows are drawn. Heads and
the memory have five folds and four shuffled runs each; networks that train whole layers have what --folds and --nulls
say. What a language model is asked besides is measured by benchmarks/causal_lm.py. A run that is stopped goes on.
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

from topores import analyse, train
from topores.analysis.gain import Over, gain_of
from topores.compute.files import write_json
from topores.runs import Run
from topores.training.provenance import versions

Options = dict[str, Any]

HEADS: dict[str, Options] = {
    "linear": {"encoder": "linear", "cycles": 100},
    "loreft": {"encoder": "loreft", "cycles": 100},
    "rotation": {"encoder": "rotation", "cycles": 20},
    "memory": {"encoder": "memory", "cycles": 10**9},
}
LAYERS: dict[str, Options] = {
    "full": {"encoder": "full", "cycles": 4},
    "lora": {"encoder": "lora", "layers": "last:2", "cycles": 8},
    "gla": {"encoder": "gla", "cycles": 4},
    "rwkv": {"encoder": "rwkv", "cycles": 4},
    "feedback": {"encoder": "feedback", "cycles": 8},
    "feedback none": {"encoder": "feedback", "feedback": "none", "cycles": 8},
    "feedback bias": {"encoder": "feedback", "feedback": "bias", "cycles": 8},
    "causal_lm": {"encoder": "causal_lm", "objective": "next_token", "cycles": 40},
}
NETWORKS = HEADS | LAYERS
"""Options of each network; cycles are enough for its heads to pass their best cycle, and for layers what they cost."""


def main() -> None:
    arguments = _arguments()
    found = _done_before(arguments.output)
    with tempfile.TemporaryDirectory() as folder:
        for name, texts in _corpora(arguments, Path(folder)).items():
            for network in arguments.networks:
                if any((one["corpus"], one["network"]) == (name, network) for one in found):
                    continue
                folds, nulls = (5, 4) if network in HEADS else (arguments.folds, arguments.nulls)
                began, options = time.monotonic(), {**NETWORKS[network], "folds": folds, "seeds": nulls}
                run = train(**texts, **options, null="shuffled", checkpoints="0", output=Path(folder) / network)
                seconds = time.monotonic() - began
                found.append({"corpus": name, "network": network, "seconds": seconds, **_judged(run, folds, nulls)})
                print(_line(found[-1]), flush=True)
                if arguments.output:
                    write_json(arguments.output, {"runs": found, "versions": versions()})
    print("\n".join(map(_line, found)))


def _corpora(arguments: argparse.Namespace, folder: Path) -> dict[str, Options]:
    texts = {
        path.name: {"article": path / "article.txt", "meta_analysis": path / "meta_analysis.txt"}
        for path in arguments.texts
    }
    files = {f"{path.parent.name}/{path.stem}": path for path in arguments.pairs}
    return {**texts, **{name: {"pairs": _drawn(path, folder, arguments.rows)} for name, path in files.items()}}


def _drawn(path: Path, folder: Path, rows: int) -> Path:
    """The pair file, or a file of rows drawn from it."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if len(lines) <= rows:
        return path
    drawn = np.sort(np.random.default_rng(0).permutation(len(lines))[:rows])
    kept = [{key: value for key, value in json.loads(lines[i]).items() if key != "split"} for i in drawn]
    some = folder / f"{path.parent.name}-{path.stem}.jsonl"
    some.write_text("\n".join(map(json.dumps, kept)), encoding="utf-8")
    return some


def _judged(run: Run, folds: int, nulls: int) -> dict[str, Any]:
    """Gains with their intervals, what the verdict says, and how the space changed in the run itself."""
    first, last = run.metrics[0], run.metrics[-1]
    gain = gain_of(run, last["cycle"])
    verdict = analyse(run.folder, layers="last").verdict
    return {
        "cycles": last["cycle"], "folds": folds, "nulls": nulls, "seconds_a_run": last["seconds"],
        "outcomes": list(verdict.outcomes), "movement": verdict.movement, "headline": str(verdict.headline),
        **({} if gain is None else {"before": gain.before, "pairs": gain.pairs, **_intervals(gain.over)}),
        "best": None if gain is None or gain.best is None else {
            "cycle": gain.best.cycle, **_intervals(gain.best.over),
        },
        "ends": {name: [first.get(name), last.get(name)] for name in ("uniformity", "rank_me", "train_mrr_1to2")},
    }  # fmt: skip


def _intervals(over: Over) -> dict[str, Any]:
    return {name: None if one is None else one._asdict() for name, one in over._asdict().items()}


def _done_before(output: Path | None) -> list[dict[str, Any]]:
    """What an earlier run with this output measured."""
    return json.loads(output.read_text(encoding="utf-8"))["runs"] if output and output.is_file() else []


def _line(found: dict[str, Any]) -> str:
    best = found["best"] or {"cycle": "last", **found}
    width = [f"{one:.0f}" for one in found["ends"]["rank_me"] if one is not None]
    return (
        f"{found['corpus']:28} {found['network']:14} {found['cycles']:>13,} cycles, {found['folds']} x "
        f"{1 + found['nulls']} runs: end {_shown(found.get('untrained'))}, over shuffled "
        f"{_shown(found.get('shuffled'))}; best near {best['cycle']}: {_shown(best.get('untrained'))}; RankMe "
        f"{' to '.join(width)}: {', '.join(found['outcomes'])}; {found['seconds']:.0f} s"
    )


def _shown(interval: dict[str, float] | None) -> str:
    return "-" if interval is None else f"{interval['value']:+.2f} [{interval['low']:+.2f}, {interval['high']:+.2f}]"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="folders of two texts")
    parser.add_argument("--pairs", type=Path, nargs="*", default=[], help="pair files")
    parser.add_argument("--rows", type=int, default=150, help="of each pair file")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--folds", type=int, default=5, help="of networks that train layers")
    parser.add_argument("--nulls", type=int, default=2, help="shuffled runs beside each of these folds")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
