"""Values that options of several commands take."""

from typing import Literal, get_args

Language = Literal["en", "ru"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
"""Languages of the report."""

DEVICES = ("auto", "cpu", "cuda", "mps")
PAIR_FILES = (".jsonl", ".csv", ".parquet")
