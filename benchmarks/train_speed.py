"""Speed of a training step, compared with sentence-transformers on the same pairs in one run.

    python benchmarks/train_speed.py                                     # the sample texts
    python benchmarks/train_speed.py --texts ARTICLE META_ANALYSIS       # your own; --cut sentences for short passages
    python benchmarks/train_speed.py --rows FILE.jsonl article summary   # two columns of a file

The peer is SentenceTransformerTrainer with MultipleNegativesRankingLoss on a Dataset of anchor and positive, where the
four pairings are four rows per pair, with the library's own collator. topores: one step of `topores train` on the same
pairs. The two alternate step by step in one process; medians are compared. Peak memory is measured in a separate
process for each side, above that of the loaded model. The ceiling is the throughput of a matrix product of the model's
own shape on this machine, measured in the same run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import torch
from measuring import megabytes

from topores.backbones.encoder import Encoder
from topores.backbones.loading import load_base, open_model
from topores.compute.devices import choose_precision
from topores.compute.files import write_json
from topores.compute.memory import keep_freed_memory, usual_memory
from topores.config import TrainConfig
from topores.domain import Text
from topores.objectives.four_pairings import build as build_objective
from topores.text import split_passages
from topores.text.batches import Batch
from topores.text.files import read_text
from topores.text.sentences import sentences
from topores.training.provenance import versions
from topores.training.views import Views

ROOT = Path(__file__).parent.parent
MODEL = "all-MiniLM-L6-v2"
Pairs = list[tuple[str, str]]


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads[0])
    name, pairs = _pairs(arguments)
    if arguments.memory:
        print(json.dumps(_peak(arguments.memory, pairs, arguments)))
        return
    result = {"corpus": name, **_shape(pairs), "versions": versions(), "machine": arguments.machine, "runs": []}
    # Measured first, while this process uses little memory itself.
    result["peak_mb"] = {side: _peak_of_own_process(side) for side in ("today", "ours")}
    print("peak memory above the loaded model, MB: " + ", ".join(f"{k} {v:.0f}" for k, v in result["peak_mb"].items()))
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        for precision in arguments.precision:
            run = _alternate(pairs, precision, arguments.repeats, arguments.device)
            run = {"threads": threads, "precision": precision, **run, **_rates(pairs, run, precision, arguments.device)}
            result["runs"].append(run)
            print(_describe(run), flush=True)
    if arguments.output:
        write_json(arguments.output, result)


def _alternate(pairs: Pairs, precision: str, repeats: int, device: str) -> dict:
    """Seconds of each side's steps: a topores step after every step of the library's Trainer."""
    step = _ours(pairs, precision, device)
    step()
    seconds: dict[str, list[float]] = {"today": [], "ours": []}

    def our_step() -> None:
        keep_freed_memory()
        seconds["ours"].append(_seconds(step, device))
        usual_memory()

    seconds["today"] = _library_steps(pairs, repeats + 1, our_step, device)[1:]
    seconds["ours"] = seconds["ours"][1:]
    today, ours = (float(np.median(seconds[side])) for side in ("today", "ours"))
    return {"seconds": seconds, "today_pairs_per_s": len(pairs) / today, "ours_pairs_per_s": len(pairs) / ours,
            "ratio": today / ours}  # fmt: skip


def _ours(pairs: Pairs, precision: str, device: str) -> Callable[[], None]:
    """A function that takes one optimizer step of topores, as training/loop.py does."""
    from accelerate import Accelerator

    encoder = open_model(MODEL, device, precision=precision).train()
    objective = build_objective(TrainConfig.from_mapping({"pairs": "pairs.jsonl"}))
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=4e-5, fused=True)
    accelerator = Accelerator(cpu=device == "cpu")
    n = len(pairs)
    batch = Batch(tuple(a for a, _ in pairs), tuple(b for _, b in pairs), np.eye(n), np.eye(2 * n, dtype=bool))

    def step() -> None:
        views = Views(encoder, accelerator, None, lambda piece: piece)
        losses = objective(views, batch)
        views.backward(losses.total)
        optimizer.step()
        optimizer.zero_grad()

    return step


def _library_steps(pairs: Pairs, steps: int, our_step: Callable[[], None], device: str) -> list[float]:
    """Seconds of each step of SentenceTransformerTrainer, from the end of one to the end of the next."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    from transformers import TrainerCallback

    rows = [row for a, b in pairs for row in ((a, a), (b, b), (a, b), (b, a))]
    data = Dataset.from_dict({"anchor": [a for a, _ in rows] * steps, "positive": [b for _, b in rows] * steps})
    model = load_base(MODEL, device)
    seconds: list[float] = []

    class Clock(TrainerCallback):
        started = 0.0

        def on_step_end(self, *_: object, **__: object) -> None:
            _wait(device)
            seconds.append(time.perf_counter() - self.started)
            our_step()
            self.started = time.perf_counter()

    with tempfile.TemporaryDirectory() as folder:
        settings = SentenceTransformerTrainingArguments(
            folder, max_steps=steps, per_device_train_batch_size=len(rows), learning_rate=4e-5, save_strategy="no",
            report_to="none", disable_tqdm=True, logging_strategy="no", use_cpu=device == "cpu",
        )  # fmt: skip
        clock = Clock()
        trainer = SentenceTransformerTrainer(
            model=model, args=settings, train_dataset=data, loss=MultipleNegativesRankingLoss(model), callbacks=[clock]
        )
        clock.started = time.perf_counter()
        trainer.train()
    return seconds


def _rates(pairs: Pairs, run: dict, precision: str, device: str) -> dict:
    """Useful work per second: one forward and two backward products of the linear layers, real tokens only."""
    encoder = open_model(MODEL, "cpu", precision="fp32")
    layers = [m for m in encoder.model[0].auto_model.encoder.modules() if isinstance(m, torch.nn.Linear)]
    weights = sum(m.weight.numel() for m in layers)
    tokens = 2 * sum(len(ids) for pair in pairs for ids in encoder.tokenizer(list(pair), truncation=True)["input_ids"])
    achieved = 6 * weights * tokens * run["ours_pairs_per_s"] / len(pairs) / 1e9
    ceiling = _ceiling(torch.bfloat16 if precision == "bf16" else torch.float32, device)
    return {"gflop_per_s": achieved, "ceiling_gflop_per_s": ceiling, "share_of_ceiling": achieved / ceiling}


def _ceiling(dtype: torch.dtype, device: str) -> float:
    a, b = (torch.randn(shape, device=device).to(dtype) for shape in ((4096, 384), (384, 1536)))
    product = lambda: a @ b  # noqa: E731
    seconds = [_seconds(product, device) for _ in range(30)][5:]
    return 2 * 4096 * 384 * 1536 / float(np.median(seconds)) / 1e9


def _seconds(call: Callable[[], object], device: str) -> float:
    _wait(device)
    started = time.perf_counter()
    call()
    _wait(device)
    return time.perf_counter() - started


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _peak(side: str, pairs: Pairs, arguments: argparse.Namespace) -> float:
    """Peak MB of two steps of one side above the loaded libraries and model."""
    if side == "ours":
        step = _ours(pairs, arguments.precision[0], "cpu")
        keep_freed_memory()
        before = megabytes("VmRSS")
        for _ in range(2):
            step()
    else:
        open_model(MODEL, "cpu")
        before = megabytes("VmRSS")
        _library_steps(pairs, 2, lambda: None, "cpu")
    return megabytes() - before


def _peak_of_own_process(side: str) -> float:
    called = [sys.executable, *sys.argv, "--memory", side]
    done = subprocess.run(called, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().split("\n")[-1])


def _pairs(arguments: argparse.Namespace) -> tuple[str, Pairs]:
    """Name of the corpus and its first pairs, each text truncated to the length of a passage."""
    encoder = open_model(MODEL, "cpu")
    if arguments.rows:
        path, first, second = arguments.rows
        lines = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
        found = [(line[first], line[second]) for line in lines]
        return Path(path).parent.name, _truncate(found[: arguments.pairs], encoder, arguments.passage_tokens)
    article, meta_analysis = arguments.texts or [
        ROOT / "data" / "sample" / f"{n}.md" for n in ("article", "meta_analysis")
    ]
    cut = _CUTS[arguments.cut]
    sides = [cut(read_text(Path(path)), encoder, arguments.passage_tokens) for path in (article, meta_analysis)]
    texts = [side[: arguments.pairs] for side in sides]
    return f"{Path(article).parent.name}, {arguments.cut}", list(zip(*texts, strict=False))


def _passages(text: Text, encoder: Encoder, tokens: int) -> list[str]:
    return [passage.text for passage in split_passages(text, encoder.tokenizer, max_tokens=tokens)]


def _sentences(text: Text, encoder: Encoder, tokens: int) -> list[str]:  # noqa: ARG001  the model reads 256 of them
    found = [text.content[s.start : s.end] for s in sentences(text.content, markdown=text.markdown)]
    return [sentence for sentence in found if len(sentence.split()) > 3]


_CUTS = {"passages": _passages, "sentences": _sentences}


def _truncate(pairs: Pairs, encoder: Encoder, tokens: int) -> Pairs:
    def opening(text: str) -> str:
        end = encoder.tokenizer(text, truncation=True, max_length=tokens, return_offsets_mapping=True)["offset_mapping"]
        return text[: max(stop for _, stop in end)]

    return [(opening(a), opening(b)) for a, b in pairs]


def _shape(pairs: Pairs) -> dict:
    tokenizer = open_model(MODEL, "cpu").tokenizer
    lengths = [len(ids) for pair in pairs for ids in tokenizer(list(pair), truncation=True)["input_ids"]]
    return {
        "pairs": len(pairs),
        "tokens": {"least": min(lengths), "median": float(np.median(lengths)), "most": max(lengths)},
    }


def _describe(run: dict) -> str:
    return (
        f"{run['threads']} thread(s), {run['precision']}: peer {run['today_pairs_per_s']:.2f} pairs/s, "
        f"topores {run['ours_pairs_per_s']:.2f} pairs/s, ratio {run['ratio']:.1f}; "
        f"{run['gflop_per_s']:.0f} GFLOP/s, {100 * run['share_of_ceiling']:.0f} % of the ceiling"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", nargs=2, metavar=("ARTICLE", "META_ANALYSIS"))
    parser.add_argument("--rows", nargs=3, metavar=("FILE", "COLUMN", "COLUMN"))
    parser.add_argument("--pairs", type=int, default=16, help="pairs per batch")
    parser.add_argument("--cut", choices=list(_CUTS), default="passages")
    parser.add_argument("--passage-tokens", type=int, default=96)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, os.cpu_count() or 1])
    parser.add_argument("--precision", nargs="+", default=None, help="fp32 bf16; by default what the machine supports")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--machine", default="", help="description of the machine, for the JSON")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--memory", choices=("today", "ours"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.precision is None:
        arguments.precision = sorted({"fp32", choose_precision("auto", arguments.device)}, reverse=True)
    return arguments


if __name__ == "__main__":
    main()
