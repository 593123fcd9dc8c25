"""Results on disk: diagrams whole, measures and nulls as tables, the rest as JSON; read back without computing."""

import dataclasses
import json
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from topores.compute.files import write_json, write_whole
from topores.domain import Analysis, Claim, Loop, Measurement, NullMeasurement, State, Track, Verdict
from topores.errors import InputError, ToporesError
from topores.runs import Run
from topores.text.corpus import CORPUS_FILES, read_corpus, write_corpus

DIAGRAMS, MEASURES, NULLS, PROTOCOL = "diagrams.npz", "measures.parquet", "nulls.parquet", "protocol.json"

COLUMNS = pa.schema(
    [
        ("cycle", pa.int64()), ("layer", pa.int64()), ("cloud", pa.string()), ("degree", pa.int64()),
        ("measure", pa.string()), ("against", pa.int64()), ("threshold", pa.float64()), ("value", pa.float64()),
        ("unit", pa.string()), ("standard_error", pa.float64()),
    ]
)  # fmt: skip

OF_NULLS = pa.schema([("null", pa.string()), ("replicate", pa.int64()), *COLUMNS])


def write_results(analysis: Analysis, folder: Path, *, fingerprint: str | None = None) -> Path:
    """diagrams.npz, measures.parquet, nulls.parquet and, last, protocol.json: with it the results are whole.

    Texts that no run keeps stand beside them.

    Args:
        fingerprint: Hash of all that decided them.
    """
    diagrams = {_key(*place): diagram for place, diagram in analysis.diagrams.items()}
    rows = [vars(m) for m in analysis.measurements]
    nulls = [{"null": n.null, "replicate": n.replicate, **vars(n.measurement)} for n in analysis.nulls]
    write_whole(folder / DIAGRAMS, lambda path: _save_npz(path, diagrams))
    write_whole(folder / MEASURES, lambda path: pq.write_table(pa.Table.from_pylist(rows, schema=COLUMNS), path))
    write_whole(folder / NULLS, lambda path: pq.write_table(pa.Table.from_pylist(nulls, schema=OF_NULLS), path))
    if analysis.corpus is not None and not analysis.run:
        write_corpus(analysis.corpus, folder)
    return write_json(folder / PROTOCOL, {**_summary(analysis), "fingerprint": fingerprint})


def results_for(fingerprint: str | None, folder: Path, run: Run | None) -> Analysis | None:
    """The results in `folder` if they are what would be computed again; None if not, or if they are damaged."""
    if fingerprint is None:
        return None
    try:
        facts = json.loads((folder / PROTOCOL).read_text(encoding="utf-8"))
        return read_results(folder, run) if facts.get("fingerprint") == fingerprint else None
    except (OSError, ValueError, AttributeError, ToporesError):
        return None


def read_results(folder: Path, run: Run | None) -> Analysis:
    """What `write_results` wrote, with the run's own texts and metrics around it.

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
            states=tuple(State(s["cycle"], s["label"], Path(s["path"])) for s in facts["states"]),
            layers=tuple(facts["layers"]),
            clouds=tuple(facts["clouds"]),
            diagrams=diagrams,
            measurements=measurements,
            nulls=tuple(_null_of(row) for row in pq.read_table(folder / NULLS).to_pylist()),
            loops=tuple(Loop(**{**loop, "members": tuple(loop["members"])}) for loop in facts["loops"]),
            tracks=tuple(_track_of(track) for track in facts["tracks"]),
            verdict=Verdict(**{**facts["verdict"], "claims": tuple(Claim(**c) for c in facts["verdict"]["claims"])}),
            members={cloud: np.array(rows, dtype=np.int64) for cloud, rows in facts["members"].items()},
            **(run_context(run) or _own_corpus(folder)),
        )
    except (OSError, BadZipFile, KeyError, TypeError, ValueError, pa.ArrowException) as fault:
        reason = str(fault).split("\n")[0][:120]
        raise InputError(f"The results in '{folder}' cannot be read ({reason}); run topores topology again.") from fault


def _null_of(row: dict[str, Any]) -> NullMeasurement:
    return NullMeasurement(row.pop("null"), row.pop("replicate"), Measurement(**row))


def _track_of(track: dict[str, Any]) -> Track:
    whole: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in track.items()}
    return Track(**{**whole, "members": tuple(tuple(members) for members in track["members"])})


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
    """Texts that stand beside the results, for there is no run that keeps them."""
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
        "verdict": dataclasses.asdict(analysis.verdict),
        "members": {cloud: rows.tolist() for cloud, rows in analysis.members.items()},
    }


def _key(cycle: int, layer: int, cloud: str, degree: int) -> str:
    return f"cycle-{cycle:012d}.layer-{layer}.{cloud}.degree-{degree}"


def _place(key: str) -> tuple[int, int, str, int]:
    cycle, layer, cloud, degree = key.split(".")
    return int(cycle.split("-")[1]), int(layer.split("-")[1]), cloud, int(degree.split("-")[1])


def _save_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
