"""What makes two corpora equal, as hashes: runs of equal corpora can be judged against each other."""

import json
from typing import Any

from topores.compute.files import sha256_text
from topores.domain import SIDES, Corpus


def corpus_sha256(corpus: Corpus) -> str:
    """Hash of all that training and evaluation read: passages with their places, weighted pairs, embargo and split."""
    return sha256_text(json.dumps([_before_the_split(corpus), corpus.split_1, corpus.split_2]))


def passages_sha256(corpus: Corpus) -> str:
    """Hash of the same without the split, which the seed decides: equal for runs that differ only in the seed."""
    return sha256_text(json.dumps(_before_the_split(corpus)))


def _before_the_split(corpus: Corpus) -> list[Any]:
    passages = [[p.side, p.document, p.position, p.text] for side in SIDES for p in corpus.side(side)]
    pairs = corpus.pairs
    return [passages, pairs.t1.tolist(), pairs.t2.tolist(), pairs.weight.tolist(), corpus.embargo]
