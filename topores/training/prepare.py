"""From files to the frozen texts of a run, with warnings about what may spoil it."""

import logging
from typing import Any

from topores.backbones.base import read_as
from topores.backbones.dropout_views import has_dropout
from topores.backbones.encoder import Encoder
from topores.backbones.loading import load_base, open_model
from topores.config import TrainConfig
from topores.domain import Corpus, Text
from topores.modules.heads import by_side
from topores.text.corpus import corpus_from_texts
from topores.text.files import read_text
from topores.text.pair_corpus import corpus_from_pairs
from topores.text.pair_files import PairTable, read_pairs
from topores.text.passages import count_tokens
from topores.text.script import script_coverage, warning

log = logging.getLogger(__name__)

Texts = tuple[Text, Text] | PairTable


def read_texts(config: TrainConfig) -> Texts:
    """The two texts, or the pairs, that `config` names.

    Raises:
        InputError: They cannot be read, or hold nothing to train on.
    """
    if config.pairs:
        return read_pairs(config.pairs, repair=config.repair, columns=config.column_names)
    assert config.article is not None and config.meta_analysis is not None  # noqa: PT018  TrainConfig refuses
    return read_text(config.article, repair=config.repair), read_text(config.meta_analysis, repair=config.repair)


def open_reader(config: TrainConfig, device: str) -> Encoder:
    """The model that cuts, aligns and splits the texts: never trained, so that learners can share their corpus.

    Raises:
        InputError: The model is neither installed nor reachable, or damaged.
    """
    if config.reader is not None:
        return open_model(config.reader, device)
    return Encoder(by_side(read_as(load_base(config.model, device), config)))


def build_corpus(config: TrainConfig, texts: Texts, reader: Encoder) -> Corpus:
    """Passages, alignment and split; logs their numbers.

    Args:
        reader: Its tokenizer counts the tokens of a passage, and its embeddings align the two texts.

    Raises:
        InputError: The texts are too short, equal, or of different subjects.
    """
    _warn_of_unknown_script(texts, reader, config.reader_model)
    make: Any = corpus_from_pairs if isinstance(texts, PairTable) else corpus_from_texts
    corpus: Corpus = make(
        *([texts] if isinstance(texts, PairTable) else texts),
        reader.tokenizer, reader.encode,
        max_tokens=_passage_budget(config, reader), held_out=config.held_out, embargo=config.embargo, seed=config.seed,
    )  # fmt: skip
    for note in corpus.notes:
        log.warning(note)
    train, held_out = len(corpus.pairs_in("train")), len(corpus.pairs_in("held_out"))
    log.info(
        "%d and %d passages, %d aligned pairs (%.0f %% of the texts found a partner); %d to train on, %d held out.",
        len(corpus.t1), len(corpus.t2), len(corpus.pairs), 100 * corpus.pairs.share, train, held_out,
    )  # fmt: skip
    if config.held_out and not held_out:
        log.warning("%s: nothing here can tell learning from memorising.", _why_nothing_is_held_out(corpus))
    return corpus


def _why_nothing_is_held_out(corpus: Corpus) -> str:
    groups, pairs = len(set(corpus.groups)), len(corpus.pairs)
    if not groups or pairs <= 2 * groups:
        return "The texts are too short to hold anything out"
    if groups == 1:
        return (
            f"Nothing is held out, because all {pairs} pairs repeat one another but for a few words, or are of one "
            "document"
        )
    return (
        f"Nothing is held out, because the {pairs} pairs are in {groups} groups of copies or documents, too few to "
        "leave one out"
    )


def warn_of_learner(config: TrainConfig, texts: Texts, corpus: Corpus, learner: Encoder) -> None:
    """Warn if the learner does not know the script of the texts, or reads only the beginning of some passages."""
    if config.reader_model != config.model:
        _warn_of_unknown_script(texts, learner, config.model)
    passages, limit = (*corpus.t1, *corpus.t2), learner.room
    if limit is None or (config.reader_model == config.model and max(p.tokens for p in passages) <= limit):
        return
    tokens = [count_tokens(passage.text, learner.tokenizer) for passage in passages]
    cut = [count for count in tokens if count > limit]
    if cut:
        log.warning(
            "'%s' reads at most %d tokens: it does not see the end of %d of %d passages (up to %d of %d tokens); "
            "give --passage-tokens %d or less to all runs that are compared, or a model that reads more.",
            config.model, limit, len(cut), len(tokens), max(cut) - limit, max(cut),
            max(8, config.passage_tokens * limit // max(cut)),
        )  # fmt: skip


def warn_of_equal_views(config: TrainConfig, learner: Encoder) -> None:
    """Warn if the model has no dropout: a passage and its other view are one row then."""
    no_views = learner.closed_form or learner.written or config.objective == "next_token"
    if no_views or has_dropout(learner):
        return
    log.warning(
        "'%s' has no dropout, so both views of a passage are equal: the pairings T1->T1 and T2->T2 only push other "
        "passages away. Give --dropout 0.1 for views that differ, or leave those pairings out with "
        "--weights 1to1=0,2to2=0,1to2=1,2to1=1.",
        config.model,
    )  # fmt: skip


def _warn_of_unknown_script(texts: Texts, encoder: Encoder, model: str) -> None:
    contents = [*texts.articles, *texts.meta_analyses] if isinstance(texts, PairTable) else [t.content for t in texts]
    unknown_script = warning(script_coverage(contents, encoder.tokenizer), model)
    if unknown_script:
        log.warning(unknown_script)


def _passage_budget(config: TrainConfig, reader: Encoder) -> int:
    """`passage_tokens`, or the most that the reader reads: no passage is longer."""
    limit = reader.room
    if limit is None or config.passage_tokens <= limit:
        return config.passage_tokens
    log.warning(
        "'%s' reads at most %d tokens: passages are that long, not %d.",
        config.reader_model, limit, config.passage_tokens,
    )  # fmt: skip
    return limit
