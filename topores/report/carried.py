"""The results that a report carries within itself, so that `topores compare` reads a lone file as it reads a run.

They are what a comparison reads, exact to the last bit: of the last layer over both texts every number but points of
curves, of nulls those at the last state, the logged lines, options and hashes, and the gist of passages and bars. Other
layers and clouds, curves, diagrams, maps and texts stay in the run folder. They are JSON within gzip within base64, and
no parquet: a file from a stranger is read, and a few kilobytes of parquet can unfold to any size.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from topores.analysis.comparison.run import LOGGED, ComparedRun, Gist, gist_of, keys_of
from topores.analysis.phrases import verdict_facts, with_phrases
from topores.domain import Analysis, Claim, Loop, Measurement, NullMeasurement, State, Verdict
from topores.errors import InputError
from topores.report.html.arrays import compressed, opening

VERSION = 2
"""Of what stands in the block; a report of a greater one is refused."""

BLOCK = "results"
OPENING, END = opening(BLOCK).encode(), b"</script>"

MOST_PAGE, MOST_RESULTS = 64 * 2**20, 16 * 2**20
"""Bytes of a report, and of the results in it once unfolded; both many times what topores writes."""

OF_THE_RUN = ("options", "sha256", "null")
LINES = ("cycle", "loss", *(key for name in LOGGED for key in keys_of(name)))
"""Keys of a logged line that are compared."""

Json = dict[str, Any]
Made = TypeVar("Made")


def carried(analysis: Analysis) -> str:
    """An inert block for the page, the same for the same analysis."""
    written = json.dumps(_written(analysis), separators=(",", ":"), default=lambda number: number.item())
    return compressed(BLOCK, written.encode())


def read_report(path: Path) -> ComparedRun:
    """The run whose results a report carries, under its own name. Nothing in the file is trusted.

    Raises:
        InputError: It cannot be read, carries no results, or damaged ones, or those of a newer topores.
    """
    block = _block(path)
    try:
        written = json.loads(_unfolded(base64.b64decode(block, validate=True)))
        if _is(int, written["version"]) > VERSION:
            raise InputError(
                f"'{path}' was written by a newer topores (results of version {written['version']}, and this one reads "
                f"{VERSION}); update topores, or make it again with topores report RUN."
            )
        return _read(written)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, zlib.error) as fault:
        reason = str(fault).split("\n")[0][:120]
        raise InputError(
            f"The results in '{path}' are damaged ({reason}); make it again with topores report RUN."
        ) from fault


def _written(analysis: Analysis) -> Json:
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
        "metrics": {key: [line.get(key) for line in analysis.metrics] for key in LINES},
        "run": {name: analysis.run[name] for name in OF_THE_RUN if name in analysis.run},
        "verdict": {name: getattr(analysis.verdict, name) for name in _names(Verdict) if name != "claims"},
        "claims": _columns(analysis.verdict.claims, _names(Claim)),
        "phrases": verdict_facts(analysis.verdict)["phrases"],
        "gist": asdict(gist_of(analysis)),
    }


def _nulls_at(cycle: int, nulls: Iterable[NullMeasurement]) -> list[NullMeasurement]:
    """Of the union cloud at one state; of a null that was not measured there, one number, which says that it was."""
    nulls = list(nulls)
    there = [n for n in nulls if (n.measurement.cycle, n.measurement.cloud) == (cycle, "union")]
    known = {null.null for null in there}
    return [*there, *{null.null: null for null in nulls if null.null not in known}.values()]


def _read(written: Json) -> ComparedRun:
    layer = _is(int, written["layer"])
    states = tuple(_made(State, row, path=Path()) for row in _rows(written["states"]))
    metrics = tuple(_rows({key: written["metrics"][key] for key in LINES}))
    if not states or not all(isinstance(line["cycle"], int) for line in metrics):
        raise ValueError("states or logged lines without a cycle")
    gist = _is(dict, written["gist"])
    claims = tuple(_made(Claim, row) for row in _rows(written["claims"]))
    verdict = _made(Verdict, written["verdict"], claims=claims)
    protocol = _is(dict, written["protocol"])
    _is(str, protocol["name"])  # what runs are aligned by
    analysis = Analysis(
        name=_is(str, written["name"]),
        protocol=protocol,
        states=states,
        layers=(layer,),
        clouds=("union",),
        diagrams={},
        measurements=tuple(_made(Measurement, row) for row in _rows(written["measurements"])),
        nulls=tuple(_null(row) for row in _rows(written["nulls"])),
        loops=tuple(_made(Loop, row, members=()) for row in _rows(written["loops"])),
        verdict=with_phrases(verdict, _is(dict, written.get("phrases", {}))),  # reports of before have none
        metrics=metrics,
        run=_is(dict, written["run"]),
    )
    without = tuple(_is(int, cycle) for cycle in gist.pop("without_loops"))
    return ComparedRun(analysis.name, analysis, _made(Gist, gist, without_loops=without))


def _null(row: Json) -> NullMeasurement:
    null, replicate = _is(str, row.pop("null")), _is(int, row.pop("replicate"))
    return NullMeasurement(null, replicate, _made(Measurement, row))


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind)]


def _columns(rows: Iterable[Any], names: Iterable[str]) -> dict[str, list[Any]]:
    """Much alike stands side by side, so that it packs well."""
    rows = list(rows)
    return {name: [getattr(row, name) for row in rows] for name in names}


def _rows(columns: Mapping[str, list[Any]]) -> Iterator[Json]:
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _made(kind: type[Made], values: Json, **known: Any) -> Made:
    """One of `kind`, if every value is of the type that its field has."""
    hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable, whatever its TypeVar
    return kind(**{name: _is(hints[name], value) for name, value in values.items()}, **known)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _is(kind: Any, value: Any) -> Any:
    """The value, if it is of that kind; a whole number is a number too."""
    if not isinstance(value, kind) and not (isinstance(value, int) and isinstance(0.0, kind)):
        raise TypeError(f"{str(value)[:40]!r} is not of type {getattr(kind, '__name__', kind)}")
    return value


def _block(path: Path) -> bytes:
    """What stands within the block, as it stands there."""
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
        raise InputError(f"'{path}' carries no results; make it again with topores report RUN.")
    return block


def _unfolded(packed: bytes) -> bytes:
    """
    Raises:
        ValueError: It is more than results ever are, or a part.
        zlib.error: It is not gzip, or its checksum is wrong.
    """
    reader = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    results = reader.decompress(packed, MOST_RESULTS)
    if not reader.eof:
        raise ValueError("cut short, or too large")
    return results
