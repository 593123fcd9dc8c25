"""Which columns of a table hold the two texts, by the names that people and data sets give them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from topores.errors import InputError, did_you_mean

REQUIRED = ("article", "meta_analysis")

PAIR_NAMES = (
    REQUIRED, ("article", "review"), ("article", "metaanalysis"), ("study", "meta_analysis"), ("study", "review"),
    ("trial", "review"), ("t1", "t2"),
    ("query", "document"), ("query", "doc"), ("query", "passage"), ("query", "positive"), ("query", "positive_passage"),
    ("query", "pos"), ("query", "answer"), ("query", "response"), ("query", "text"), ("query", "context"),
    ("anchor", "positive"), ("anchor", "pos"), ("anchor", "text"),
    ("question", "answer"), ("question", "context"), ("question", "passage"), ("question", "document"),
    ("question", "response"), ("question1", "question2"), ("question_1", "question_2"),
    ("sentence1", "sentence2"), ("sentence_1", "sentence_2"), ("sentence_a", "sentence_b"), ("sent1", "sent2"),
    ("sentence_0", "sentence_1"), ("sentence", "paraphrase"), ("text1", "text2"), ("text_1", "text_2"),
    ("text_a", "text_b"), ("source", "target"), ("src", "tgt"), ("src", "trg"), ("source_text", "target_text"),
    ("original", "paraphrase"), ("premise", "hypothesis"), ("claim", "evidence"),
    ("article", "summary"), ("article", "highlights"), ("article", "abstract"), ("document", "summary"),
    ("text", "summary"), ("abstract", "summary"), ("dialogue", "summary"), ("text", "label_text"),
    ("title", "abstract"), ("title", "body"), ("prompt", "response"), ("prompt", "completion"),
    ("instruction", "response"), ("instruction", "output"), ("input", "output"), ("input", "target"),
    ("left", "right"), ("a", "b"), ("first", "second"),
)  # fmt: skip
"""Names of the two columns, in order of preference. Case, spaces and dashes do not count: 'Meta-Analysis' is
'meta_analysis'."""

TEXT_NAMES = (
    "text", "texts", "sentence", "sentences", "passage", "document", "content", "contents", "body", "abstract",
    "article", "paragraph", "chunk", "title",
)  # fmt: skip
"""Names of the one column of a corpus."""

OTHER_NAMES = {
    "id": ("id", "_id", "pair_id", "row_id", "uid", "guid"),
    "topic": ("topic", "subject"),
    "split": ("split", "set", "subset", "partition"),
}
"""Names of the columns that a table may have besides."""

DOCUMENT_NAMES = (
    "article_id", "meta_analysis_id", "review_id", "document_id", "doc_id", "docid", "paper_id", "study_id", "trial_id",
    "corpus_id", "corpusid", "pmid", "pmcid", "article_pmid", "review_pmid", "doi", "article_doi", "review_doi",
    "meta_analysis_doi", "document", "group", "group_id", "query_id", "qid",
)  # fmt: skip
"""Columns that say which document, study or review a row is part of. Rows that agree in one stay on one side."""

_SHOWN, _LONGEST = 12, 40


@dataclass(frozen=True)
class Columns:
    """The name that a table gives to each column that is read, by its role."""

    of: Mapping[str, str]
    """By role: article, meta_analysis, text, id, topic, split."""
    documents: tuple[str, ...] = ()
    """Columns that say which document a row is part of."""
    chosen: frozenset[str] = field(default_factory=frozenset)
    """Roles that the user named."""

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys([*self.of.values(), *self.documents]))


def choose_columns(name: str, seen: Sequence[str], given: Mapping[str, str], *, corpus: bool = False) -> Columns:
    """The columns to read of a table.

    Args:
        name: The file, for messages.
        seen: Its columns.
        given: What --columns says: names by role; an empty name leaves a column out.
        corpus: Whether one column of texts is enough, if there are no two.

    Raises:
        InputError: A column that was named is not there, stands twice, or the two texts are not found.
    """
    plain: dict[str, str] = {}
    for column in seen:
        plain.setdefault(_plain(column), column)
    for role, column in given.items():
        if column and column not in seen:
            raise InputError(
                f"'{name}' has no column '{column}', which --columns names for {role}; its columns are "
                f"{list_columns(seen)}. {did_you_mean(column, [_short(one) for one in seen])}"
            )
    texts = _text_columns(plain, given, seen, corpus=corpus)
    if texts is None:
        raise InputError(_without_texts(name, seen, corpus=corpus))
    taken = set(texts.values())
    found = {role: given.get(role, _first(plain, names)) for role, names in OTHER_NAMES.items()}
    others = {role: column for role, column in found.items() if column and column not in taken}
    documents = [plain[one] for one in DOCUMENT_NAMES if one in plain and plain[one] not in {*taken, *others.values()}]
    columns = Columns({**texts, **others}, tuple(documents), frozenset(given))
    twice = [column for column in columns.names if list(seen).count(column) > 1]
    if twice:
        raise InputError(f"'{name}' has the column '{twice[0]}' twice; remove one.")
    return columns


def _text_columns(
    plain: Mapping[str, str], given: Mapping[str, str], seen: Sequence[str], *, corpus: bool
) -> dict[str, str] | None:
    """The columns of the texts by role: article and meta_analysis, or text; None if they are not found."""
    if corpus and given.get("text"):
        return {"text": given["text"]}
    named = {role: given[role] for role in REQUIRED if given.get(role)}
    if len(named) == len(REQUIRED):
        return named
    for pair in PAIR_NAMES:
        found = dict(zip(REQUIRED, (plain.get(one, "") for one in pair), strict=True)) | named
        if all(found.values()) and len(set(found.values())) == len(found):
            return found
    if not corpus or named:
        return None
    one = _first(plain, TEXT_NAMES) or (seen[0] if len(seen) == 1 else None)
    return {"text": one} if one else None


def _first(plain: Mapping[str, str], names: Sequence[str]) -> str | None:
    return next((plain[name] for name in names if name in plain), None)


def known_names() -> set[str]:
    """Every name that a column may have to be found, in plain form."""
    return {*chain.from_iterable(PAIR_NAMES), *TEXT_NAMES, *chain.from_iterable(OTHER_NAMES.values())}


def is_known(column: str) -> bool:
    return _plain(column) in known_names()


def _plain(column: str) -> str:
    return re.sub(r"[\s\-]+", "_", column.strip().strip("\ufeff").lower())


def list_columns(seen: Sequence[str]) -> str:
    """The columns for a message, shortened: a table without a header has a row of texts in its place."""
    more = f" and {len(seen) - _SHOWN} more" if len(seen) > _SHOWN else ""
    return ", ".join(_short(column) for column in seen[:_SHOWN]) + more


def _short(column: str) -> str:
    return column if len(column) <= _LONGEST else column[: _LONGEST - 1] + "…"


def _without_texts(name: str, seen: Sequence[str], *, corpus: bool) -> str:
    known = [column for column in seen if any(_plain(column) in pair for pair in PAIR_NAMES)]
    no_texts = {*chain.from_iterable(OTHER_NAMES.values()), *DOCUMENT_NAMES}
    others = [column for column in seen if column not in known and _plain(column) not in no_texts]
    pair = [*known, *others, "NAME", "NAME"][:2]
    remedy = f"--columns article={_short(pair[0])},meta_analysis={_short(pair[1])}"
    one = f" (or --columns text={_short(seen[0]) if seen else 'NAME'})" if corpus else ""
    return (
        f"'{name}' has no columns for the two texts, such as {' and '.join(REQUIRED)}, query and document, or anchor "
        f"and positive; its columns are {list_columns(seen)}. Say which they are, such as {remedy}{one}."
    )
