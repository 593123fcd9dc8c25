"""The results embedded in a report, so that `topores compare` can read a single file as it reads a run.

They are exactly what a comparison needs: all numbers but curves of the last layer over both texts, the nulls at the
last state, the logged lines, options and hashes, and a gist of passages and bars. Other layers and clouds, curves,
diagrams, maps and texts stay in the run folder. The format is JSON in gzip in base64 rather than parquet: the file may
come from a stranger, and a few kilobytes of parquet can unpack to any size.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from topores.analysis.comparison.run import LOGGED, ComparedRun, Gist, gist_of, other_keys
from topores.analysis.verdict.stored import verdict_facts, with_phrases
from topores.domain import Analysis, Claim, Loop, Measurement, NullMeasurement, State, Verdict, label_read
from topores.errors import InputError
from topores.quantities import quantity
from topores.report.html.arrays import compressed_block, opening

VERSION = 2
"""Version of the embedded block; a report with a higher one is refused."""

BLOCK = "results"
OPENING, END = opening(BLOCK).encode(), b"</script>"

MOST_PAGE, MOST_RESULTS = 64 * 2**20, 16 * 2**20
"""Limits in bytes of a report and of its unpacked results; both many times what topores writes."""

OF_THE_RUN = ("options", "sha256", "null")
LINES = ("cycle", "loss", *(key for name in LOGGED for key in quantity(name).logged_as))
"""Keys of a logged line that are compared; others with numbers are carried to be shown."""

Json = dict[str, Any]
Made = TypeVar("Made")


def results_block(analysis: Analysis) -> str:
    """An inert block for the page, the same for the same analysis."""
    written = json.dumps(_as_json(analysis), separators=(",", ":"), default=lambda number: number.item())
    return compressed_block(BLOCK, written.encode())


def read_report(path: Path) -> ComparedRun:
    """The run whose results a report embeds. Nothing in the file is trusted.

    Raises:
        InputError: It cannot be read, has no results, damaged results, or results of a newer topores.
    """
    block = _block(path)
    try:
        written = json.loads(_unpack(base64.b64decode(block, validate=True)))
        if _check_value(int, written["version"]) > VERSION:
            raise InputError(
                f"'{path}' was written by a newer topores (results of version {written['version']}, and this one reads "
                f"{VERSION}); update topores, or make it again with topores report RUN."
            )
        return _run_from_json(written)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, zlib.error) as fault:
        reason = str(fault).split("\n")[0][:120]
        raise InputError(
            f"The results in '{path}' are damaged ({reason}); make it again with topores report RUN."
        ) from fault


def _as_json(analysis: Analysis) -> Json:
    last, layer = analysis.states[-1].cycle, max(analysis.layers)
    compared = [m for m in analysis.measurements if m.threshold is None and (m.layer, m.cloud) == (layer, "union")]
    loops = [loop for loop in analysis.loops if (loop.layer, loop.cloud) == (layer, "union")]
    nulls = _nulls_at(last, analysis.nulls)
    return {
        "version": VERSION,
        "name": analysis.name,
        "protocol": analysis.protocol,
        "states": _columns(analysis.states, ("cycle", "label")),
        "layer": layer,
        "measurements": _columns(compared, _names(Measurement)),
        "nulls": {
            **_columns(nulls, ("null", "replicate")),
            **_columns([null.measurement for null in nulls], _names(Measurement)),
        },
        "loops": _columns(loops, ("cycle", "layer", "cloud", "birth", "death", "p")),
        "metrics": {
            key: [line.get(key) for line in analysis.metrics] for key in (*LINES, *other_keys(analysis.metrics))
        },
        "run": {name: analysis.run[name] for name in OF_THE_RUN if name in analysis.run},
        "verdict": {name: getattr(analysis.verdict, name) for name in _names(Verdict) if name != "claims"},
        "claims": _columns(analysis.verdict.claims, _names(Claim)),
        "phrases": verdict_facts(analysis.verdict)["phrases"],
        "gist": asdict(gist_of(analysis)),
    }


def _nulls_at(cycle: int, nulls: Iterable[NullMeasurement]) -> list[NullMeasurement]:
    """Numbers of both texts' cloud at one state; a null that was not measured there keeps one number, as a trace."""
    nulls = list(nulls)
    there = [n for n in nulls if (n.measurement.cycle, n.measurement.cloud) == (cycle, "union")]
    known = {null.null for null in there}
    return [*there, *{null.null: null for null in nulls if null.null not in known}.values()]


def _run_from_json(written: Json) -> ComparedRun:
    layer = _check_value(int, written["layer"])
    states = tuple(_instance_of(State, row, path=Path()) for row in _rows(written["states"]))
    states = tuple(replace(state, label=label_read(state.cycle, state.label)) for state in states)
    others = [key for key in _check_value(dict, written["metrics"]) if key not in LINES]
    metrics = tuple(_rows({key: written["metrics"][key] for key in (*LINES, *others)}))
    if not states or not all(isinstance(line["cycle"], int) for line in metrics):
        raise ValueError("states or logged lines without a cycle")
    gist = _check_value(dict, written["gist"])
    claims = tuple(_instance_of(Claim, row) for row in _rows(written["claims"]))
    judged = dict(_check_value(dict, written["verdict"]))
    outcomes = tuple(_check_value(str, one) for one in _check_value(list, judged.pop("outcomes", [])))  # none before
    verdict = _instance_of(Verdict, judged, claims=claims, outcomes=outcomes)
    protocol = _check_value(dict, written["protocol"])
    _check_value(str, protocol["name"])  # what runs are aligned by
    analysis = Analysis(
        name=_check_value(str, written["name"]),
        protocol=protocol,
        states=states,
        layers=(layer,),
        clouds=("union",),
        diagrams={},
        measurements=tuple(_instance_of(Measurement, row) for row in _rows(written["measurements"])),
        nulls=tuple(_null_from_json(row) for row in _rows(written["nulls"])),
        loops=tuple(_instance_of(Loop, row, members=()) for row in _rows(written["loops"])),
        verdict=with_phrases(verdict, _check_value(dict, written.get("phrases", {}))),  # reports of before have none
        metrics=metrics,
        run=_check_value(dict, written["run"]),
    )
    without = tuple(_check_value(int, cycle) for cycle in gist.pop("without_loops"))
    return ComparedRun(analysis.name, analysis, _instance_of(Gist, gist, without_loops=without))


def _null_from_json(row: Json) -> NullMeasurement:
    null, replicate = _check_value(str, row.pop("null")), _check_value(int, row.pop("replicate"))
    return NullMeasurement(null, replicate, _instance_of(Measurement, row))


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind)]


def _columns(rows: Iterable[Any], names: Iterable[str]) -> dict[str, list[Any]]:
    """Column by column, because similar values side by side compress well."""
    rows = list(rows)
    return {name: [getattr(row, name) for row in rows] for name in names}


def _rows(columns: Mapping[str, list[Any]]) -> Iterator[Json]:
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _instance_of(kind: type[Made], values: Json, **known: Any) -> Made:
    """An instance of `kind`, if every value has the type of its field."""
    hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable, whatever its TypeVar
    return kind(**{name: _check_value(hints[name], value) for name, value in values.items()}, **known)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _check_value(kind: Any, value: Any) -> Any:
    """The value, if it has that type; an int counts as a float."""
    if not isinstance(value, kind) and not (isinstance(value, int) and isinstance(0.0, kind)):
        raise TypeError(f"{str(value)[:40]!r} is not of type {getattr(kind, '__name__', kind)}")
    return value


def _block(path: Path) -> bytes:
    """Content of the embedded block, as it is in the file."""
    try:
        with path.open("rb") as file:
            page = file.read(MOST_PAGE + 1)
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise InputError(f"'{path}' cannot be read ({reason}); give a run folder, or the report of one.") from fault
    if len(page) > MOST_PAGE:
        raise InputError(f"'{path}' is larger than any report ({MOST_PAGE >> 20} MB); give a report of a run.")
    _, opening, after = page.partition(OPENING)
    block, end, _ = after.partition(END)
    if not opening or not end:
        raise InputError(f"'{path}' contains no results; make it again with topores report RUN.")
    return block


def _unpack(packed: bytes) -> bytes:
    """
    Raises:
        ValueError: It is too large, or cut short.
        zlib.error: It is not gzip, or its checksum is wrong.
    """
    reader = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    results = reader.decompress(packed, MOST_RESULTS)
    if not reader.eof:
        raise ValueError("cut short, or too large")
    return results
