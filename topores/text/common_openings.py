"""Sentences that open or end many texts of a table, such as a licence: they are no part of what a text says."""

import re
from collections import Counter
from collections.abc import Sequence

from topores.text.duplicates import reading_key
from topores.text.sentences import Sentence, sentences

LEAST_SHARE, FEWEST_TEXTS = 0.25, 3
"""Sentences are in common if this share of the distinct texts, and this many at least, have them."""

_LOOKED_AT = 24
_SHORTEST = 40
"""Fewer characters in common are a label, such as "Background"."""

_SHOWN = 60


def without_common_parts(name: str, texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """The texts without their common openings and ends, and a sentence that says so.

    A text that consists of such sentences only stays as it is.
    """
    distinct = list(dict.fromkeys(texts))
    found = {text: sentences(text) for text in distinct}
    common = _common_sentences(found)
    if not common:
        return list(texts), []
    cut = {text: _cut(text, found[text], common) for text in distinct}
    changed = [text for text in distinct if cut[text] != text]
    if not changed:
        return list(texts), []
    parts = Counter(text.replace(cut[text], "\0", 1).split("\0")[0].strip() or text[-_SHOWN:] for text in changed)
    example = " ".join(parts.most_common(1)[0][0].split())[:_SHOWN]
    said = (
        f"'{name}': {len(changed)} of {len(distinct)} texts open or end with sentences that many of them share, such "
        f"as '{example}…': these are left out."
    )
    return [cut[text] for text in texts], [said]


def _common_sentences(found: dict[str, list[Sentence]]) -> set[str]:
    counts: Counter[str] = Counter()
    for text, own in found.items():
        ends = [*own[:_LOOKED_AT], *own[-_LOOKED_AT:]]
        counts.update({_key(text, sentence) for sentence in ends})
    least = max(FEWEST_TEXTS, LEAST_SHARE * len(found))
    return {key for key, count in counts.items() if count >= least}


def _key(text: str, sentence: Sentence) -> str:
    return re.sub(r"\d+", "0", reading_key(text[sentence.start : sentence.end]))


def _cut(text: str, own: list[Sentence], common: set[str]) -> str:
    shared = [_key(text, sentence) in common for sentence in own]
    if all(shared):
        return text
    first = shared.index(False)
    last = len(shared) - 1 - shared[::-1].index(False)
    start, end = own[first].start, own[last].end
    start = start if len(text[:start].strip()) >= _SHORTEST else 0
    end = end if len(text[end:].strip()) >= _SHORTEST else len(text)
    return text[start:end]
