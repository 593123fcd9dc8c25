"""Power and level of the verdict over folds, on made corpora with an effect of known size.

    python benchmarks/power.py --pairs FILE [FILE ...] --halves FILE [FILE ...] --output benchmarks/results/power.json

A population is the rows of a pair file, as the packaged encoder embeds them, or the two halves of each article in one.
To each passage noise is added, so that the untrained encoder finds about half of the partners. A share of the noise
lies in a few directions, the same for all passages; a head can learn to leave these out. So the share decides how much
there is to learn, and rows outside a corpus tell what was learned: the true effect is the change of their MRR among as
many candidates as a fold has. In corpora without an effect, the pairs are permuted.

Every corpus is judged twice. By folds: each pair is held out in one of five, beside four runs on shuffled pairings per
fold (`judge_gain`). By one split, as runs without folds are: a sign-flip test of one fold's queries, and one run beside
three on shuffled pairings. Where there is no effect, the changes of the space are tested too, over folds and corrected
as in a verdict (`over_folds`): what differs from shuffled pairings there, differs by chance. Splits, permutations,
training step and tests are those of topores.
"""

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import joblib
import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn.functional import normalize

from topores.analysis.cells import Protocol
from topores.analysis.chance import prediction_p
from topores.analysis.ends import numbers_of_end
from topores.analysis.gain import Ranks, gain_at
from topores.analysis.space_by_folds import LOGGED, MEASURED, Ends, over_folds
from topores.analysis.verdict.by_folds import judge_gain
from topores.analysis.verdict.evidence import COMPARED, GAP, MOVED
from topores.backbones.dropout_views import begin_view, draw_views
from topores.backbones.loading import open_model
from topores.backbones.pooled_views import HeadEncoder
from topores.compute.cache import Cache
from topores.compute.files import write_json
from topores.compute.keys import digest
from topores.config import PAIRING_WEIGHTS
from topores.domain import DIRECTIONS, SIDES, AlignedPairs, Corpus, Passage
from topores.modules.heads import affine
from topores.modules.loreft import LoReFT
from topores.objectives.four_pairings import FourPairings
from topores.outcomes import Retrieval
from topores.sign_flips import ALPHA, sign_flip_p
from topores.text.batches import Batches
from topores.text.folds import fold_pairs
from topores.text.pair_files import read_pairs
from topores.text.retrieval import ranks
from topores.text.shuffling import with_shuffled_pairs
from topores.topology import modality_gap
from topores.topology.significance import holm
from topores.training.heads.products import one_thread
from topores.training.heads.tight import TightStep
from topores.training.loop import seed_for
from topores.training.provenance import versions

ROWS = 300
"""Of a population."""
MANY = 200
"""Rows outside a corpus that tell its true effect well."""
PAIRS, FOLDS, NULLS, VIEWS = 75, 5, 4, 4
NULLS_BEFORE = 3
NOISE = 1.3
"""Length of the noise, where an embedding has length 1."""
NUISANCE = 12
"""Directions that a head can learn to leave out."""
SHARES = (None, 0.28, 0.35, 0.45)
"""Share of the noise in these directions; None: no effect, since the pairs are permuted."""
HEADS = {"linear": lambda dim: affine(torch.eye(dim)), "loreft": lambda dim: LoReFT(dim, 32)}
CYCLES = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 40)
PROTOCOL = Protocol("angle", 1, 1500, 1, 1500, 0, 0)
QUANTITIES = (*LOGGED, *MEASURED)
FAMILIES = {"shape": tuple(name for name in QUANTITIES if name in COMPARED), "movement": MOVED}
"""Quantities that a verdict corrects together."""
RATE = 1e-3


class Population(NamedTuple):
    """Embeddings of all rows of a pair file."""

    name: str
    views: Tensor
    """(views + 1, rows, 2, dim); the last view is without dropout."""


def main() -> None:
    arguments = _arguments()
    began, found = time.perf_counter(), _done_before(arguments.output)
    populations = [_population(path, halves=False) for path in arguments.pairs]
    populations += [_population(path, halves=True) for path in arguments.halves]
    cells = [(p, head, share) for p in populations for head in arguments.heads for share in SHARES]
    # Corpus by corpus, so that a run that is stopped has as many of each kind.
    with joblib.Parallel(arguments.workers) as pool:
        for number in range(len({one["seed"] for one in found}), arguments.corpora):
            found += pool(joblib.delayed(_judged)(*cell, seed=number) for cell in cells)
            _write(found, arguments, time.perf_counter() - began)
            print(f"{number + 1} of {arguments.corpora} corpora, {time.perf_counter() - began:.0f} s", flush=True)
    print("\n".join(_table(found)))


def _done_before(output: Path | None) -> list[dict[str, Any]]:
    """The corpora that an earlier run with this output judged: a stopped run goes on."""
    return json.loads(output.read_text(encoding="utf-8"))["corpora"] if output and output.is_file() else []


def _judged(population: Population, head: str, share: float | None, *, seed: int) -> dict[str, Any]:
    """One corpus: its true effect, and what either design says of it."""
    rng = np.random.default_rng([seed, 7])
    chosen = rng.permutation(population.views.shape[1])
    noisy = _with_noise(population.views, SHARES[-1] if share is None else share, rng)
    corpus = _corpus(PAIRS)
    inside, outside = noisy[:, chosen[:PAIRS]], noisy[-1, chosen[PAIRS:]]
    if share is None:
        inside = torch.stack([inside[:, :, 0], inside[:, torch.from_numpy(rng.permutation(PAIRS)), 1]], dim=2)
    folds, effects, ends = [], [], []
    for fold in fold_pairs(corpus, FOLDS, seed):
        runs = [fold, *(with_shuffled_pairs(fold, null + 1) for null in range(NULLS))]
        with one_thread():
            trained = [_train(head, inside, one, fold, seed=seed) for one in runs]
        held = fold.pairs_in("held_out")
        groups = np.concatenate([held, held])
        folds.append(Ranks(trained[0].ranks, [one.ranks for one in trained[1:]], groups))
        effects.append(_effect(trained[0].head, outside, len(held)))
        known = trained[0].known
        if share is None:
            own, *shuffled = (_end(one.head, inside[-1]) for one in trained)
            ends.append(Ends(own, shuffled))
    gain = gain_at(folds, CYCLES[-1], pairs=PAIRS)
    return {
        "population": population.name, "head": head, "share": share, "seed": seed, "effect": float(np.mean(effects)),
        "outside": len(outside),
        "gain": gain.over.untrained.value, "visible": gain.over.untrained.visible,
        "covered": bool(gain.over.untrained.low <= np.mean(effects) <= gain.over.untrained.high),
        "over_shuffled_p": None if gain.over.shuffled is None else gain.over.shuffled.p,
        "by_folds": judge_gain(gain, *known).outcome, "by_one_split": _by_one_split(folds[0]),
        "changes": {name: one.p for name, one in over_folds(ends, QUANTITIES).items()},
    }  # fmt: skip


def _end(head: nn.Module, inside: Tensor) -> dict[str, float]:
    """Where a run ended: the quantities of both texts' space that a verdict holds against shuffled pairings."""
    before = [normalize(inside[:, side], dim=-1).double().numpy() for side in (0, 1)]
    after = [_headed(head, inside[:, side]).astype(np.float64) for side in (0, 1)]
    with threadpool_limits(1):
        found = numbers_of_end(PROTOCOL, (np.vstack(before), np.vstack(after)))
    return {GAP: modality_gap(*after), **found}


class Trained(NamedTuple):
    head: nn.Module
    ranks: dict[int, np.ndarray]
    """Of the held-out queries, by logged cycle."""
    known: tuple[Retrieval, Retrieval]
    """Retrieval of the training pairs before and after."""


def _train(head: str, inside: Tensor, corpus: Corpus, true: Corpus, *, seed: int) -> Trained:
    """Train a head on the pairs of `corpus`, by the step that topores takes."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = HEADS[head](inside.shape[-1])
    objective = FourPairings(temperature=0.05, pairing_weights=PAIRING_WEIGHTS, loss="infonce")
    bank = torch.cat([inside[:-1, :, 0], inside[:-1, :, 1]], dim=1)
    step = TightStep(_RowsUnderHead(module, bank), objective, Batches(corpus, 1024, seed))
    optimizer = torch.optim.AdamW(module.parameters(), lr=RATE, weight_decay=0.0)
    found, known = {}, []
    for cycle in range(CYCLES[-1] + 1):
        if cycle:
            step.gradients(seed_for(seed, cycle - 1, 0, 0))
            optimizer.step()
            optimizer.zero_grad()
        if cycle in CYCLES:
            rows = [_headed(module, inside[-1, :, side]) for side in (0, 1)]
            found[cycle] = np.concatenate([ranks(*rows, true, "held_out", way) for way in DIRECTIONS])
        if cycle in (0, CYCLES[-1]):
            train = np.concatenate([ranks(*rows, corpus, "train", way) for way in DIRECTIONS])
            known.append(Retrieval(float(np.mean(1 / train)), None))
    return Trained(module, found, (known[0], known[1]))


class _RowsUnderHead(HeadEncoder):
    """What the tight step asks of an encoder, for embeddings without a model."""

    def __init__(self, head: nn.Module, bank: Tensor) -> None:
        nn.Module.__init__(self)
        self._made_head, self._bank = head, bank

    @property
    def head(self) -> nn.Module:
        return self._made_head

    def bank(self, texts: Sequence[str], sides: Any = None) -> Tensor:  # noqa: ARG002  # without prompts
        return self._bank[:, [_place(text) for text in texts]]

    def draw_views(self, texts: Sequence[str], generator: torch.Generator | None = None) -> Tensor:
        return draw_views(texts, len(self._bank), generator)


@torch.no_grad()
def _headed(head: nn.Module, rows: Tensor) -> np.ndarray:
    return normalize(head({"sentence_embedding": rows})["sentence_embedding"].float(), dim=-1).numpy()


def _effect(head: nn.Module, outside: Tensor, candidates: int) -> float:
    """Change of MRR over all rows outside the corpus, in groups of as many candidates as a fold holds out."""
    groups = len(outside) // candidates
    kept = outside[: groups * candidates]
    mrr = []
    for rows in (
        [_headed(head, kept[:, side]) for side in (0, 1)],
        [normalize(kept[:, s], dim=-1).numpy() for s in (0, 1)],
    ):
        one, two = (side.reshape(groups, candidates, -1) for side in rows)
        cosines = one @ two.transpose(0, 2, 1)
        own = np.diagonal(cosines, axis1=1, axis2=2)
        mrr.append(np.mean([1 / (1 + (cosines > own[:, :, None]).sum(2)), 1 / (1 + (cosines > own[:, None]).sum(1))]))
    return float(mrr[0] - mrr[1])


def _by_one_split(fold: Ranks) -> str:
    """'learned' by the rules for one split with three nulls, or 'other'."""
    last = CYCLES[-1]
    before, after = (1 / fold.own[cycle] for cycle in (0, last))
    p = sign_flip_p(after - before, 0, groups=np.unique(fold.groups, return_inverse=True)[1])
    nulls = [float(np.mean(1 / run[last])) for run in fold.shuffled[:NULLS_BEFORE]]
    better = prediction_p(float(after.mean()), nulls, above=True) < ALPHA
    return "learned" if p < ALPHA and after.mean() > before.mean() and better else "other"


def _with_noise(views: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Each passage with noise of its own, the same in all views, a share of it in a few directions."""
    _, rows, sides, dim = views.shape
    nuisance = np.linalg.qr(rng.normal(size=(dim, NUISANCE)))[0].T
    few = rng.normal(size=(rows, sides, NUISANCE)) @ nuisance / np.sqrt(NUISANCE)
    all_over = rng.normal(size=(rows, sides, dim)) / np.sqrt(dim)
    noise = NOISE * (np.sqrt(share) * few + np.sqrt(1 - share) * all_over)
    return normalize(views + torch.from_numpy(noise).float(), dim=-1)


def _corpus(pairs: int) -> Corpus:
    """A pair file without texts: passage i of T1 belongs with passage i of T2."""
    sides = [
        tuple(Passage(name, f"{name} {n}", 0, 0, 4, f"{at} {n}", 4) for n in range(pairs))
        for at, name in enumerate(SIDES)
    ]
    every, all_train = np.arange(pairs), ("train",) * pairs
    aligned = AlignedPairs(every, every, np.ones(pairs), np.full(pairs, np.nan), np.zeros(pairs, dtype=bool), 1.0)
    return Corpus(*sides, aligned, all_train, all_train, 1, "pairs", groups=tuple(range(pairs)))


def _place(text: str) -> int:
    side, number = map(int, text.split())
    return side * PAIRS + number


@torch.no_grad()
def _population(path: Path, *, halves: bool) -> Population:
    table = read_pairs(path)
    order = np.random.default_rng(0).permutation(len(table.articles)).tolist()
    if halves:
        texts = list(dict.fromkeys(table.articles[row] for row in order))[:ROWS]
        sides = [list(side) for side in zip(*(_halves_of(text) for text in texts), strict=True)]
    else:
        # A text that stands in several rows is kept once: its other partners would count as wrong answers.
        once = {table.articles[row]: row for row in {table.meta_analyses[row]: row for row in order}.values()}
        columns = table.articles, table.meta_analyses
        sides = [[column[row] for row in list(once.values())[:ROWS]] for column in columns]
    cache, key = Cache(), digest(what="populations of benchmarks/power.py", texts=sides, views=VIEWS)
    kept = cache.get(key)
    if kept is None:
        kept = {"views": _encoded(sides).numpy()}
        cache.put(key, kept)
    name = f"{path.parent.name}/{path.stem}{', halves' if halves else ''}"
    return Population(name, torch.from_numpy(kept["views"]))


def _halves_of(text: str) -> tuple[str, str]:
    """Both halves of a text, by words."""
    words = text.split()
    return " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])


def _encoded(sides: Sequence[list[str]]) -> Tensor:
    encoder, views = open_model("all-MiniLM-L6-v2", "cpu"), []
    for view in range(VIEWS):
        encoder.train()
        begin_view(0, view)
        views.append([_in_batches(encoder, texts) for texts in sides])
    encoder.eval()
    views.append([torch.from_numpy(encoder.encode(texts)) for texts in sides])
    return torch.stack([torch.stack(pair, dim=1) for pair in views])


def _in_batches(encoder: Any, texts: Sequence[str]) -> Tensor:
    return torch.cat([encoder(list(texts[at : at + 64])) for at in range(0, len(texts), 64)])


def _table(found: Sequence[dict[str, Any]]) -> list[str]:
    """Share of corpora called learned, then memorised or not, by either design, for each effect."""
    lines = [f"{'population':24} {'head':8} {'effect':>8} {'one split':>10} {'folds':>7}  outcomes by folds"]
    kinds = sorted({(one["population"], one["head"]) for one in found})
    for population, head in kinds:
        for share in SHARES:
            cell = [o for o in found if (o["population"], o["head"], o["share"]) == (population, head, share)]
            effect = "none" if share is None else f"{np.mean([o['effect'] for o in cell]):+.3f}"
            split, folds = (
                np.mean([o[way].startswith("learned") for o in cell]) for way in ("by_one_split", "by_folds")
            )
            said = ", ".join(f"{name} {count}" for name, count in Counter(o["by_folds"] for o in cell).most_common())
            lines.append(f"{population:24} {head:8} {effect:>8} {split:10.2f} {folds:7.2f}  {said}")
    none = [one for one in found if one["share"] is None]
    level = [one["by_folds"].startswith("learned") for one in none]
    outcomes = ", ".join(f"{name} {count}" for name, count in Counter(o["by_folds"] for o in none).most_common())
    covered = [one["covered"] for one in found if one["share"] is not None and one["outside"] >= MANY]
    return [
        *lines,
        f"called learned without an effect: {sum(level)} of {len(level)} corpora; all outcomes: {outcomes}",
        f"gain over shuffled pairings significant without an effect: {sum(o['over_shuffled_p'] < ALPHA for o in none)}",
        *(_false_changes(none, *family) for family in FAMILIES.items()),
        f"intervals that hold the true effect, where {MANY} rows or more tell it: {sum(covered)} of {len(covered)}",
    ]


def _false_changes(none: Sequence[dict[str, Any]], family: str, names: Sequence[str]) -> str:
    """How many corpora without an effect have a change of the space that is attributed to the pairing."""
    tested = [{name: one["changes"][name] for name in names if name in one["changes"]} for one in none]
    claimed = [
        [name for name, p in zip(own, holm(list(own.values())), strict=True) if p < ALPHA] if own else []
        for own in tested
    ]
    which = ", ".join(f"{name} {count}" for name, count in Counter(chain.from_iterable(claimed)).most_common())
    return f"a change of {family} attributed without an effect: {sum(map(bool, claimed))} of {len(none)} ({which})"


def _write(found: Sequence[dict[str, Any]], arguments: argparse.Namespace, seconds: float) -> None:
    if arguments.output:
        write_json(arguments.output, {"seconds": round(seconds), "corpora": list(found), "versions": versions()})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, nargs="+", default=[], help="pair files of some hundred rows each")
    parser.add_argument("--halves", type=Path, nargs="+", default=[], help="pair files whose articles are to be halved")
    parser.add_argument("--workers", type=int, default=joblib.cpu_count(), help="processes")
    parser.add_argument("--corpora", type=int, default=40, help="of each kind")
    parser.add_argument("--heads", nargs="+", default=list(HEADS), choices=list(HEADS))
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
