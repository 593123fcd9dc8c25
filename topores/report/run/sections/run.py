"""What was run: the texts, the model, the options that matter, and the command to run it again."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from topores.config import default_values
from topores.domain import SIDES, Analysis, Corpus, Side
from topores.phrases import Phrase, phrase_for
from topores.report.glossary import term
from topores.report.html.numbers import digits, percent
from topores.report.html.safe import escape_html
from topores.report.html.tables import facts, fold, key_values, table
from topores.report.language import later, localise, many, say, speak, template
from topores.report.names import known_number, state_name
from topores.report.run.rerun import analysis_command

ORDER = 80
TITLE = later("What was run")

FIRST = {
    "article": later("Text T1"),
    "meta_analysis": later("Text T2"),
    "pairs": later("Pair file"),
    "model": later("Base model"),
    "encoder": later("Trained part"),
    "objective": later("Objective"),
    "loss": later("Loss"),
    "cycles": later("Cycles"),
    "seed": later("Seed"),
}
"""Options shown first, and their labels."""


def render(analysis: Analysis) -> str:
    options = analysis.options
    return "".join(
        [
            _note_without_run(analysis),
            facts([*_options(options), *_circumstances(analysis)]),
            _corpus(analysis.corpus),
            _command(say("Command of the run"), _typed_command(analysis.run.get("argv"))),
            _command(say("Command of the analysis"), shlex.join(analysis_command(analysis))),
            _changed_options(options),
            fold(say("All options"), _option_list(options)) if options else "",
        ]
    )


def _changed_options(options: Mapping[str, Any]) -> str:
    """Options that differ from their defaults, some chosen by training itself; without those shown first."""
    defaults = default_values(options)
    chosen = {
        name: value
        for name, value in options.items()
        if name in defaults and name not in FIRST and _as_held(value) != defaults[name]
    }
    return fold(say("Changed options"), _option_list(chosen), opened=True) if chosen else ""


def _as_held(value: Any) -> Any:
    """A list as a tuple, as the options hold it."""
    return tuple(value) if isinstance(value, list) else value


def _option_list(options: Mapping[str, Any]) -> str:
    """Options as facts: lists as their items, a dash where nothing was chosen."""
    plain = {k: ", ".join(map(str, v)) if isinstance(v, list | tuple) else v for k, v in options.items()}
    return key_values({name: "–" if value in (None, "") else value for name, value in plain.items()})


def _note_without_run(analysis: Analysis) -> str:
    if analysis.run or analysis.metrics:
        return ""
    return say(
        "<p>These states do not belong to a training run: they were given as encoders or arrays. "
        "So there are no losses and no held-out retrieval to show.</p>"
    )


def _options(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (say(name), f"<code>{_value_text(options[key])}</code>")
        for key, name in FIRST.items()
        if options.get(key) is not None
    ]


def _value_text(value: Any) -> str:
    """A count with separated thousands; anything else as it is."""
    return localise(f"{value:,}") if isinstance(value, int) and not isinstance(value, bool) else escape_html(value)


def _circumstances(analysis: Analysis) -> list[tuple[str, str]]:
    run = analysis.run
    logged = analysis.metrics[-1] if analysis.metrics else {}
    seconds = known_number(run.get("seconds", logged.get("seconds")))
    versions = _mapping(run.get("versions"))
    return [
        (say("Cannot change"), escape_html(_cannot_change(run))),
        (say("Device"), escape_html(run.get("device") or "")),
        (say("Training took"), "" if seconds is None else _duration(seconds)),
        (say("Versions"), ", ".join(escape_html(f"{name} {version}") for name, version in list(versions.items())[:4])),
        (say("States"), ", ".join(escape_html(state_name(state)) for state in analysis.states)),
    ]


def _cannot_change(run: Mapping[str, Any]) -> str:
    """What the encoder cannot change, in the language in force; runs of before have the English sentence alone."""
    english = str(run.get("cannot_change") or "")
    told = phrase_for(english, _mapping(run.get("phrases")).get("cannot_change"))
    return speak(told) if isinstance(told, Phrase) else template(english)


def _duration(seconds: float) -> str:
    """
    >>> _duration(41.2), _duration(600.0)
    ('41.2 s', '10.0 min')
    """
    for size, told in ((86_400, later("{n} days")), (3600, later("{n} h")), (60, later("{n} min"))):
        if seconds >= 2 * size:
            return say(told, n=digits(seconds / size))
    return say("{n} s", n=digits(seconds))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _corpus(corpus: Corpus | None) -> str:
    if corpus is None:
        return ""
    if not len(corpus.pairs):
        return _reading_notes(corpus)
    sides = [_text(corpus, side) for side in SIDES]
    rows = ([name, *(side[name] for side in sides)] for name in sides[0])
    head = [say("Text"), *(side.upper() for side in SIDES)]
    return table(head, rows, look="numbers") + f"<p>{_alignment(corpus)}</p>" + _reading_notes(corpus)


def _reading_notes(corpus: Corpus) -> str:
    if not corpus.notes:
        return ""
    items = "".join(f"<li>{escape_html(note)}</li>" for note in corpus.notes)
    return fold(say("What was left out or changed when the texts were read"), f"<ul>{items}</ul>")


def _text(corpus: Corpus, side: Side) -> dict[str, str]:
    """Facts about one text, by label as HTML."""
    passages, split = corpus.side(side), corpus.split(side)
    tokens = [passage.tokens for passage in passages] or [0]
    return {
        say("Documents"): digits(len({passage.document for passage in passages})),
        term("passage", "Passages"): digits(len(passages)),
        say("Tokens per passage, median"): f"{np.median(tokens):.0f}",
        say("Tokens per passage, maximum"): digits(max(tokens)),
        say("Training passages"): digits(split.count("train")),
        term("held out", "Held-out passages"): digits(split.count("held_out")),
        term("embargo", "Passages in neither split"): digits(split.count(None)),
    }


def _alignment(corpus: Corpus) -> str:
    pairs = corpus.pairs
    words = [say("{pairs} of passages", pairs=many(len(pairs), "aligned pair"))]
    if corpus.source == "pairs":
        words.append(say("aligned as in the pair file"))
    else:
        moved, mutual = percent(pairs.share), percent(float(pairs.mutual.mean()) if len(pairs) else 0.0)
        words.append(say("found by optimal transport, which matched {share} of the texts", share=moved))
        words.append(say("{share} are mutual nearest neighbours", share=mutual))
    held = len(corpus.pairs_in("held_out"))
    words.append(say("{n:,} of the pairs are held out", n=held) if held else say("no pair is held out"))
    return "; ".join(words) + "."


def _command(title: str, line: str) -> str:
    return f"<h3>{title}</h3><pre><code>{escape_html(line)}</code></pre>" if line else ""


def _typed_command(argv: Any) -> str:
    if not argv:
        return ""
    return _line([argv] if isinstance(argv, str) else [str(part) for part in argv])


def _line(parts: list[str]) -> str:
    """The command as typed, with the program's name instead of its path on this machine."""
    if len(parts) == 1:
        return parts[0]
    first = Path(parts[0])
    if first.name == "__main__.py":
        return f"python -m {first.parent.name} {shlex.join(parts[1:])}"
    return f"{first.name} {shlex.join(parts[1:])}"
