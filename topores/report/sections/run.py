"""What was run: the texts, the model, the options that matter, and the command to run it again."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from topores.domain import SIDES, Analysis, Corpus, Side
from topores.report.glossary import term
from topores.report.numbers import digits, percent, plural
from topores.report.readings import known_number
from topores.report.safe import escaped
from topores.report.tables import facts, folded, key_values, table

ORDER = 20
TITLE = "What was run"

FIRST = {
    "article": "Text T1",
    "meta_analysis": "Text T2",
    "pairs": "Pair file",
    "model": "Base model",
    "encoder": "Trained of it",
    "objective": "Objective",
    "loss": "Loss",
    "cycles": "Cycles",
    "seed": "Seed",
}
"""Options that everybody asks for, and how the page calls them."""


def render(analysis: Analysis) -> str:
    options = _mapping(analysis.run.get("options"))
    return "".join(
        [
            _untrained(analysis),
            facts([*_options(options), *_circumstances(analysis)]),
            _corpus(analysis.corpus),
            _command(analysis.run.get("argv")),
            folded("All options", key_values(options)) if options else "",
        ]
    )


def _untrained(analysis: Analysis) -> str:
    if analysis.run or analysis.metrics:
        return ""
    return (
        "<p>No training run stands behind these states: they were given as encoders or arrays. "
        "So there are no losses and no held-out retrieval to show.</p>"
    )


def _options(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, f"<code>{_shown(options[key])}</code>") for key, name in FIRST.items() if options.get(key) is not None
    ]


def _shown(value: Any) -> str:
    """A count with its thousands apart; anything else as it is."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else escaped(value)


def _circumstances(analysis: Analysis) -> list[tuple[str, str]]:
    run = analysis.run
    logged = analysis.metrics[-1] if analysis.metrics else {}
    seconds = known_number(run.get("seconds", logged.get("seconds")))
    versions = _mapping(run.get("versions"))
    return [
        ("Cannot change", escaped(run.get("cannot_change") or "")),
        ("Device", escaped(run.get("device") or "")),
        ("Training took", "" if seconds is None else _duration(seconds)),
        ("Versions", ", ".join(escaped(f"{name} {version}") for name, version in list(versions.items())[:4])),
        ("States", ", ".join(escaped(state.label) for state in analysis.states)),
    ]


def _duration(seconds: float) -> str:
    """
    >>> _duration(41.2), _duration(600.0)
    ('41.2 s', '10.0 min')
    """
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{digits(seconds / size)} {unit}"
    return f"{digits(seconds)} s"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _corpus(corpus: Corpus | None) -> str:
    if corpus is None or not len(corpus.pairs):
        return ""
    sides = [_text(corpus, side) for side in SIDES]
    rows = ([name, *(side[name] for side in sides)] for name in sides[0])
    return table(["Text", *(side.upper() for side in SIDES)], rows, look="numbers") + f"<p>{_alignment(corpus)}</p>"


def _text(corpus: Corpus, side: Side) -> dict[str, str]:
    """What one text gives to the run, by name as HTML."""
    passages, split = corpus.side(side), corpus.split(side)
    tokens = [passage.tokens for passage in passages] or [0]
    return {
        "Documents": digits(len({passage.document for passage in passages})),
        term("passage", "Passages"): digits(len(passages)),
        "Tokens of a passage: median": f"{np.median(tokens):.0f}",
        "Tokens of a passage: most": digits(max(tokens)),
        "Passages to train on": digits(split.count("train")),
        term("held out", "Passages held out"): digits(split.count("held_out")),
        term("embargo", "Passages on neither side"): digits(split.count(None)),
    }


def _alignment(corpus: Corpus) -> str:
    pairs = corpus.pairs
    words = [f"{plural(len(pairs), 'aligned pair')} of passages"]
    if corpus.source == "pairs":
        words.append("aligned as the pair file gives them")
    else:
        words.append(f"found by optimal transport, which moved {percent(pairs.share)} of the texts to a partner")
        words.append(f"{percent(float(pairs.mutual.mean()) if len(pairs) else 0.0)} are each other's nearest neighbour")
    held = len(corpus.pairs_in("held_out"))
    words.append(f"{held:,} of the pairs are held out" if held else "no pair is held out")
    return "; ".join(words) + "."


def _command(argv: Any) -> str:
    if not argv:
        return ""
    parts = [argv] if isinstance(argv, str) else [str(part) for part in argv]
    return f"<h3>To run it again</h3><pre><code>{escaped(_line(parts))}</code></pre>"


def _line(parts: list[str]) -> str:
    """The command as typed: the program by its name, not by where this machine keeps it."""
    if len(parts) == 1:
        return parts[0]
    first = Path(parts[0])
    if first.name == "__main__.py":
        return f"python -m {first.parent.name} {shlex.join(parts[1:])}"
    return f"{first.name} {shlex.join(parts[1:])}"
