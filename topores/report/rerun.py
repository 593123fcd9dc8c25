"""The command that makes an analysis again: the name of its protocol holds every option that decides a number."""

import re

from topores.domain import Analysis
from topores.report.language import language
from topores.report.readings import trained

NAME = re.compile(
    r"(?P<metric>angle|euclidean)-degree(?P<max_degree>\d+)-(?P<layers>all|last|[\d+]+)(-max-points(?P<max_points>\d+))?"
    r"(-subsamples(?P<subsamples>\d+))?(-subsample-size(?P<subsample_size>\d+))?(-resamples(?P<resamples>\d+))?"
    r"(-nulls(?P<nulls>[a-z+_-]+?))?(-seed(?P<seed>\d+))?",
    re.ASCII,
)
"""What analysis/analyse.py calls a protocol: three options that each has, then those that are not as by default."""

BY_DEFAULT = {"metric": "angle", "max_degree": "1", "layers": "all", "lang": "en"}
"""Of those that each has."""


def analysis_command(analysis: Analysis) -> list[str]:
    """`topores topology` with every option that is not as by default.

    Empty where it cannot be told: which files the texts of other models came from is not kept.
    """
    arrays = all(state.path.suffix == ".npy" for state in analysis.states)
    name = NAME.fullmatch(str(analysis.protocol.get("name", "")))
    if name is None or not (arrays or trained(analysis)):
        return []
    parts = ["topores", "topology"]
    for checkpoint in _checkpoints(analysis):
        parts += ["--checkpoint", checkpoint]
    for option, value in (name.groupdict() | {"lang": language()}).items():
        if value is not None and value != BY_DEFAULT.get(option):
            parts += [f"--{option.replace('_', '-')}", value.replace("+", ",")]
    return parts


def _checkpoints(analysis: Analysis) -> list[str]:
    """The run folder, where the states reach from the first logged cycle to the last; else each state."""
    states = analysis.states
    folder, *others = {state.path.parent for state in states}
    logged = [line["cycle"] for line in analysis.metrics if isinstance(line.get("cycle"), int)]
    whole = len(states) > 1 and logged and (states[0].cycle, states[-1].cycle) == (min(logged), max(logged))
    if whole and folder.name == "checkpoints" and not others:
        return [str(folder.parent)]
    return [str(state.path) for state in states]
