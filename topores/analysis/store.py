"""Results on disk: diagrams as arrays, measures and nulls as tables, the rest as JSON."""

import dataclasses
import json
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from topores.analysis.verdict.stored import verdict_facts, verdict_of
from topores.compute.files import write_json, write_whole
from topores.domain import (
    Analysis,
    Loop,
    Measurement,
    Neighbours,
    NullMeasurement,
    Outline,
    PassageMap,
    State,
    Track,
    label_read,
)
from topores.errors import InputError, ToporesError
from topores.runs import Run
from topores.text.corpus import CORPUS_FILES, read_corpus, write_corpus

DIAGRAMS, MEASURES, NULLS, PROTOCOL = "diagrams.npz", "measures.parquet", "nulls.parquet", "protocol.json"
MAPS, OUTLINES = "maps.npz", "outlines.npz"

MAP, NEAR = "layer-", "neighbours."
"""Prefixes of the names of arrays in maps.npz."""

COLUMNS = pa.schema(
    [
        ("cycle", pa.int64()), ("layer", pa.int64()), ("cloud", pa.string()), ("degree", pa.int64()),
        ("measure", pa.string()), ("against", pa.int64()), ("threshold", pa.float64()), ("value", pa.float64()),
        ("unit", pa.string()), ("standard_error", pa.float64()),
    ]
)  # fmt: skip

OF_NULLS = pa.schema([("null", pa.string()), ("replicate", pa.int64()), *COLUMNS])


def write_results(analysis: Analysis, folder: Path, *, fingerprint: str | None = None) -> Path:
    """Diagrams, maps, outlines, measures, nulls and, last, protocol.json, which marks the results as complete.

    Texts that no run keeps are written beside them.

    Args:
        fingerprint: Hash of everything that decided the results.
    """
    diagrams = {_key(*place): diagram for place, diagram in analysis.diagrams.items()}
    rows = [vars(m) for m in analysis.measurements]
    nulls = [{"null": n.null, "replicate": n.replicate, **vars(n.measurement)} for n in analysis.nulls]
    write_whole(folder / DIAGRAMS, lambda path: _save_npz(path, diagrams))
    write_whole(folder / MEASURES, lambda path: pq.write_table(pa.Table.from_pylist(rows, schema=COLUMNS), path))
    write_whole(folder / MAPS, lambda path: _save_npz(path, _maps(analysis)))
    write_whole(folder / OUTLINES, lambda path: _save_npz(path, _outlines(analysis)))
    write_whole(folder / NULLS, lambda path: pq.write_table(pa.Table.from_pylist(nulls, schema=OF_NULLS), path))
    if analysis.corpus is not None and not analysis.run:
        write_corpus(analysis.corpus, folder)
    return write_json(folder / PROTOCOL, {**_summary(analysis), "fingerprint": fingerprint})


def results_for(fingerprint: str | None, folder: Path, run: Run | None) -> Analysis | None:
    """The results in `folder` if computing again would give the same; None if not, or if they are damaged."""
    if fingerprint is None:
        return None
    try:
        facts = json.loads((folder / PROTOCOL).read_text(encoding="utf-8"))
        return read_results(folder, run) if facts.get("fingerprint") == fingerprint else None
    except (OSError, ValueError, AttributeError, ToporesError):
        return None


def read_results(folder: Path, run: Run | None) -> Analysis:
    """The results that `write_results` wrote, with the texts and metrics of the run.

    Raises:
        InputError: Results are missing or damaged.
    """
    try:
        facts = json.loads((folder / PROTOCOL).read_text(encoding="utf-8"))
        with np.load(folder / DIAGRAMS, allow_pickle=False) as stored:
            diagrams = {_place(key): stored[key] for key in stored.files}
        measurements = tuple(Measurement(**row) for row in pq.read_table(folder / MEASURES).to_pylist())
        return Analysis(
            name=facts["name"],
            protocol=facts["protocol"],
            states=tuple(
                State(s["cycle"], label_read(s["cycle"], s["label"]), Path(s["path"])) for s in facts["states"]
            ),
            layers=tuple(facts["layers"]),
            clouds=tuple(facts["clouds"]),
            diagrams=diagrams,
            measurements=measurements,
            nulls=tuple(_null_of(row) for row in pq.read_table(folder / NULLS).to_pylist()),
            loops=tuple(Loop(**{**loop, "members": tuple(loop["members"])}) for loop in facts["loops"]),
            tracks=tuple(_track_of(track) for track in facts["tracks"]),
            verdict=verdict_of(facts["verdict"]),
            **_read_maps(folder / MAPS),
            outlines=_read_outlines(folder / OUTLINES, facts["clouds"]),
            members={cloud: np.array(rows, dtype=np.int64) for cloud, rows in facts["members"].items()},
            **(run_context(run) or _own_corpus(folder)),
        )
    except (OSError, BadZipFile, KeyError, TypeError, ValueError, AttributeError, pa.ArrowException) as fault:
        reason = str(fault).split("\n")[0][:120]
        raise InputError(f"The results in '{folder}' cannot be read ({reason}); run topores topology again.") from fault


def _null_of(row: dict[str, Any]) -> NullMeasurement:
    return NullMeasurement(row.pop("null"), row.pop("replicate"), Measurement(**row))


def _track_of(track: dict[str, Any]) -> Track:
    whole: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in track.items()}
    return Track(**{**whole, "members": tuple(tuple(members) for members in track["members"])})


def protocol_facts(folder: Path) -> dict[str, Any]:
    """What protocol.json says of the results in `folder`; empty if it cannot be read."""
    try:
        facts = json.loads((folder / PROTOCOL).read_text(encoding="utf-8"))["protocol"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return facts if isinstance(facts, dict) else {}


def run_context(run: Run | None) -> dict[str, Any]:
    """What a run adds to an analysis: its corpus, metrics, facts and options."""
    if run is None:
        return {}
    return {
        "corpus": run.corpus,
        "metrics": tuple(run.metrics),
        "run": {**run.facts, "options": run.options.to_mapping()},
    }


def _own_corpus(folder: Path) -> dict[str, Any]:
    """Texts beside the results, where no run keeps them."""
    return {"corpus": read_corpus(folder)} if (folder / CORPUS_FILES[0]).is_file() else {}


def _summary(analysis: Analysis) -> dict[str, Any]:
    return {
        "name": analysis.name,
        "protocol": analysis.protocol,
        "states": [{"cycle": s.cycle, "label": s.label, "path": str(s.path)} for s in analysis.states],
        "layers": list(analysis.layers),
        "clouds": list(analysis.clouds),
        "loops": [dataclasses.asdict(loop) for loop in analysis.loops],
        "tracks": [dataclasses.asdict(track) for track in analysis.tracks],
        "verdict": verdict_facts(analysis.verdict),
        "members": {cloud: rows.tolist() for cloud, rows in analysis.members.items()},
    }


def _key(cycle: int, layer: int, cloud: str, degree: int) -> str:
    return f"cycle-{cycle:012d}.layer-{layer}.{cloud}.degree-{degree}"


def _place(key: str) -> tuple[int, int, str, int]:
    cycle, layer, cloud, degree = key.split(".")
    return int(cycle.split("-")[1]), int(layer.split("-")[1]), cloud, int(degree.split("-")[1])


def _maps(analysis: Analysis) -> dict[str, np.ndarray]:
    """Fields of every map, by layer, and of the neighbours."""
    found: dict[str, np.ndarray] = {}
    for one in analysis.maps:
        found |= {f"{MAP}{one.layer}.{name}": getattr(one, name) for name in ("rows", "places", "explained")}
    if analysis.neighbours is not None:
        found.update({f"{NEAR}{name}": value for name, value in vars(analysis.neighbours).items()})
    return found


def _read_maps(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files}
    near = {key.removeprefix(NEAR): value for key, value in arrays.items() if key.startswith(NEAR)}
    layers: dict[int, dict[str, np.ndarray]] = {}
    for key in arrays.keys() - {f"{NEAR}{name}" for name in near}:
        layer, name = key.removeprefix(MAP).split(".")
        layers.setdefault(int(layer), {})[name] = arrays[key]
    maps = tuple(PassageMap(layer, **fields) for layer, fields in sorted(layers.items()))
    return {"maps": maps, "neighbours": Neighbours(**near) if near else None}


def _outlines(analysis: Analysis) -> dict[str, np.ndarray]:
    """Cells as (cycle, layer, index of the cloud) with their number of bars; bars with their number of passages."""
    cells = [(cycle, layer, analysis.clouds.index(cloud)) for cycle, layer, cloud in analysis.outlines]
    bars = [outline for outlines in analysis.outlines.values() for outline in outlines]
    return {
        "cells": np.array(cells, dtype=np.int64).reshape(-1, 3),
        "bars_of_cell": np.array([len(outlines) for outlines in analysis.outlines.values()], dtype=np.int64),
        "bars": np.array([(bar.birth, bar.death) for bar in bars]).reshape(-1, 2),
        "members_of_bar": np.array([len(bar.members) for bar in bars], dtype=np.int64),
        "members": np.array([row for bar in bars for row in bar.members], dtype=np.int64),
    }


def _read_outlines(path: Path, clouds: list[str]) -> dict[tuple[int, int, str], tuple[Outline, ...]]:
    with np.load(path, allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files}
    around = np.split(arrays["members"], np.cumsum(arrays["members_of_bar"])[:-1])
    bars = [
        Outline(birth, death, tuple(rows.tolist()))
        for (birth, death), rows in zip(arrays["bars"].tolist(), around, strict=False)
    ]
    ends = np.cumsum(arrays["bars_of_cell"]).tolist()
    return {
        (cycle, layer, clouds[cloud]): tuple(bars[start:end])
        for (cycle, layer, cloud), start, end in zip(arrays["cells"].tolist(), [0, *ends], ends, strict=False)
    }


def _save_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
