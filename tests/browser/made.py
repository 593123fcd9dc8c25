"""Analyses for the browser: one that attacks it wherever text can stand, and some as large as they come."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.report.made import make_full
from topores.domain import (
    AlignedPairs,
    Analysis,
    Claim,
    Corpus,
    Loop,
    Measurement,
    Neighbours,
    Outline,
    Passage,
    PassageMap,
    State,
    Track,
    Verdict,
)  # fmt: skip

RUN = "window.__ran=1"
"""What no text may make the page do."""

ATTACKS = (
    f"</script><script>{RUN}</script>", f"</style><style>*{{display:none}}</style><script>{RUN}</script>",
    f"</title><script>{RUN}</script>", f"</textarea></template></noscript><script>{RUN}</script>",
    f"<img src=x onerror={RUN}>", f"<svg/onload={RUN}>", f"<svg><script>{RUN}</script></svg>",
    f"<math><mtext><style><img src=x onerror={RUN}>", f"<details open ontoggle={RUN}>",
    f"\" autofocus onfocus=\"{RUN}", f"' onmouseover='{RUN}", f"` onclick=`{RUN}",
    f"javascript:{RUN}", f"<a href=javascript:{RUN}>x</a>", f"[x](javascript:{RUN})",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>", f"<object data='javascript:{RUN}'></object>",
    "<link rel=stylesheet href=//remote.invalid/x.css>", "<img src=//remote.invalid/x.png>",
    "<base href=//remote.invalid/>", f"<meta http-equiv=refresh content='0;url=javascript:{RUN}'>",
    f"<form action=javascript:{RUN}><button autofocus>x</button></form>", "url(//remote.invalid/x)",
    f"<!--<script>{RUN}//", f"--><script>{RUN}</script>", f"]]><script>{RUN}</script>", f"<![CDATA[<script>{RUN}",
    f"&lt;script&gt;{RUN}&lt;/script&gt;", f"\\u003cscript\\u003e{RUN}\\u003c/script\\u003e",
    f"${{{RUN}}}", f"{{{{constructor.constructor('{RUN}')()}}}}", f"';{RUN};//", f"\\';{RUN};//",
    "__proto__", "\u2028\u2029", "\u202egnp.\u2066live", "\x00\x1b[31m\x7f\x9f", "\udc80\ufeff\ufffe",
)  # fmt: skip
"""End scripts, styles and titles, open images and links, close attributes, turn the reading direction."""

ATTACK = " ".join(ATTACKS)


def attacked(analysis: Analysis, attack: str = ATTACK) -> Analysis:
    """`analysis` with `attack` in every name, label, path, option, unit and text."""
    corpus = analysis.corpus
    assert corpus is not None
    # Names of clouds stand in addresses, which cannot hold half of a surrogate pair; no file can be named so either.
    named = attack.replace("\udc80", "")
    names = {cloud: f"{cloud}{named}" if cloud != "union" else cloud for cloud in analysis.clouds}
    measurements = tuple(dataclasses.replace(m, cloud=names[m.cloud], unit=attack) for m in analysis.measurements)
    last = measurements[-1]
    return dataclasses.replace(
        analysis,
        name=attack,
        protocol={**analysis.protocol, attack: attack, "metric": attack, "clouds": [attack], "sampled": [attack],
                  f"cloud {attack}": attack},
        states=tuple(State(s.cycle, f"{s.label} {attack}", Path(attack) / s.path) for s in analysis.states),
        clouds=tuple(names.values()),
        diagrams={(c, k, names[cloud], d): bars for (c, k, cloud, d), bars in analysis.diagrams.items()},
        measurements=(*measurements, dataclasses.replace(last, measure=attack), dataclasses.replace(last, unit=attack)),
        nulls=tuple(dataclasses.replace(n, null=f"{n.null}{attack}") for n in analysis.nulls[::2]) + analysis.nulls,
        loops=tuple(dataclasses.replace(loop, cloud=names[loop.cloud]) for loop in analysis.loops),
        outlines={(c, k, names[cloud]): some for (c, k, cloud), some in analysis.outlines.items()},
        members={names[cloud]: rows for cloud, rows in analysis.members.items()},
        verdict=Verdict(attack, (Claim(attack, 1.0, None, None),), outcome=attack, movement=attack),
        corpus=dataclasses.replace(
            corpus,
            t1=tuple(dataclasses.replace(p, document=attack, text=f"{p.text} {attack}") for p in corpus.t1),
            t2=tuple(dataclasses.replace(p, document=attack, text=f"{attack} {p.text}") for p in corpus.t2),
        ),
        metrics=tuple({**line, attack: 1.0, f"loss_{attack}": 0.5, "note": attack} for line in analysis.metrics),
        run={
            "options": {**analysis.run["options"], "article": attack, "model": attack, attack: attack},
            "versions": {attack: attack}, "device": attack, "seeds": {attack: attack}, "cannot_change": attack,
            "sha256": {"article": {attack: attack}, attack: attack}, "argv": [attack, "train", attack, attack],
            "seconds": attack,
        },
    )  # fmt: skip


@dataclass(frozen=True)
class Size:
    """How much an analysis holds, and how large its page may be."""

    passages: int
    cycles: int
    layers: int
    most_bytes: int

    def __str__(self) -> str:
        return f"{self.passages:,} passages x {self.cycles} cycles x {self.layers} layers"


SIZES = (Size(300, 12, 7, 1_000_000), Size(10_000, 30, 1, 2_000_000), Size(100_000, 12, 1, 5_000_000))
"""The last is sampled: its map and its loops are of some of the passages."""

CLOUDS = ("t1", "t2", "union")
WORDS = (
    "trial pump glucose insulin range sensor hour night child adult dose error mean risk pooled bias effect change "
    "study group open loop closed device alarm week month level"
)


def made_large(passages: int, cycles: int, layers: int, *, texts: bool = True, drawn: int = 10_000) -> Analysis:
    """An analysis at a size: `passages` in all, half of each text, as clouds, maps, bars and outlines of a run.

    Args:
        texts: Whether passages have words, as those of a run; without, they are points of arrays.
        drawn: Most passages of a map, and of a cloud whose loops are computed whole; past it, they are sampled.
    """
    draw = np.random.default_rng(0)
    side = passages // 2
    states = tuple(State(c, f"cycle {c:,}", Path(f"cycle-{c:012d}")) for c in _cycles(cycles))
    members = {"t1": np.arange(side), "t2": np.arange(side, 2 * side), "union": np.arange(2 * side)}
    places = [(s.cycle, k, cloud) for s in states for k in range(layers) for cloud in CLOUDS]
    sampled = [cloud for cloud in CLOUDS if len(members[cloud]) > drawn]
    diagrams = {}
    for place in places:
        points = len(members[place[2]])
        diagrams[(*place, 0)] = _merges(points, draw)
        diagrams[(*place, 1)] = _holes(min(points, 2000 if place[2] in sampled else points) // 2, draw)
    rows = np.arange(2 * side) if passages <= drawn else np.sort(draw.choice(2 * side, drawn, replace=False))
    full = make_full()
    return dataclasses.replace(
        full,
        name=f"{passages:,} passages",
        protocol={"metric": "angle", "degrees": [0, 1], "clouds": list(CLOUDS), "sampled": sampled,
                  **{f"cloud {c}": f"8 subsamples of 2,000 of {len(members[c]):,} passages" for c in sampled}},
        states=states,
        layers=tuple(range(layers)),
        clouds=CLOUDS,
        diagrams=diagrams,
        measurements=_measurements(states, places, draw),
        nulls=(),
        loops=(_loop(diagrams, states[-1].cycle, layers - 1, rows),),
        tracks=tuple(_track(states, layers - 1, rows, draw) for _ in range(6)),
        corpus=_corpus(side, draw) if texts else None,
        metrics=full.metrics if texts else (),
        run=full.run if texts else {},
        maps=tuple(_map(layer, rows, len(states), draw) for layer in range(layers)),
        neighbours=_neighbours(rows, len(states), side, draw),
        outlines={place: _outlined(diagrams[(*place, 1)], len(members[place[2]]), draw) for place in places},
        members=members,
    )  # fmt: skip


def _cycles(count: int) -> list[int]:
    """0, 1, 2, 5, 10, 20, 50, ... as checkpoints are kept."""
    return [0, *(m * 10**k for k in range(count) for m in (1, 2, 5))][:count]


def _merges(points: int, draw: np.random.Generator) -> np.ndarray:
    return np.column_stack([np.zeros(points), [*np.sort(draw.gamma(9.0, 0.08, points - 1)), np.inf]])


def _holes(bars: int, draw: np.random.Generator) -> np.ndarray:
    births = np.sort(draw.gamma(30.0, 0.03, bars))
    return np.column_stack([births, births + draw.exponential(0.03, bars)])


def _outlined(bars: np.ndarray, points: int, draw: np.random.Generator) -> tuple[Outline, ...]:
    longest = np.argsort(bars[:, 0] - bars[:, 1])[:8]
    return tuple(Outline(*bars[i].tolist(), _around(np.arange(points), draw)) for i in longest)


def _around(rows: np.ndarray, draw: np.random.Generator) -> tuple[int, ...]:
    return tuple(draw.choice(rows, draw.integers(4, 12), replace=False).tolist())


def _loop(diagrams: dict, cycle: int, layer: int, rows: np.ndarray) -> Loop:
    bars = diagrams[cycle, layer, "union", 1]
    birth, death = bars[np.argmax(bars[:, 1] - bars[:, 0])].tolist()
    return Loop(cycle, layer, "union", birth, death, 0.01, tuple(rows[:7].tolist()))


def _track(states: tuple[State, ...], layer: int, rows: np.ndarray, draw: np.random.Generator) -> Track:
    births = draw.uniform(0.5, 0.6, len(states))
    deaths = births + draw.uniform(0.05, 0.3, len(states))
    around = tuple(_around(rows, draw) for _ in states)
    return Track(
        layer, "union", tuple(births.tolist()), tuple(deaths.tolist()), (True,) * (len(states) - 1), around, (layer,),
        0.02, 0.8,
    )  # fmt: skip


def _map(layer: int, rows: np.ndarray, states: int, draw: np.random.Generator) -> PassageMap:
    """Passages that move on together, each with a wandering of its own."""
    start, end = draw.normal(0, 0.4, (2, len(rows), 2))
    along = np.linspace(0, 1, states)[:, None, None]
    places = (1 - along) * start + along * end + 0.01 * draw.normal(size=(states, len(rows), 2))
    return PassageMap(layer, rows, places.astype(np.float32), np.linspace(0.2, 0.4, states))


def _neighbours(rows: np.ndarray, states: int, side: int, draw: np.random.Generator) -> Neighbours:
    """At each state, or at the first and the last where there are many passages, as analyses keep them."""
    known = np.arange(states) if len(rows) * states <= 20_000 else np.array([0, states - 1])
    first, second = np.flatnonzero(rows < side), np.flatnonzero(rows >= side)
    nearest = np.empty((len(known), len(rows), 3), dtype=np.int64)
    nearest[:, first] = draw.choice(second, (len(known), len(first), 3))
    nearest[:, second] = draw.choice(first, (len(known), len(second), 3))
    distances = np.sort(draw.uniform(0.3, 1.2, nearest.shape), axis=2).astype(np.float32)
    return Neighbours(rows, known, nearest, distances)


def _measurements(states: tuple[State, ...], places: list, draw: np.random.Generator) -> tuple[Measurement, ...]:
    made = []
    before = dict(zip([s.cycle for s in states[1:]], [s.cycle for s in states], strict=False))
    for cycle, layer, cloud in places:
        at = (cycle, layer, cloud)
        for name, value in (("uniformity", -2.0), ("rank_me", 80.0), ("alignment", 0.9), ("modality_gap", 0.3)):
            made.append(Measurement(*at, name, value * draw.uniform(0.8, 1.2), ""))
        for degree in (0, 1):
            made.append(Measurement(*at, "total_persistence", draw.uniform(2, 4), "rad", degree))
            made.append(Measurement(*at, "persistence_entropy", draw.uniform(2, 4), "nats", degree))
            heights = np.sort(draw.integers(0, 200, 33))[::-1] if degree == 0 else draw.integers(0, 60, 33)
            for threshold, height in zip(np.linspace(0, 1.6, 33).tolist(), heights.tolist(), strict=True):
                made.append(Measurement(*at, "betti_curve", float(height), "", degree, None, threshold))
        for against in sorted({states[0].cycle, before[cycle]}) if cycle in before else ():
            for name in ("linear_cka", "change", "procrustes.angle", "procrustes.scale", "procrustes.residual", "rtd"):
                made.append(Measurement(*at, name, draw.uniform(0.1, 1), "", against=against))
            for degree in (0, 1):
                made.append(Measurement(*at, "bottleneck_distance", draw.uniform(0, 0.1), "rad", degree, against))
                made.append(Measurement(*at, "wasserstein_distance", draw.uniform(0, 5), "rad", degree, against))
    return tuple(made)


def _corpus(side: int, draw: np.random.Generator) -> Corpus:
    """Passages of some 60 words, no two alike, so that they pack about as well as people's texts do."""
    texts = {name: tuple(_passage(name, place, draw) for place in range(side)) for name in ("t1", "t2")}
    split = tuple("held_out" if place % 5 == 0 else "train" for place in range(side))
    pairs = AlignedPairs(
        np.arange(side), np.arange(side), np.ones(side), draw.uniform(0.3, 0.9, side), draw.random(side) < 0.7, 0.8
    )
    return Corpus(texts["t1"], texts["t2"], pairs, split, split, 0, "texts")


def _passage(side: Any, place: int, draw: np.random.Generator) -> Passage:
    words = WORDS.split()
    chosen = draw.integers(0, len(words), 35)
    numbers = draw.integers(0, 10_000, 25)
    text = " ".join([words[i] for i in chosen] + [f"{n / 100}" for n in numbers])
    return Passage(side, "article" if side == "t1" else "meta_analysis", place, 0, len(text), text, 80)
