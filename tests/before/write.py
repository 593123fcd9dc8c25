"""Write the runs of this folder anew, with an installed topores 0.1.0; README.md says how it is called."""

import random
import shutil
import string
import subprocess
import sys
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from transformers import BertConfig, BertModel, BertTokenizerFast

HERE = Path(__file__).parent
SHORT = [
    "texts/article.txt", "texts/meta_analysis.txt", "--model", "model", "--cycles", "2", "--checkpoints", "0,2",
    "--batch-size", "8", "--passage-tokens", "16", "--rank", "4", "--learning-rate", "0.001", "--precision", "fp32",
    "--device", "cpu", "-q",
]  # fmt: skip
WORDS = [a + b + c for a in ("ba", "ke", "lo", "mi", "nu", "ra") for b in ("fi", "go", "su", "te") for c in "dlnrsx"]


def write_model() -> None:
    """A BERT of 2 layers and 32 dimensions that knows WORDS and letters, as tests/conftest.py builds it."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase, *string.digits, *".,;:-()%"]
    pieces += [f"##{letter}" for letter in string.ascii_lowercase + string.digits]
    Path("bert").mkdir()
    Path("bert/vocab.txt").write_text("\n".join([*pieces, *WORDS]), encoding="utf-8")
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    tokenizer = BertTokenizerFast("bert/vocab.txt", model_max_length=128)
    config = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=128, initializer_range=0.5, **sizes)
    BertModel(config).save_pretrained("bert")
    tokenizer.save_pretrained("bert")
    transformer = Transformer("bert", max_seq_length=128)
    model = SentenceTransformer(modules=[transformer, Pooling(32, "mean"), Normalize()], device="cpu")
    model.save("model", create_model_card=False)
    shutil.rmtree("bert")


def write_texts() -> None:
    """The two texts that tests/conftest.py builds."""
    draw = random.Random(0)
    said = [draw.sample(WORDS, 12) for _ in range(56)]
    again = [draw.sample(WORDS, 2) + words[2:] for words in said[:24]]
    Path("texts").mkdir()
    for name, sentences in (("article", said[:40]), ("meta_analysis", [*again, *said[40:]])):
        text = "\n\n".join(" ".join(words).capitalize() + "." for words in sentences)
        Path(f"texts/{name}.txt").write_text(text, encoding="utf-8")


def topores(*arguments: str) -> None:
    subprocess.run([str(Path(sys.executable).parent / "topores"), *arguments], cwd=HERE, check=True)


if __name__ == "__main__":
    assert Path.cwd() == HERE.resolve(), "run it in its own folder: the runs keep the paths they were given"
    for name in ("model", "texts", "within", "nulls"):
        shutil.rmtree(name, ignore_errors=True)
    write_model()
    write_texts()
    topores(
        "train", *SHORT, "-o", "within", "--encoder", "loreft", "--layers", "last:2", "--positions", "first:2,last:2"
    )
    topores(
        "train", *SHORT, "-o", "nulls", "--encoder", "loreft", "--learn-temperature",
        "--null", "shuffled,frozen", "--seeds", "2",
    )  # fmt: skip
    topores("topology", "--checkpoint", "nulls", "-o", "nulls.html", "--device", "cpu", "-q")
    for lock in HERE.rglob(".lock"):
        lock.unlink()
    # A run keeps its newest two states; the newest is enough to continue it.
    for state in HERE.rglob("state/step-000000000000000"):
        shutil.rmtree(state)
