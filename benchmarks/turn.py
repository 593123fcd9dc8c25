"""Where runs turn from learning to memorising, and which monitors, topological or other, detect it without labels.

    python benchmarks/turn.py benchmarks/results/turn_runs.jsonl                   # the published runs
    python benchmarks/turn.py heads.jsonl full.jsonl --output turn.json            # output of benchmarks/turn_runs.py

Heads and full fine-tuning are evaluated separately, in three comparisons:

1. Locating the turn: the kept cycle with the largest held-out MRR of a run on true pairings, smoothed over its two
   neighbours. Each monitor has one rule, "stop at the first kept cycle at which it has changed by a given amount"; size
   and direction are chosen on the other corpora, so nothing is fitted to the test data.
2. True or shuffled: the AUC with which a monitor's change up to the first kept cycles separates them, within corpus and
   encoder, with one direction for all. Monitors computed from pairs (loss, alignment) differ before any cycle.
3. The same at equal uniformity.

Intervals resample runs (95 %). A monitor wins if the interval of its lead over the next one excludes 0 (comparison 1),
or if the interval of its AUC excludes the AUC of the next one (2 and 3); otherwise there is no winner.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from turn_contests import (
    Trajectory,
    constant_stops,
    fit_rule,
    group_values,
    interval,
    read,
    regression_auc,
    seed_stops,
    separation_auc,
    stops,
    values_at_spread,
    write_short,
)

from topores.compute.files import write_json

CONTESTS = {"linear": ("linear",), "loreft": ("loreft",), "heads": ("linear", "loreft"), "full": ("full",)}
"""Encoders that are evaluated together."""

OF_A_CLOUD = (
    "total_persistence", "over_spectrum", "spanning_tree", "uniformity", "rank_me", "intrinsic_dimension",
    "fifth_neighbour",
)  # fmt: skip
HELD = tuple(f"held.{name}" for name in OF_A_CLOUD)
BLIND = (*OF_A_CLOUD, "rtd", "modality_gap", *HELD)
"""Monitors computed from the two texts without their pairs."""
OF_PAIRS = ("alignment", "one_minus_p", "loss", "train_mrr")
MONITORS = (*BLIND, *OF_PAIRS)
TOPOLOGY = {f"{of}{name}" for of in ("", "held.") for name in ("total_persistence", "over_spectrum", "spanning_tree")}
TOPOLOGY |= {"rtd"}

CONSTANT = "(constant)"
"""The rule that always stops at the same state."""

FIRST = 4
"""Number of kept cycles after the untrained encoder used in comparison 2."""
LEVELS = {"": (-2.7, -3.0, -3.3), "held.": (-2.2, -2.5, -2.8)}
"""Uniformity levels at which runs are compared, for training passages and for unseen ones, which are less spread."""


def main() -> None:
    arguments = _arguments()
    runs, result = read(arguments.runs), {}
    for name, encoders in CONTESTS.items():
        chosen = [run for run in runs if run.encoder in encoders]
        if len({run.corpus for run in chosen}) > 1:
            print(f"\n# {name}: {sum(run.true for run in chosen)} true runs, {len(chosen)} in total")
            result[name] = {
                "turns": turns(chosen), "where": locate_turns(chosen), "first": first_cycles(chosen),
                "equal_spread": equal_spread(chosen),
            }  # fmt: skip
    if arguments.output:
        write_json(arguments.output, result)
    if arguments.short:
        write_short(runs, arguments.short)


def turns(runs: Sequence[Trajectory]) -> list[dict[str, Any]]:
    """The turn of each run, and its uncertainty."""
    true = [run for run in runs if run.true]
    found = [
        {
            "corpus": run.corpus, "encoder": run.encoder, "seed": run.seed, "cycle": run.states[run.turn]["cycle"],
            "checkpoint": run.turn, "plateau": run.plateau, "moves": run.turn_moves,
            "gain": float(run.retrieval[run.turn] - run.retrieval[0]),
            "end": float(run.retrieval[-1] - run.retrieval[0]),
        }
        for run in true
    ]  # fmt: skip
    print("\nturn (cycle) by seed | gain in held-out MRR | at the end | plateau, moved by noise (checkpoints)")
    for group in dict.fromkeys(run.group for run in true):
        own = [turn for turn in found if (turn["corpus"], turn["encoder"]) == group]
        means = {key: np.mean([turn[key] for turn in own]) for key in ("gain", "end", "plateau", "moves")}
        print(
            f"{' '.join(group):28} {', '.join(str(turn['cycle']) for turn in own):14} {means['gain']:+.3f} "
            f"{means['end']:+.3f}  {means['plateau']:.1f}, {means['moves']:.1f}"
        )
    _print_courses(runs)
    return found


def _print_courses(runs: Sequence[Trajectory]) -> None:
    print(
        "\nheld-out MRR at the first four kept cycles and the last | loops over their start at the next three and the "
        "last, minimum; the last (rad) | TwoNN at start | uniformity at start, maximum | training MRR is 1.00 from"
    )
    for run in runs:
        mrr, loops, wide = run.values("held_out_mrr"), run.values("total_persistence"), run.values("uniformity")
        known = [state["cycle"] for state in run.states if state["train_mrr"] > 0.995]
        told = ", ".join(f"{value:.3f}" for value in (*mrr[:4], mrr[-1]))
        times = ", ".join(f"{value:.2f}" for value in (*loops[1:4], loops[-1], loops.min()) / loops[0])
        dimension = ", ".join(f"{value:.1f}" for value in run.values("intrinsic_dimension")[:3])
        print(
            f"{' '.join(run.group):22} {run.seed} {'true' if run.true else 'shuffled':8}  {told} | {times}; "
            f"{loops[-1]:.1f} | {dimension} | {wide[0]:.1f}, {wide.max():.1f} | "
            f"{f'cycle {known[0]}' if known else 'never'}"
        )


def locate_turns(runs: Sequence[Trajectory]) -> dict[str, Any]:
    """Comparison 1: distance from the turn in checkpoints, and the MRR lost by stopping there."""
    true = [run for run in runs if run.true]
    stopped = {name: stops(name, true) for name in MONITORS}
    stopped |= {CONSTANT: constant_stops(true), "(other seeds)": seed_stops(true)}
    stopped |= {"(the last)": [len(run) - 1 for run in true], "(untrained)": [0 for _ in true]}
    missed = {name: np.abs(np.subtract(at, [run.turn for run in true])) for name, at in stopped.items()}
    lost = {
        name: np.array([run.retrieval[run.turn] - run.retrieval[place] for run, place in zip(true, at, strict=True)])
        for name, at in stopped.items()
    }
    rows: list[dict[str, Any]] = [
        {
            "monitor": name, "distance": float(missed[name].mean()), "interval": interval(missed[name]),
            "mrr_lost": float(np.mean(lost[name])), "mrr_lost_interval": interval(lost[name]),
            "rule": fit_rule(name, true).description if name in MONITORS else "",
        }
        for name in sorted(stopped, key=lambda name: missed[name].mean())
    ]  # fmt: skip
    print("\n1. distance from the turn in checkpoints | held-out MRR lost | the rule over all corpora")
    for row in rows:
        print(
            f"{row['monitor']:28} {row['distance']:.2f} ({row['interval'][0]:.1f} to {row['interval'][1]:.1f})   "
            f"{row['mrr_lost']:.3f}   {row['rule']}"
        )
    judged = [row["monitor"] for row in rows if row["monitor"] != "(other seeds)"]
    return {"monitors": rows, "leads": [*_leads("distance", judged, missed), *_leads("MRR lost", judged, lost)]}


def _leads(what: str, judged: list[str], by: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Leads of the best monitor over the next, of the best topological one over the rest, and of both over CONSTANT."""
    topology = next(name for name in judged if name in TOPOLOGY)
    rest = next(name for name in judged if name not in TOPOLOGY)
    found = []
    pairs = [tuple(judged[:2]), (topology, rest), (judged[0], CONSTANT), (topology, CONSTANT)]
    for best, other in dict.fromkeys(pairs):
        lead = by[other] - by[best]
        low, high = interval(lead)
        said = "wins" if low > 0 else "loses" if high < 0 else "no winner"
        print(f"-> {what}: {best} before {other} by {lead.mean():.3f} ({low:.3f} to {high:.3f}): {said}")
        found.append({"what": what, "of": best, "over": other, "lead": lead.mean(), "interval": [low, high]})
    return found


def first_cycles(runs: Sequence[Trajectory]) -> list[dict[str, Any]]:
    """Comparison 2: AUC of true against shuffled runs by the change since the untrained encoder."""
    rows: list[dict[str, Any]] = []
    for name in (*BLIND, *OF_PAIRS):
        cycles = {place: str(runs[0].states[place]["cycle"]) for place in range(1, FIRST + 1)}
        aucs = {cycle: separation_auc(group_values(runs, _change(name, place))) for place, cycle in cycles.items()}
        aucs["sign"] = separation_auc(group_values(runs, _sign(name)))
        rows.append({"monitor": name, "aucs": aucs})
    rows.sort(key=lambda row: -row["aucs"]["1"]["auc"])
    print("\n2. AUC of true against shuffled by the change since the start, at cycle; by the sign of the first change")
    print(" " * 28, *(f"{key:>16}" for key in rows[0]["aucs"]))
    for row in rows:
        print(f"{row['monitor']:28}", *(_format_auc(found) for found in row["aucs"].values()))
    for key in rows[0]["aucs"]:
        _say_winner(f"cycle {key}", {row["monitor"]: row["aucs"][key] for row in rows if row["monitor"] in BLIND})
    return rows


def _say_winner(where: str, found: dict[str, dict[str, Any]]) -> None:
    """Print the best monitor among those that use no pairs; the others depend on the pairs directly."""
    best, other = sorted(found, key=lambda name: -found[name]["auc"])[:2]
    said = "wins" if found[best]["low"] > found[other]["auc"] else "no winner"
    print(f"-> {where}: {best} {found[best]['auc']:.2f} before {other} {found[other]['auc']:.2f}: {said}")


def _change(name: str, place: int) -> Callable[[Trajectory], float]:
    return lambda run: float(run.changes(name)[place])


def _sign(name: str) -> Callable[[Trajectory], float]:
    return lambda run: float(np.sign(run.changes(name)[1]))


def equal_spread(runs: Sequence[Trajectory]) -> dict[str, Any]:
    """Comparison 3: true against shuffled runs at equal uniformity."""
    found: dict[str, Any] = {"levels": [], "regression": []}
    for of, levels in LEVELS.items():
        names = [f"{of}{name}" for name in OF_A_CLOUD if name != "uniformity"]
        names += [] if of else ["modality_gap", "alignment"]
        print(f"\n3. at equal {of}uniformity: shuffled over true (AUC), at {', '.join(map(str, levels))}")
        for name in names:
            rows = [{"monitor": name, "level": level, **_at_level(runs, name, level, of)} for level in levels]
            found["levels"] += rows
            print(f"{name:28}", *(_format_level(row) for row in rows))
        _print_groups(found["levels"], f"{of}total_persistence", levels[-1])
        for level in levels:
            judged = {row["monitor"]: row for row in found["levels"] if row["level"] == level and "auc" in row}
            _say_winner(f"at {level}", {name: row for name, row in judged.items() if name in names and name in BLIND})
            found["regression"].append(row := {"of": of, "level": level, **_regressions(runs, level, of)})
            told = ", ".join(f"{name} {value:.2f}" for name, value in row.items() if name not in ("of", "level"))
            print(f"-> AUC of logistic regression at {level}: {told}")
    return found


def _at_level(runs: Sequence[Trajectory], name: str, level: float, of: str) -> dict[str, Any]:
    values = group_values(runs, lambda run: values_at_spread(run, level, f"{of}uniformity")(name))
    if not values:
        return {}
    ratios = {" ".join(group): float(np.mean(shuffled) / np.mean(true)) for group, (true, shuffled) in values.items()}
    return {**separation_auc(values), "ratio": float(np.exp(np.mean(np.log([*ratios.values()])))), "ratios": ratios}


def _print_groups(rows: list[dict[str, Any]], name: str, level: float) -> None:
    ratios = next(row.get("ratios", {}) for row in rows if (row["monitor"], row["level"]) == (name, level))
    print(f"   {name} at {level}:", ", ".join(f"{group} {ratio:.2f}" for group, ratio in ratios.items()))


def _regressions(runs: Sequence[Trajectory], level: float, of: str) -> dict[str, float]:
    """AUC of persistence, of the two simpler explanations, and of their combinations."""
    loops, dimension = f"{of}total_persistence", f"{of}intrinsic_dimension"
    inputs = {
        "loops": [loops], "TwoNN": [dimension], "alignment": ["alignment"], "TwoNN and loops": [dimension, loops],
        "alignment and loops": ["alignment", loops], "alignment and TwoNN": ["alignment", dimension],
    }  # fmt: skip
    both = set(group_values(runs, lambda run: values_at_spread(run, level, f"{of}uniformity")(loops)))
    at = [(run, values_at_spread(run, level, f"{of}uniformity")) for run in runs if run.group in both]
    at = [(run, value) for run, value in at if np.isfinite(value(loops))]
    rows = {
        what: [(run.group, run.true, [np.log(value(name)) for name in names]) for run, value in at]
        for what, names in inputs.items()
    }
    enough = len({group[0] for group in both}) > 1
    return {what: regression_auc(each) for what, each in rows.items()} if enough else {}


def _format_auc(found: dict[str, float]) -> str:
    return f"{'+' if found['sign'] > 0 else '-'}{found['auc']:.2f} ({found['low']:.2f}-{found['high']:.2f})".rjust(16)


def _format_level(row: dict[str, Any]) -> str:
    return f"{row['ratio']:.2f} ({row['auc']:.2f}, {row['groups']} groups)" if "ratio" in row else "-"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="files written by benchmarks/turn_runs.py")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--short", type=Path, help="write the runs again, with fewer digits")
    return parser.parse_args()


if __name__ == "__main__":
    main()
