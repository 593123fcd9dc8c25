"""Values that options of several commands take."""

from typing import Literal, get_args

from topores.options import split_list

Language = Literal["en", "ru"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
"""Languages of the report."""

DEVICES = ("auto", "cpu", "cuda", "mps")
PAIR_FILES = (".jsonl", ".csv", ".parquet", ".json", ".tsv", ".ndjson")

COLUMN_ROLES = ("article", "meta_analysis", "id", "topic", "split", "text")
"""What a column of a table can be; `text` is the one column of a corpus."""


def column_names(values: tuple[str, ...]) -> dict[str, str]:
    """Names of columns by role, from --columns.

    >>> column_names(("article=query,meta-analysis=best answer", "split="))
    {'article': 'query', 'meta_analysis': 'best answer', 'split': ''}
    """
    parts = (part.partition("=") for part in split_list(values))
    return {role.strip().replace("-", "_"): name.strip() for role, _, name in parts}


def column_faults(values: tuple[str, ...]) -> list[str]:
    """One sentence for what is wrong with --columns."""
    parts, names = split_list(values), column_names(values)
    if any("=" not in part for part in parts) or any(role not in COLUMN_ROLES for role in names):
        return [
            f"--columns is '{','.join(parts)}'; give ROLE=NAME, separated by commas, with roles out of "
            f"{', '.join(COLUMN_ROLES)}, such as article=query,meta_analysis=document."
        ]
    nameless = [role for role in ("article", "meta_analysis", "text") if names.get(role) == ""]
    return [f"--columns names no column for {nameless[0]}; give {nameless[0]}=NAME."] if nameless else []
