"""A tokenizer of words and an encoder of bags of words, for tests of readers that need no model."""

import zlib
from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

TOKENIZER = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
TOKENIZER.pre_tokenizer = Whitespace()


def encode(texts: Sequence[str]) -> np.ndarray:
    """Unit rows: the sum of a random direction for each word."""
    rows = np.zeros((len(texts), 64))
    for row, text in zip(rows, texts, strict=True):
        for word in text.lower().split() or [""]:
            row += np.random.default_rng(zlib.crc32(word.strip(".,").encode("utf-8", "replace"))).normal(size=64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
