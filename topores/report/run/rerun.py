"""The command that repeats an analysis."""

from topores.analysis.arrays import is_array_file
from topores.domain import Analysis
from topores.report.language import language


def analysis_command(analysis: Analysis) -> list[str]:
    """`topores topology` with every changed option.

    Empty if it is unknown: older results keep no options, and models have no texts of their own.
    """
    options = analysis.protocol.get("options")
    arrays = all(is_array_file(state.path) for state in analysis.states)
    if not isinstance(options, dict) or not (arrays or analysis.trained or "texts" in options):
        return []
    parts = ["topores", "topology"]
    given = {"checkpoint": _checkpoints(analysis), **options, "lang": [] if language() == "en" else language()}
    for option, value in given.items():
        flag = f"--{option.replace('_', '-')}"
        if value is True:
            parts.append(flag)
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            parts += [flag, str(one)]
    return parts


def _checkpoints(analysis: Analysis) -> list[str]:
    """The run folder if the states cover the first to the last logged cycle; else each state."""
    states = analysis.states
    folder, *others = {state.path.parent for state in states}
    logged = [line["cycle"] for line in analysis.metrics if isinstance(line.get("cycle"), int)]
    whole = len(states) > 1 and logged and (states[0].cycle, states[-1].cycle) == (min(logged), max(logged))
    if whole and folder.name == "checkpoints" and not others:
        return [str(folder.parent)]
    return [str(state.path) for state in states]
