"""Made analyses: one as a run of two texts gives it, and one with as little as an analysis may hold."""

from pathlib import Path

import numpy as np

from topores.domain import (
    AlignedPairs,
    Analysis,
    Claim,
    Corpus,
    Loop,
    Measurement,
    Neighbours,
    NullMeasurement,
    Outline,
    Passage,
    PassageMap,
    State,
    Track,
    Verdict,
)  # fmt: skip

CYCLES = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
LAYERS = tuple(range(7))
CLOUDS = ("t1", "t2", "union")
SIDE = 60

SENTENCES = (
    "Closed-loop insulin delivery kept glucose in the target range for longer than a usual pump did.",
    "The confidence interval of the pooled difference excludes zero in nine of eleven trials.",
    "Participants wore the sensor at night only, and reported fewer alarms in the second month.",
    "Heterogeneity was moderate (I² = 41 %), and came mostly from the age of the participants.",
    "Time below 3.9 mmol/L fell from 4.1 % to 2.2 %; no severe hypoglycaemia was seen.",
    "Доверительный интервал не включает ноль, но испытаний мало.",
)


def make_full() -> Analysis:
    """12 cycles, 7 layers, 3 clouds, 120 passages, with corpus, metrics, loops and a run."""
    rng = np.random.default_rng(7)
    diagrams = make_diagrams(rng)
    return Analysis(
        name="closed_loop",
        protocol={
            "options": {},
            "name": "angle-degree1-all",
            "metric": "angle",
            "degrees": [0, 1],
            "clouds": list(CLOUDS),
            "max_points": 2000,
            "engine": "redzed",
        },
        states=tuple(State(c, f"cycle {c:,}", Path(f"runs/closed_loop/checkpoints/cycle-{c:012d}")) for c in CYCLES),
        layers=LAYERS,
        clouds=CLOUDS,
        diagrams=diagrams,
        measurements=make_measurements(diagrams, rng),
        nulls=make_nulls(),
        loops=make_loops(diagrams),
        tracks=make_tracks(),
        maps=make_maps(),
        neighbours=make_neighbours(),
        outlines=make_outlines(diagrams),
        verdict=make_verdict(),
        corpus=make_corpus(rng),
        metrics=make_metrics(rng),
        run=make_run(),
        members={"t1": np.arange(SIDE), "t2": np.arange(SIDE, 2 * SIDE), "union": np.arange(2 * SIDE)},
    )


def make_bare() -> Analysis:
    """One array of points, the unit square: no corpus, no metrics, no run, no loop, no claim."""
    square = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, np.inf]])
    return Analysis(
        name="points",
        protocol={
            "name": "euclidean-degree1-last",
            "metric": "euclidean",
            "options": {"layers": "last", "metric": "euclidean"},
        },
        states=(State(0, "points.npy", Path("points.npy")),),
        layers=(0,),
        clouds=("union",),
        diagrams={(0, 0, "union", 0): square, (0, 0, "union", 1): np.array([[1.0, 2.0**0.5]])},
        measurements=(
            Measurement(0, 0, "union", "total_persistence", 3.0, "", degree=0),
            Measurement(0, 0, "union", "uniformity", -2.25, ""),
        ),
        loops=(),
        verdict=Verdict("One state of 4 points: no change can be seen.", ()),
    )


def make_diagrams(rng: np.random.Generator) -> dict[tuple[int, int, str, int], np.ndarray]:
    """Spaces that widen with cycles and layers, and grow loops."""
    found = {}
    for age, cycle in enumerate(CYCLES):
        for layer in LAYERS:
            spread = 0.35 + 0.07 * layer + 0.03 * age * layer / 6
            for cloud in CLOUDS:
                points = 2 * SIDE if cloud == "union" else SIDE
                merges = np.sort(rng.gamma(9.0, spread / 9, points - 1))
                found[cycle, layer, cloud, 0] = np.column_stack([np.zeros(points), [*merges, np.inf]])
                births = np.sort(rng.gamma(30.0, spread * 1.15 / 30, points // 5 + 2 * age))
                lengths = rng.exponential(0.03 * spread, len(births))
                found[cycle, layer, cloud, 1] = np.column_stack([births, births + lengths])
    return found


def make_measurements(diagrams: dict, rng: np.random.Generator) -> tuple[Measurement, ...]:
    made = []
    for place, cycle in enumerate(CYCLES):
        for layer in LAYERS:
            for cloud in CLOUDS:
                at = (cycle, layer, cloud)
                made += [m for degree in (0, 1) for m in _own(at, degree, diagrams[(*at, degree)])]
                made += _geometry(at, place, rng)
                for against in sorted({CYCLES[0], CYCLES[place - 1]}) if place else ():
                    made += _compared(at, against, place, rng)
    return tuple(made)


def _own(at: tuple, degree: int, diagram: np.ndarray) -> list[Measurement]:
    lengths = (diagram[:, 1] - diagram[:, 0])[np.isfinite(diagram[:, 1])]
    share = lengths / lengths.sum()
    thresholds = np.linspace(0, 1.6, 33)
    curve = [
        Measurement(
            *at, "betti_curve", float(np.sum((diagram[:, 0] <= t) & (t < diagram[:, 1]))), "", degree, None, float(t)
        )
        for t in thresholds
    ]
    return [
        Measurement(*at, "total_persistence", float(lengths.sum()), "rad", degree),
        Measurement(*at, "persistence_entropy", float(-(share * np.log(share)).sum()), "nats", degree),
        *curve,
    ]


def _geometry(at: tuple, age: int, rng: np.random.Generator) -> list[Measurement]:
    noise = rng.normal(0, 0.02)
    values = {
        "uniformity": -2.1 - 0.12 * age + noise,
        "rank_me": 60.0 + 8 * age + noise,
        "intrinsic_dimension": 6 + age / 3 + noise,
    }
    if at[2] == "union":
        values |= {"alignment": 1.1 - 0.05 * age + noise, "modality_gap": 0.4 - 0.02 * age + noise}
    return [Measurement(*at, name, float(value), "") for name, value in values.items()]


def _compared(at: tuple, against: int, age: int, rng: np.random.Generator) -> list[Measurement]:
    far = (0.2 if against else 1.0) * age / 11 * (0.2 + at[1] / 6)
    noise = abs(rng.normal(0, 0.01))
    whole = {
        "linear_cka": (1 - 0.5 * far, "0 to 1"),
        "change": (0.8 * far + noise, "share of the spread"),
        "procrustes.angle": (far + noise, "rad"),
        "procrustes.scale": (1 + 0.2 * far, "ratio"),
        "procrustes.residual": (0.5 * far + noise, "share of the spread"),
        "rtd": (6 * far + noise, ""),
    }
    made = [Measurement(*at, name, float(value), unit, against=against) for name, (value, unit) in whole.items()]
    for degree in (0, 1):
        made += [
            Measurement(*at, "bottleneck_distance", float(0.1 * far + noise), "rad", degree, against),
            Measurement(*at, "wasserstein_distance", float((9 - 6 * degree) * far + noise), "rad", degree, against),
        ]
    return made


def make_nulls() -> tuple[NullMeasurement, ...]:
    """Dropout at both ends, three runs on shuffled pairings at every cycle, numbers that are easy to add up."""
    made = []
    for cycle in (CYCLES[0], CYCLES[-1]):
        for draw in range(4):
            at = (cycle, 6, "union")
            made.append(NullMeasurement("dropout", draw, Measurement(*at, "uniformity", -2.0 - 0.1 * draw, "")))
            change = Measurement(*at, "change", 0.1 + 0.01 * draw, "share of the spread", against=cycle)
            made.append(NullMeasurement("dropout", draw, change))
    for age, cycle in enumerate(CYCLES):
        for draw in range(3):
            at = (cycle, 6, "union")
            loops = Measurement(*at, "total_persistence", 2.0 + draw + 0.1 * age, "rad", 1)
            made += [
                NullMeasurement("shuffled", draw, loops),
                NullMeasurement("shuffled", draw, Measurement(*at, "held_out_mrr", 0.4 + 0.01 * draw, "")),
                NullMeasurement("shuffled", draw, Measurement(cycle, 6, "t1", "uniformity", -9.0, "")),
            ]
    return tuple(made)


def make_tracks() -> tuple[Track, ...]:
    """One loop that was exists from the start, and one that opens at the fifth state and closes after the ninth."""
    states = len(CYCLES)
    old = tuple(0.5 + 0.01 * k for k in range(states))
    first = Track(6, "union", old, tuple(b + 0.02 * (k + 1) for k, b in enumerate(old)), (True,) * (states - 1),
                  tuple((3, 70, 12, 40 + k) for k in range(states)), (4, 5, 6), 0.8, 0.94)  # fmt: skip
    alive = range(4, 9)
    births = tuple(0.7 if k in alive else None for k in range(states))
    deaths = tuple(0.7 + 0.03 * (k - 3) if k in alive else None for k in range(states))
    sure = tuple(k != 6 for k in range(states - 1))
    members = tuple((5, 9, 33) if k in alive else () for k in range(states))
    return first, Track(6, "union", births, deaths, sure, members, (6,), 0.01, None)


def make_loops(diagrams: dict) -> tuple[Loop, ...]:
    made = []
    for cycle, cloud, members, p in ((2000, "union", (3, 70, 12, 99, 41), 0.012), (1000, "t1", (5, 9, 33, 20), 0.4)):
        bars = diagrams[cycle, 6, cloud, 1]
        birth, death = bars[np.argmax(bars[:, 1] - bars[:, 0])].tolist()
        made.append(Loop(cycle, 6, cloud, birth, death, p, members))
    return tuple(made)


def make_maps() -> tuple[PassageMap, ...]:
    """Two rings, of T1 within T2, that widen from state to state."""
    turn = np.linspace(0, 2 * np.pi, SIDE, endpoint=False)
    ring = np.column_stack([np.cos(turn), np.sin(turn)])
    plane = np.vstack([0.4 * ring, 0.8 * ring])
    states = np.array([(1 + 0.02 * age) * plane for age in range(len(CYCLES))], dtype=np.float32)
    explained = np.linspace(0.3, 0.5, len(CYCLES))
    return tuple(PassageMap(layer, np.arange(2 * SIDE), states * (1 + 0.1 * layer), explained) for layer in LAYERS)


def make_neighbours() -> Neighbours:
    """The passage at the same place of the other text, and the two after it."""
    own = np.arange(2 * SIDE)
    other = (own + SIDE) % (2 * SIDE)
    start = SIDE * (other >= SIDE)
    nearest = np.stack([start + (other - start + step) % SIDE for step in range(3)], axis=1)
    distances = np.broadcast_to(np.array([0.5, 0.75, 1.0], dtype=np.float32), nearest.shape)
    ages = np.arange(len(CYCLES))
    return Neighbours(own, ages, np.stack([nearest] * len(ages)), np.stack([distances] * len(ages)))


def make_outlines(diagrams: dict) -> dict[tuple[int, int, str], tuple[Outline, ...]]:
    """The two longest loops of each cell, and the surest ones, each with passages."""
    found = {}
    for (cycle, layer, cloud, degree), bars in diagrams.items():
        if degree != 1:
            continue
        longest = bars[np.argsort(bars[:, 0] - bars[:, 1])[:2]].tolist()
        members = ((3, 7, 12, 19, 41), (5, 9, 33, 20))
        found[cycle, layer, cloud] = tuple(Outline(*bar, rows) for bar, rows in zip(longest, members, strict=True))
    return found


def make_verdict() -> Verdict:
    return Verdict(
        "Held-out retrieval rose from 0.486 to 0.545 by cycle 20 and then fell back to 0.455: past cycle 20 the "
        "encoder learned its pairs by heart, and the loops of the space grew from 1.10 to 3.58 rad.",
        (
            Claim("Held-out MRR is above that of the untrained encoder", 0.455, 0.486, 0.71),
            Claim("Total loop persistence, last cycle against the first", 3.5812345, 1.1, 0.0004),
            Claim("Share of the change that neither rotation nor scale explains", 0.512, None, None),
        ),
    )


def make_corpus(rng: np.random.Generator) -> Corpus:
    sides = {side: tuple(_passage(side, place, rng) for place in range(SIDE)) for side in ("t1", "t2")}
    split = tuple("held_out" if 20 <= p < 32 else None if p in (19, 32) else "train" for p in range(SIDE))
    pairs = AlignedPairs(
        np.arange(SIDE), np.arange(SIDE), np.ones(SIDE), rng.uniform(0.3, 0.9, SIDE), rng.random(SIDE) < 0.7, 0.8217
    )
    return Corpus(sides["t1"], sides["t2"], pairs, split, split, 1, "texts")


def _passage(side: str, place: int, rng: np.random.Generator) -> Passage:
    chosen = [*rng.choice(SENTENCES[:5], 3, replace=False)] + ([SENTENCES[5]] if place == 12 else [])
    text = f"[{side} {place}] " + " ".join(chosen)
    name = "article" if side == "t1" else "meta_analysis"
    return Passage(side, name, place, 400 * place, 400 * place + len(text), text, len(text) // 5)


def make_metrics(rng: np.random.Generator) -> tuple[dict, ...]:
    lines = []
    for age, cycle in enumerate(CYCLES):
        left = float(np.exp(-age / 2.5))
        held = 0.486 + 0.06 * np.exp(-((age - 5) ** 2) / 4) - 0.004 * max(0, age - 4)
        line = {"cycle": cycle, "loss": 0.2 + 2.4 * left, "seconds": 3.1 * age}
        for i, pairing in enumerate(("1to1", "2to2", "1to2", "2to1")):
            line[f"loss_{pairing}"] = float(0.05 + 0.15 * i + (1.2 + 0.6 * i) * left + rng.normal(0, 0.01))
        line |= {"alignment": 1.1 * left + 0.3, "uniformity": -2.7 - 0.09 * age, "rank_me": 90.0 + 7 * age}
        line |= {"modality_gap": 0.5 * left + 0.1}
        for i, way in enumerate(("1to2", "2to1")):
            line[f"held_out_mrr_{way}"] = float(held - 0.04 * i)
            line[f"held_out_recall_at_1_{way}"] = float(held - 0.17 - 0.03 * i)
            line[f"train_mrr_{way}"] = float(1 - 0.6 * left - 0.02 * i)
            line[f"train_recall_at_1_{way}"] = float(1 - 0.75 * left - 0.02 * i)
        lines.append(line)
    return tuple(lines)


def make_run() -> dict:
    return {
        "options": {
            "article": "data/closed_loop/article.txt", "meta_analysis": "data/closed_loop/meta_analysis.txt",
            "pairs": None, "model": "all-MiniLM-L6-v2", "encoder": "full", "objective": "four_pairings",
            "loss": "infonce", "cycles": 2000, "batch_size": 32, "learning_rate": 4e-5, "temperature": 0.05,
            "held_out": 0.2, "embargo": 1, "seed": 0,
        },
        "versions": {"topores": "0.1.0", "python": "3.11.9", "torch": "2.13.0", "sentence-transformers": "6.2.0"},
        "device": "cpu",
        "seeds": {"seed": 0},
        "sha256": {"article": "0" * 64, "meta_analysis": "1" * 64, "model": "53aa5117" * 8},
        "argv": ["/usr/bin/topores", "train", "data/closed_loop/article.txt", "my notes/meta.txt", "--cycles", "2000"],
        "seconds": 412.0,
    }  # fmt: skip
