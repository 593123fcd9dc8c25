"""What run.json records so that a run can be repeated: versions, seeds, device, hashes, command."""

import datetime
import hashlib
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import torch
from torch import Tensor, nn

from topores.backbones.encoder import Encoder
from topores.compute.files import sha256_text
from topores.config import TrainConfig
from topores.domain import Corpus, Text
from topores.phrases import phrase_facts
from topores.text.fingerprint import corpus_sha256
from topores.text.pair_files import PairTable

PACKAGES = (
    "topores", "torch", "sentence-transformers", "transformers", "accelerate", "peft", "faiss-cpu", "ripser",
    "redzed-tda", "scikit-learn", "scipy", "numpy", "numba", "POT", "semantic-text-splitter",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that affect results."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def time_of_start() -> str:
    """The time now, in UTC, as run.json has it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def run_facts(
    encoder: Encoder,
    corpus: Corpus,
    texts: tuple[Text, Text] | PairTable,
    config: TrainConfig,
    argv: Sequence[str],
    *,
    processes: int = 1,
) -> dict[str, Any]:
    """The content of run.json."""
    return {
        "started": time_of_start(),
        "argv": list(argv),
        "versions": versions(),
        "seeds": {"seed": config.seed},
        **circumstances(encoder.model.device, processes),
        "cannot_change": encoder.cannot_change,
        "phrases": {"cannot_change": phrase_facts(encoder.cannot_change)},
        "layout": "packed" if encoder.packed else "padded",
        "reader": config.reader_model,
        "texts": list(corpus.notes),
        "passages": {"t1": len(corpus.t1), "t2": len(corpus.t2)},
        "sha256": {**_text_hashes(texts), "base_weights": weights_sha256(encoder), "corpus": corpus_sha256(corpus)},
    }


def circumstances(device: torch.device, processes: int) -> dict[str, Any]:
    """What rounding depends on besides the options: a resumed run is exact to the bit if none of it has changed."""
    return {"device": device.type, "threads": torch.get_num_threads(), "processes": processes}


def weights_sha256(module: nn.Module) -> str:
    """Hash of all weights: names and bytes, in order of name."""
    return _sha256(module.state_dict())


def frozen_sha256(module: nn.Module) -> str:
    """Hash of the weights that training leaves as they are, as `weights_sha256` hashes all."""
    return _sha256({name: weight for name, weight in module.named_parameters() if not weight.requires_grad})


def _sha256(weights: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _text_hashes(texts: tuple[Text, Text] | PairTable) -> dict[str, str]:
    if isinstance(texts, PairTable):
        return {"t1": sha256_text("\n".join(texts.articles)), "t2": sha256_text("\n".join(texts.meta_analyses))}
    return {"t1": sha256_text(texts[0].content), "t2": sha256_text(texts[1].content)}
