"""Which side of the split a value of a split column means."""

import re

from topores.domain import Split

_TRAIN = ("train", "training", "trn", "trainset", "train_set")
_HELD_OUT = (
    "held_out", "heldout", "held-out", "held out", "hold_out", "holdout", "hold-out", "test", "testing", "tst",
    "testset", "dev", "devel", "development", "devset", "val", "valid", "validation", "validate", "eval", "evaluation",
)  # fmt: skip
# "test-clean", "dev2" and "validation_matched" begin with a name; "testament" does not.
_NAMED = {
    "train": re.compile(rf"(?:{'|'.join(_TRAIN)})(?![^\W\d_])", re.IGNORECASE),
    "held_out": re.compile(rf"(?:{'|'.join(_HELD_OUT)})(?![^\W\d_])", re.IGNORECASE),
}


def named_split(value: str) -> Split | None:
    """The side that a value names, or None.

    >>> named_split("Dev"), named_split("train_0"), named_split("trian")
    ('held_out', 'train', None)
    """
    value = value.strip()
    if _NAMED["train"].match(value):
        return "train"
    return "held_out" if _NAMED["held_out"].match(value) else None
