"""Errors a user can mend, each with the exit code it ends the command with."""

import difflib
from collections.abc import Iterable


class ToporesError(Exception):
    """One line: the value seen, what was expected, what to do."""

    exit_code = 3


class FailedOn(ToporesError):
    """A run that did what `--fail-on` names."""

    exit_code = 1


class UsageError(ToporesError):
    """An option, or a combination of options, that means nothing."""

    exit_code = 2


class InputError(ToporesError):
    """A text, a model or an array that cannot be used."""

    exit_code = 3


class RunError(ToporesError):
    """A run or a checkpoint that cannot be continued."""

    exit_code = 4


class ResourceError(ToporesError):
    """Not enough memory or disk for what was asked."""

    exit_code = 5


class Interrupted(ToporesError):
    """Stopped by a signal, after everything worth keeping was saved."""

    exit_code = 130


def did_you_mean(value: str, known: Iterable[str]) -> str:
    """The end of an error sentence: the nearest known name, or all of them.

    >>> did_you_mean("four_pairing", ["four_pairings", "critic"])
    "Did you mean 'four_pairings'?"
    """
    known = sorted(known)
    near = difflib.get_close_matches(value, known, n=1)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Choose one of: {', '.join(known)}."
