"""Level and power of the verdict "better than shuffled pairings".

    python benchmarks/verdict_level.py                                            # the sample texts
    python benchmarks/verdict_level.py --texts ARTICLE META_ANALYSIS --groups 10  # your own texts

Trains one run on the true pairings, and groups of four runs on permuted ones, each with another permutation. Within a
group each run is tested against the other three, and the true run against several drawn from all, by the rule of the
verdict (held-out retrieval at the last cycle, one-sided prediction). Runs of a group share their queries, so the four
results of a group are not independent.
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
from measuring import held_out_mrr

from topores import train
from topores.analysis.chance import prediction_p
from topores.analysis.verdict.rules import ALPHA
from topores.compute.files import write_json
from topores.training.provenance import versions

SAMPLE = Path(__file__).parent.parent / "data" / "sample"
OF_A_GROUP = 4
NULLS, DRAWS = (3, 5, 10, 20), 500


def main() -> None:
    arguments = _arguments()
    article, meta_analysis = arguments.texts
    with tempfile.TemporaryDirectory() as folder:
        run = train(
            article=article, meta_analysis=meta_analysis, encoder=arguments.encoder, cycles=arguments.cycles,
            folds=1, checkpoints="none", null="shuffled", seeds=OF_A_GROUP * arguments.groups,
            output=Path(folder) / "run",
        )  # fmt: skip
        true, untrained = held_out_mrr(run.metrics[-1]), held_out_mrr(run.metrics[0])
        shuffled = [held_out_mrr(null.metrics[-1]) for null in run.nulls.values()]
    groups = np.reshape(shuffled, (arguments.groups, OF_A_GROUP)).tolist()
    false = [_is_better(group[i], group[:i] + group[i + 1 :]) for group in groups for i in range(OF_A_GROUP)]
    first = [_is_better(group[0], group[1:]) for group in groups]
    result = {
        "texts": f"{article.name}, {meta_analysis.name}", "encoder": arguments.encoder, "cycles": arguments.cycles,
        "untrained": untrained, "true": true, "shuffled": shuffled, "groups_wrong": int(sum(first)),
        "shuffled_called_better": float(np.mean(false)), "true_called_better": _power(true, shuffled),
        "versions": versions(),
    }  # fmt: skip
    print(f"held-out MRR: {untrained:.3f} untrained, {true:.3f} on the true pairings, ", end="")
    print(f"{np.mean(shuffled):.3f} +- {np.std(shuffled, ddof=1):.3f} on {len(shuffled)} permutations")
    print(
        f"better than shuffled: {np.mean(false):.1%} of {len(false)} shuffled runs ({sum(first)} of the first ", end=""
    )
    print(f"runs of {len(first)} groups); power for the true run by number of nulls: ", end="")
    print(", ".join(f"{count}: {share:.0%}" for count, share in result["true_called_better"].items()))
    if arguments.output:
        write_json(arguments.output, result)


def _power(true: float, shuffled: list[float]) -> dict[int, float]:
    """For each number of nulls, the share of random draws against which the true run is judged better."""
    draw = np.random.default_rng(0)
    return {
        count: float(
            np.mean([_is_better(true, draw.choice(shuffled, count, replace=False).tolist()) for _ in range(DRAWS)])
        )
        for count in NULLS
        if count < len(shuffled)
    }


def _is_better(value: float, nulls: list[float]) -> bool:
    return prediction_p(value, nulls, above=True) < ALPHA


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    texts = [SAMPLE / "article.md", SAMPLE / "meta_analysis.md"]
    parser.add_argument("--texts", type=Path, nargs=2, default=texts)
    parser.add_argument("--encoder", default="loreft")
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
