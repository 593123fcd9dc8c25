"""What the whole analysis of a run takes: 12 checkpoints, every layer, three clouds, all nulls but the trained ones.

    python benchmarks/analysis_time.py                                       # the sample texts, full and LoReFT
    python benchmarks/analysis_time.py --texts ARTICLE META_ANALYSIS         # your own
    python benchmarks/analysis_time.py --run RUN                             # a run that is there already

Trains a few cycles with a checkpoint after each, then times what `topores topology --nulls all` does on it, with an
empty cache, in a process of its own: wall seconds from its start to its end, and CPU seconds of all its threads, in
all and by part. Wall seconds say something on an idle machine only, so the load is told beside them; CPU seconds grow
with it too, if less. In a run that trains a head the lower layers are the same at every checkpoint, and the cache knows
their numbers from the first; full fine-tuning changes all.
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
            result["runs"][name] = timed = _timed(run, folder / f"{name}.cache", folder / f"{name}.html")
            print(_in_words(name, timed), flush=True)
    from topores.compute.files import write_json
    from topores.training.provenance import versions

    if arguments.output:
        write_json(arguments.output, {**result, "versions": versions()})


def _train(encoder: str, arguments: argparse.Namespace, folder: Path) -> Path:
    """A run with a checkpoint at 0 and after each cycle, as long as it takes to have enough of them."""
    from topores import train

    article, meta_analysis = arguments.texts
    train(
        article=article, meta_analysis=meta_analysis, encoder=encoder, cycles=CHECKPOINTS - 1, checkpoints="every:1",
        passage_tokens=arguments.passage_tokens, output=folder,
    )  # fmt: skip
    return folder


def _timed(run: Path, cache: Path, report: Path) -> dict[str, Any]:
    load, began = os.getloadavg()[0], time.perf_counter()
    command = [sys.executable, __file__, "--measure", str(run), str(cache), str(report)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - began
    return {"wall_seconds": wall, "load_before": load, **json.loads(done.stdout.splitlines()[-1])}


def _measure(run: str, cache: str, report: str) -> dict[str, Any]:
    """What `topores topology` does on `run`, with CPU seconds by part."""
    parts = Parts()
    with parts.of("libraries loaded"):
        from topores.analysis import analyse, sources
        from topores.analysis.measure import Bench
        from topores.commands import topology
        from topores.config import TopologyConfig

    parts.put_into(Bench, "run", lambda *arguments, **_: _part_of(arguments[4]))
    for method, part in (
        ("layers_of", "encoding: layers"), ("views_of", "encoding: dropout"), ("encoded_again", "encoding: again"),
        ("rows_of_random_text", "encoding: random text"), ("rows_of_untrained", "encoding: untrained"),
    ):  # fmt: skip
        parts.put_into(sources.EncodedSource, method, lambda *_, part=part, **__: part)
    parts.put_into(analyse, "measured_nulls", lambda *_, **__: "nulls: draws")
    parts.put_into(analyse, "judge", lambda *_, **__: "verdict")
    parts.put_into(topology, "write_results", lambda *_, **__: "results written")
    parts.put_into(topology, "write_report", lambda *_, **__: "report")
    with parts.of("all else"):
        config = TopologyConfig(checkpoint=(run,), nulls="all", cache=cache, output=Path(report))
        analysis, _, _ = topology.run_topology(config)
    points = {cloud: len(rows) for cloud, rows in analysis.members.items()}
    if max(points.values()) > MOST_POINTS:
        print(f"{points} points; the issue asks for {MOST_POINTS} at most", file=sys.stderr)
    taken = os.times()
    return {
        "checkpoints": len(analysis.states), "layers": len(analysis.layers), "points": points,
        "nulls": dict(Counter(null for null, _ in sorted({(n.null, n.replicate) for n in analysis.nulls}))),
        "cpu_seconds": taken.user + taken.system, "cpu_by_part": dict(parts.seconds.most_common()),
    }  # fmt: skip


def _part_of(label: str) -> str:
    """Labels of the bars begin with a null or with a state, of which there are many."""
    first, _, what = label.partition(": ")
    if not what:
        return "run: clouds" if first[-1].isdigit() else first
    return f"run: {what}" if " " in first else label


class Parts:
    """CPU seconds of all threads by part, each without what other parts took within it."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._within: list[float] = [0.0]

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        began = time.process_time()
        self._within.append(0.0)
        try:
            yield
        finally:
            taken = time.process_time() - began
            self.seconds[part] += taken - self._within.pop()
            self._within[-1] += taken

    def put_into(self, owner: Any, name: str, part_of: Callable[..., str]) -> None:
        """Count the calls of a function or method by what `part_of` makes of their arguments."""
        whole = getattr(owner, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            with self.of(part_of(*arguments, **options)):
                return whole(*arguments, **options)

        setattr(owner, name, counted)


def _in_words(name: str, timed: dict[str, Any]) -> str:
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
    parser.add_argument("--passage-tokens", type=int, default=36, help="so that the sample has 300 passages")
    parser.add_argument("--run", type=Path, nargs="+", default=[], help="run folders, instead of training some")
    parser.add_argument("--machine", default="", help="what it ran on, for the JSON")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--measure", nargs=3, metavar=("RUN", "CACHE", "REPORT"), help="one run, in this process")
    return parser.parse_args()


if __name__ == "__main__":
    main()
