"""Time of a cycle that trains only upper layers, on cached states of the frozen ones, compared with full fine-tuning.

    python benchmarks/top_layers_speed.py                                 # the sample texts
    python benchmarks/top_layers_speed.py --texts ARTICLE META_ANALYSIS   # your own texts

All variants train the same batches of the same texts, alternating cycle by cycle, in one process. A cycle includes
batches, losses, gradients and the optimizer, but no evaluation or checkpoints. Medians are compared. LoRA on the last
layer without the cache shows the effect of the cache alone. The one-time cost of the cache is printed too.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import torch
from accelerate import Accelerator
from measuring import alternate

from topores import variants
from topores.backbones.encoder import Encoder
from topores.compute.files import write_json
from topores.config import TrainConfig
from topores.domain import Corpus
from topores.objectives.four_pairings import build as build_objective
from topores.text.batches import Batches
from topores.training.agreement import resolve_defaults
from topores.training.assemble import optimizer_of
from topores.training.loop import seed_for
from topores.training.prepare import build_corpus, open_reader, read_texts
from topores.training.provenance import versions
from topores.training.views import Views

SAMPLE = Path(__file__).parent.parent / "data" / "sample"
SIDES = {
    "full": {"encoder": "full"},
    "LoRA, all layers": {"encoder": "lora"},
    "LoRA, last layer, not cached": {"encoder": "lora", "layers": "last"},
    "LoRA, last layer": {"encoder": "lora", "layers": "last"},
    "LoRA, last two layers": {"encoder": "lora", "layers": "last:2"},
    "OFT, last layer": {"encoder": "oft", "layers": "last"},
    "LoReFT, last layer, first and last token": {"encoder": "loreft", "layers": "last", "positions": "first:1,last:1"},
}


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    article, meta_analysis = arguments.texts
    sides, corpus = {}, None
    result = {"corpus": f"{article.name}, {meta_analysis.name}", "versions": versions(), "machine": arguments.machine}
    result |= {"threads": arguments.threads, "prepared_s": {}}
    for name, options in SIDES.items():
        given = {"article": article, "meta_analysis": meta_analysis, "batch_size": 32, "precision": arguments.precision}
        config = resolve_defaults(TrainConfig.from_mapping({**given, **options}), "cpu")
        encoder = variants.load("topores.encoders", config.encoder).build(config, "cpu")
        corpus = corpus or build_corpus(config, read_texts(config), open_reader(config, "cpu"))
        began = time.perf_counter()
        if "not cached" not in name:
            encoder.prepare(corpus, config)
        result["prepared_s"][name] = time.perf_counter() - began
        sides[name] = _cycle(config, encoder, corpus)
    assert corpus is not None  # set by the first variant
    passages = [*corpus.t1, *corpus.t2]
    result |= {"precision": config.precision, "passages": len(passages), "tokens": sum(p.tokens for p in passages)}
    taken = alternate(sides, arguments.repeats)
    result["seconds"] = {name: float(np.median(each)) for name, each in taken.items()}
    result["times_as_fast_as_full"] = {name: result["seconds"]["full"] / s for name, s in result["seconds"].items()}
    result["load"] = os.getloadavg()[0]
    print(f"{len(passages)} passages, {result['tokens']} tokens, {config.precision}, {arguments.threads} thread(s)")
    for name, seconds in result["seconds"].items():
        ratio, once = result["times_as_fast_as_full"][name], result["prepared_s"][name]
        print(f"  {name:42} {seconds:7.2f} s per cycle, {ratio:5.1f} times as fast as full; prepared in {once:.1f} s")
    if arguments.output:
        write_json(arguments.output, result)


def _cycle(config: TrainConfig, encoder: Encoder, corpus: Corpus) -> Callable[[], None]:
    """A function that trains on every batch of the corpus once, as the training loop does."""
    assert config.batch_size is not None  # resolved
    objective, batches = build_objective(config), Batches(corpus, config.batch_size, config.seed)
    optimizer, accelerator = optimizer_of(encoder, objective, config), Accelerator(cpu=True)
    encoder.train()

    def run() -> None:
        for step in range(batches.per_cycle):
            views = Views(encoder, accelerator, None, lambda piece, step=step: seed_for(config.seed, step, 0, piece))
            views.backward(objective(views, batches.for_step(step)).total)
            optimizer.step()
            optimizer.zero_grad()

    return run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    texts = [SAMPLE / "article.md", SAMPLE / "meta_analysis.md"]
    parser.add_argument("--texts", type=Path, nargs=2, default=texts)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--machine", default="", help="description of the machine, for the JSON")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
