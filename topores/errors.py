"""Errors that a user can fix, each with the exit code of the command."""

import difflib
from collections.abc import Iterable


class ToporesError(Exception):
    """Base of all errors shown to a user, as one line: the value seen, what was expected, what to do.

    >>> str(ToporesError("'a\\nb' is a column"))
    "'a b' is a column"
    """

    exit_code = 3

    def __init__(self, message: object = "") -> None:
        # Names of files and columns may hold line breaks.
        super().__init__(" ".join(str(message).splitlines()))


class FailedOn(ToporesError):
    """The run showed a verdict that `--fail-on` names."""

    exit_code = 1


class UsageError(ToporesError):
    """An option, or a combination of options, is not valid."""

    exit_code = 2


class InputError(ToporesError):
    """A text, model or array cannot be used."""

    exit_code = 3


class RunError(ToporesError):
    """A run or checkpoint cannot be continued."""

    exit_code = 4


class Diverged(RunError):
    """Training came to numbers that are not finite; going on would only repeat it."""


class ResourceError(ToporesError):
    """Not enough memory or disk space."""

    exit_code = 5


class Interrupted(ToporesError):
    """Stopped by a signal, after saving the state."""

    exit_code = 130


def did_you_mean(value: str, known: Iterable[str]) -> str:
    """The last sentence of an error message: the closest known name, or all of them.

    >>> did_you_mean("four_pairing", ["four_pairings", "critic"])
    "Did you mean 'four_pairings'?"
    """
    known = sorted(known)
    near = difflib.get_close_matches(value, known, n=1)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Choose one of: {', '.join(known)}."
