"""A tokenizer cut down to some texts cuts these texts as before, whatever its kind."""

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from topores.backbones.compact_vocabulary import compact
from topores.text.passages import without_truncation

LEARNED = [
    "the trial of aspirin in acute infarction",
    "deaths within five weeks of the trial",
    "streptokinase or placebo",
]
TEXTS = ["the trial of streptokinase", "deaths within five weeks"]
MARKS = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}


def trained(kind: str) -> PreTrainedTokenizerFast:
    """A tokenizer that learned its pieces from LEARNED, with [CLS] and [SEP] around each text."""
    kinds = {
        "WordPiece": (models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer),
        "WordLevel": (models.WordLevel(unk_token="[UNK]"), trainers.WordLevelTrainer),
        "BPE": (models.BPE(unk_token="[UNK]"), trainers.BpeTrainer),
        "Unigram": (models.Unigram(), trainers.UnigramTrainer),
    }
    model, trainer = kinds[kind]
    made = Tokenizer(model)
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.decoder = decoders.WordPiece()
    options = {"unk_token": "[UNK]"} if kind == "Unigram" else {}
    made.train_from_iterator(
        LEARNED, trainer(vocab_size=120, special_tokens=list(MARKS.values()), show_progress=False, **options)
    )
    ends = [(mark, made.token_to_id(mark)) for mark in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=64, **MARKS)


@pytest.mark.parametrize("kind", ["WordPiece", "WordLevel", "BPE", "Unigram"])
def test_the_texts_are_cut_into_the_same_pieces(kind: str) -> None:
    whole = trained(kind)
    found = compact(whole, TEXTS)
    assert found is not None
    assert len(found.kept) == found.tokenizer.vocab_size < whole.vocab_size
    for text in TEXTS:
        before, now = without_truncation(whole).encode(text), without_truncation(found.tokenizer).encode(text)
        assert now.tokens == before.tokens
        assert [found.kept[new] for new in now.ids] == before.ids
        assert max(now.ids) < len(found.kept)


@pytest.mark.parametrize("kind", ["WordPiece", "WordLevel", "BPE", "Unigram"])
def test_special_tokens_stay_though_no_text_has_them(kind: str) -> None:
    whole = trained(kind)
    found = compact(whole, TEXTS)
    assert found is not None
    for name, mark in MARKS.items():
        assert getattr(found.tokenizer, name) == mark
        assert found.kept[found.tokenizer.convert_tokens_to_ids(mark)] == whole.convert_tokens_to_ids(mark)
    assert found.tokenizer("zzz")["input_ids"][0] == found.tokenizer.cls_token_id
    assert found.tokenizer.model_max_length == 64


def test_merges_of_merges_are_kept() -> None:
    """'the' needs its own merge and that of 'th', which no text has as a token."""
    found = compact(trained("BPE"), ["the"])
    assert found is not None
    assert set(found.tokenizer.get_vocab()) == {*MARKS.values(), "t", "h", "e", "th", "the"}


def test_bytes_are_cut_as_before() -> None:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.train_from_iterator(LEARNED, trainers.BpeTrainer(vocab_size=300, special_tokens=["<end>"], show_progress=False,
                             initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))  # fmt: skip
    whole = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>", pad_token="<end>")
    found = compact(whole, ["the trial: 5 µg"])
    assert found is not None
    assert len(found.kept) < 30
    assert found.tokenizer.eos_token_id == found.tokenizer.pad_token_id == 0
