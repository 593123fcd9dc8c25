"""From files to the frozen texts of a run, saying what a user should know of them."""

import logging
from typing import Any

from topores.backbones.encoder import Encoder
from topores.config import TrainConfig
from topores.domain import Corpus, Text
from topores.text.corpus import corpus_from_pairs, corpus_from_texts
from topores.text.files import read_text
from topores.text.pair_files import PairTable, read_pairs
from topores.text.script import script_coverage, warning

log = logging.getLogger(__name__)

Texts = tuple[Text, Text] | PairTable


def read_texts(config: TrainConfig) -> Texts:
    """The two texts, or the pairs, that `config` names.

    Raises:
        InputError: They cannot be read, or hold nothing to train on.
    """
    if config.pairs:
        return read_pairs(config.pairs, repair=config.repair)
    assert config.article is not None and config.meta_analysis is not None  # noqa: PT018  TrainConfig refuses
    return read_text(config.article, repair=config.repair), read_text(config.meta_analysis, repair=config.repair)


def build_corpus(config: TrainConfig, texts: Texts, encoder: Encoder) -> Corpus:
    """Passages, alignment and split; says what a user should know of them."""
    contents = [*texts.articles, *texts.meta_analyses] if isinstance(texts, PairTable) else [t.content for t in texts]
    unknown_script = warning(script_coverage(contents, encoder.tokenizer), config.model)
    if unknown_script:
        log.warning(unknown_script)
    make: Any = corpus_from_pairs if isinstance(texts, PairTable) else corpus_from_texts
    corpus: Corpus = make(
        *([texts] if isinstance(texts, PairTable) else texts),
        encoder.tokenizer, encoder.encode,
        max_tokens=_passage_budget(config, encoder), held_out=config.held_out, embargo=config.embargo, seed=config.seed,
    )  # fmt: skip
    train, held_out = len(corpus.pairs_in("train")), len(corpus.pairs_in("held_out"))
    log.info(
        "%d and %d passages, %d aligned pairs (%.0f %% of the texts found a partner); %d to train on, %d held out.",
        len(corpus.t1), len(corpus.t2), len(corpus.pairs), 100 * corpus.pairs.share, train, held_out,
    )  # fmt: skip
    if config.held_out and not held_out:
        log.warning("The texts are too short to hold anything out: nothing here can tell learning from memorising.")
    return corpus


def _passage_budget(config: TrainConfig, encoder: Encoder) -> int:
    """`passage_tokens`, or what the encoder reads at most: no passage is longer."""
    limit = encoder.max_tokens
    if limit is None or config.passage_tokens <= limit:
        return config.passage_tokens
    log.warning(
        "'%s' reads at most %d tokens: passages are that long, not %d.", config.model, limit, config.passage_tokens
    )
    return limit
