"""Time of a cycle over the whole corpus when a head is trained on cached embeddings, compared with autograd.

    python benchmarks/heads_speed.py                    # 200 passages per side, 384 dimensions, float32, one core

One cycle is one step of the four pairings on two views of every passage: the losses, and the gradients of the head and
of the temperature. The two sides alternate, ten cycles in a row each, as in training. Medians over rounds, and minima,
which other load affects least. Three parts:

LoReFT, linear  `HeadObjective` compared with autograd through `four_pairings` on the same rows. The largest difference
                of each gradient from autograd in float64 is printed. 200 passages per side are 800 rows for the
                objective; 100 passages are 400 rows, as many as one view of 200.
arithmetic      FLOP/s of the linear head's products, and of a plain matrix product on this machine.
clock           Cycles per second of `topores clock`: 8 pairs in 8 dimensions, float64.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch
from measuring import alternate

from topores.compute.files import write_json
from topores.config import PAIRING_WEIGHTS
from topores.training.clock.kernel import compile_cycles
from topores.training.clock.vectors import start
from topores.training.heads import by_autograd
from topores.training.heads.objective import HeadObjective
from topores.training.provenance import versions

VIEWS, DIM = 4, 384
LOW, HIGH = 100, 200


class Case:
    """A synthetic corpus, heads near the identity, and a cycle of each by both methods."""

    def __init__(self, passages: int, rank: int) -> None:
        draw = torch.Generator().manual_seed(0)
        self.bank, self.passages = _synthetic_rows(passages, draw), passages
        self.alignment = torch.eye(passages, dtype=torch.float64)
        self.R = torch.linalg.qr(torch.randn(DIM, rank, generator=draw))[0].T.contiguous()
        self.W = self.R + 0.05 * torch.randn(rank, DIM, generator=draw)
        self.b = 0.1 * torch.randn(rank, generator=draw)
        self.M = torch.eye(DIM) + 0.02 * torch.randn(DIM, DIM, generator=draw)
        self.first = torch.randint(VIEWS, (2 * passages,), generator=draw)
        self.second = (self.first + 1) % VIEWS
        self.objective = HeadObjective(self.bank, self.alignment)

    def sides(self) -> dict[str, Callable[[], object]]:
        weights = self.R, self.W, self.b
        return {
            "LoReFT, Gram": lambda: self.objective.loreft(*weights, self.first, self.second),
            "LoReFT, autograd": lambda: self.autograd_cycle(by_autograd.loreft, weights),
            "linear, Gram": lambda: self.objective.linear(self.M, self.first, self.second),
            "linear, autograd": lambda: self.autograd_cycle(by_autograd.linear, (self.M,)),
        }

    def autograd_cycle(
        self, head: by_autograd.Head, weights: tuple[torch.Tensor, ...], dtype: torch.dtype = torch.float32
    ) -> list[torch.Tensor]:
        places, n = torch.arange(2 * self.passages), self.passages
        one, other = self.bank[self.first, places], self.bank[self.second, places]
        return by_autograd.losses_and_gradients(
            head, tuple(weight.to(dtype) for weight in weights),
            torch.cat([one[:n], other[:n], one[n:], other[n:]]).to(dtype), self.alignment, None,
            log_temperature=float(np.log(self.objective.temperature)), pairing_weights=PAIRING_WEIGHTS, loss="infonce",
        )[1]  # fmt: skip

    def differences(self) -> dict[str, float]:
        """Relative error of each gradient against float64; for LoReFT only by W, as the one by R is not unique."""
        sides, float64 = self.sides(), torch.float64
        loreft = self.autograd_cycle(by_autograd.loreft, (self.R, self.W, self.b), float64)[1]
        linear = self.autograd_cycle(by_autograd.linear, (self.M,), float64)[0]
        return {
            "LoReFT, Gram": _relative_error(sides["LoReFT, Gram"]().source, loreft),
            "LoReFT, autograd": _relative_error(sides["LoReFT, autograd"]()[1], loreft),
            "linear, Gram": _relative_error(sides["linear, Gram"]().matrix, linear),
            "linear, autograd": _relative_error(sides["linear, autograd"]()[0], linear),
        }


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(1)
    result = {"versions": versions(), "machine": arguments.machine, "rank": arguments.rank, "runs": []}
    for passages in arguments.passages:
        case = Case(passages, arguments.rank)
        run = {"passages": passages, "rows": 4 * passages, **_milliseconds(case.sides(), arguments.repeats, cycles=10)}
        run["difference"] = case.differences()
        run["ratio"] = {
            name: run["median_ms"][f"{name}, autograd"] / run["median_ms"][f"{name}, Gram"]
            for name in ("LoReFT", "linear")
        }
        run["linear_gflop"] = _linear_products(4 * passages) / 1e9
        result["runs"].append(run)
        _print(run)
    result["product_gflops"] = _product_speed(arguments.repeats)
    result["clock_cycles_per_second"] = _clock(arguments.repeats)
    print(f"\na plain product of 800 x 384 x 384: {result['product_gflops']:.0f} GFLOP/s, best of all rounds")
    print(f"clock, 8 pairs in 8 dimensions: {result['clock_cycles_per_second']:,.0f} cycles/s, best of all rounds")
    result["load"] = os.getloadavg()[0]
    if arguments.output:
        write_json(arguments.output, result)


def _linear_products(rows: int) -> int:
    """Multiplications and additions that a cycle of a linear head needs with this algorithm."""
    forward = 2 * rows * DIM**2 + rows**2 * DIM
    by_halves = rows**2 * DIM + 2 * rows * DIM**2 + 2 * DIM**3
    by_rows = 2 * rows**2 * DIM + 2 * rows * DIM**2
    return forward + (by_halves if rows**2 > 2 * DIM**2 else by_rows)


def _product_speed(repeats: int) -> float:
    left, right, out = torch.randn(800, DIM), torch.randn(DIM, DIM), torch.empty(800, DIM)
    taken = _milliseconds({"product": lambda: torch.mm(left, right, out=out)}, repeats)["least_ms"]["product"]
    return 2 * 800 * DIM**2 / taken / 1e6


def _clock(repeats: int, cycles: int = 100_000) -> float:
    vectors, run = start(8, 8, 0), compile_cycles(8, 8, "infonce")
    taken = _milliseconds({"clock": lambda: run(vectors, 0.1, cycles)}, min(repeats, 10))
    return cycles / taken["least_ms"]["clock"] * 1e3


def _milliseconds(sides: dict[str, Callable[[], object]], repeats: int, cycles: int = 1) -> dict[str, dict[str, float]]:
    """Milliseconds per cycle of each side."""
    taken = {name: 1e3 * np.array(each) for name, each in alternate(sides, repeats, cycles).items()}
    return {
        "median_ms": {name: float(np.median(each)) for name, each in taken.items()},
        "least_ms": {name: float(each.min()) for name, each in taken.items()},
    }


def _print(run: dict) -> None:
    print(
        f"\n{run['passages']} passages per side, {run['rows']} rows: ms per cycle, median and minimum; error to float64"
    )
    for name, median in run["median_ms"].items():
        print(f"  {name:20} {median:8.2f} {run['least_ms'][name]:8.2f}   {run['difference'][name]:.1e}")
    for name, ratio in run["ratio"].items():
        print(f"  {name}: {ratio:.1f} times as fast as autograd")
    least = run["least_ms"]["linear, Gram"]
    print(
        f"  linear: {run['linear_gflop']:.2f} GFLOP per cycle, {run['linear_gflop'] / least * 1e3:.0f} GFLOP/s at best"
    )


def _relative_error(found: torch.Tensor, true: torch.Tensor) -> float:
    return float((found.double() - true).norm() / true.norm())


def _synthetic_rows(passages: int, draw: torch.Generator) -> torch.Tensor:
    """Synthetic rows around twenty topics with few dominant directions, like embeddings; T2's topics match T1's."""
    scale = torch.arange(1, DIM + 1) ** -0.5

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, DIM, generator=draw) * scale

    one = normal(20)[torch.randint(20, (passages,), generator=draw)] + 0.7 * normal(passages)
    both = torch.cat([one, one + 0.5 * normal(passages)])
    return both + 0.15 * normal(VIEWS, 2 * passages)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, nargs="+", default=[HIGH, LOW], help="per side")
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--machine", default="", help="description of the machine, for the JSON")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
