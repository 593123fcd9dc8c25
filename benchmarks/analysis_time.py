"""Time of a complete analysis of a run: 12 checkpoints, every layer, three clouds, all nulls except the trained ones.

    python benchmarks/analysis_time.py                                       # the sample texts, full and LoReFT
    python benchmarks/analysis_time.py --texts ARTICLE META_ANALYSIS         # your own texts
    python benchmarks/analysis_time.py --run RUN                             # an existing run

Trains a few cycles with a checkpoint after each, then times `topores topology --nulls all` on the run, with an empty
cache, in a separate process: wall seconds from start to end, and CPU seconds of all threads, in total and by part. Wall
seconds are meaningful only on an idle machine, so the load is reported too; CPU seconds also grow with load, but less.
In runs that train a head the lower layers are equal at every checkpoint, so the cache has their results from the first
one; full fine-tuning changes all layers.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

SAMPLE = Path(__file__).parent.parent / "data" / "sample"
CHECKPOINTS, MOST_POINTS = 12, 300


def main() -> None:
    arguments = _arguments()
    if arguments.measure:
        print(json.dumps(_measure(*arguments.measure)))
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        runs = {run.name: run for run in arguments.run} or {
            encoder: _train(encoder, arguments, folder / encoder) for encoder in arguments.encoders
        }
        result: dict[str, Any] = {"machine": arguments.machine, "cores": os.cpu_count(), "runs": {}}
        for name, run in runs.items():
            result["runs"][name] = timed = _run_timed(run, folder / f"{name}.cache", folder / f"{name}.html")
            print(_describe(name, timed), flush=True)
    from topores.compute.files import write_json
    from topores.training.provenance import versions

    if arguments.output:
        write_json(arguments.output, {**result, "versions": versions()})


def _train(encoder: str, arguments: argparse.Namespace, folder: Path) -> Path:
    """Train until the run has enough checkpoints, one at cycle 0 and one after each cycle."""
    from topores import train

    article, meta_analysis = arguments.texts
    train(
        article=article, meta_analysis=meta_analysis, encoder=encoder, cycles=CHECKPOINTS - 1, folds=1,
        checkpoints="every:1", passage_tokens=arguments.passage_tokens, output=folder,
    )  # fmt: skip
    return folder


def _run_timed(run: Path, cache: Path, report: Path) -> dict[str, Any]:
    load, began = os.getloadavg()[0], time.perf_counter()
    command = [sys.executable, __file__, "--measure", str(run), str(cache), str(report)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - began
    return {"wall_seconds": wall, "load_before": load, **json.loads(done.stdout.splitlines()[-1])}


def _measure(run: str, cache: str, report: str) -> dict[str, Any]:
    """Run `topores topology` on `run` and return CPU seconds by part."""
    parts = Parts()
    with parts.measure("libraries loaded"):
        from topores.analysis import analyse, sources
        from topores.analysis.measure import Bench
        from topores.commands import topology
        from topores.config import TopologyConfig

    parts.wrap_calls(Bench, "run", lambda *arguments, **_: _part_of(arguments[4]))
    for method, part in (
        ("layers_of", "encoding: layers"), ("views_of", "encoding: dropout"), ("encoded_again", "encoding: again"),
        ("rows_of_random_text", "encoding: random text"), ("rows_of_untrained", "encoding: untrained"),
    ):  # fmt: skip
        parts.wrap_calls(sources.EncodedSource, method, lambda *_, part=part, **__: part)
    parts.wrap_calls(analyse, "measured_nulls", lambda *_, **__: "nulls: draws")
    parts.wrap_calls(analyse, "judge", lambda *_, **__: "verdict")
    parts.wrap_calls(topology, "write_results", lambda *_, **__: "results written")
    parts.wrap_calls(topology, "write_report", lambda *_, **__: "report")
    with parts.measure("all else"):
        config = TopologyConfig(checkpoint=(run,), nulls="all", cache=cache, output=Path(report))
        analysis, _, _ = topology.run_topology(config)
    points = {cloud: len(rows) for cloud, rows in analysis.members.items()}
    if max(points.values()) > MOST_POINTS:
        print(f"{points} points, more than the {MOST_POINTS} this benchmark is meant for", file=sys.stderr)
    taken = os.times()
    return {
        "checkpoints": len(analysis.states), "layers": len(analysis.layers), "points": points,
        "nulls": dict(Counter(null for null, _ in sorted({(n.null, n.replicate) for n in analysis.nulls}))),
        "cpu_seconds": taken.user + taken.system, "cpu_by_part": dict(parts.seconds.most_common()),
    }  # fmt: skip


def _part_of(label: str) -> str:
    """The part for a progress-bar label, which begins with a null or a state; all states count as one part."""
    first, _, what = label.partition(": ")
    if not what:
        return "run: clouds" if first[-1].isdigit() else first
    return f"run: {what}" if " " in first else label


class Parts:
    """CPU seconds of all threads by part, excluding nested parts."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._within: list[float] = [0.0]

    @contextmanager
    def measure(self, part: str) -> Iterator[None]:
        began = time.process_time()
        self._within.append(0.0)
        try:
            yield
        finally:
            taken = time.process_time() - began
            self.seconds[part] += taken - self._within.pop()
            self._within[-1] += taken

    def wrap_calls(self, owner: Any, name: str, part_of: Callable[..., str]) -> None:
        """Attribute the calls of a function or method to the part that `part_of` returns for their arguments."""
        whole = getattr(owner, name)

        def wrapper(*arguments: Any, **options: Any) -> Any:
            with self.measure(part_of(*arguments, **options)):
                return whole(*arguments, **options)

        setattr(owner, name, wrapper)


def _describe(name: str, timed: dict[str, Any]) -> str:
    about = ", ".join(f"{points} {cloud}" for cloud, points in timed["points"].items())
    lines = [
        f"{name}: {timed['checkpoints']} checkpoints, {timed['layers']} layers, points {about}",
        f"  {timed['wall_seconds']:.0f} s wall (load before {timed['load_before']:.1f}), "
        f"{timed['cpu_seconds']:.0f} s CPU on {os.cpu_count()} cores",
        *(f"  {seconds:7.1f} s {part}" for part, seconds in timed["cpu_by_part"].items()),
    ]
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, nargs=2, default=[SAMPLE / "article.md", SAMPLE / "meta_analysis.md"])
    parser.add_argument("--encoders", nargs="+", default=["full", "loreft"])
    parser.add_argument("--passage-tokens", type=int, default=36, help="36 gives the sample 300 passages")
    parser.add_argument("--run", type=Path, nargs="+", default=[], help="run folders, instead of training some")
    parser.add_argument("--machine", default="", help="description of the machine, for the JSON")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--measure", nargs=3, metavar=("RUN", "CACHE", "REPORT"), help="one run, in this process")
    return parser.parse_args()


if __name__ == "__main__":
    main()
