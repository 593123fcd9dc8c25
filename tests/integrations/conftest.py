"""A few real training steps of the tiny model in sentence-transformers' trainer."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

datasets = pytest.importorskip("datasets", reason="the Trainer needs it: pip install 'topores[trainer]'")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small are slower with several threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def sentences(two_texts: tuple[Path, Path]) -> tuple[list[str], list[str]]:
    """24 sentences, and the same with two words changed."""
    article, meta_analysis = (path.read_text(encoding="utf-8").split("\n\n")[:24] for path in two_texts)
    return article, meta_analysis


@pytest.fixture
def pairs(sentences: tuple[list[str], list[str]]) -> Any:
    """The sentences as a dataset with columns anchor and positive."""
    return datasets.Dataset.from_dict({"anchor": sentences[0], "positive": sentences[1]})


@pytest.fixture
def model(tiny_model: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(tiny_model), device="cpu")


@pytest.fixture
def train(tmp_path: Path, model: Any, pairs: Any) -> Callable[..., Any]:
    """Train `model` on `pairs` for 4 steps, or with the arguments given; returns the Trainer."""
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments

    from topores.integrations.sentence_transformers import FourPairingsLoss

    def run(
        *, loss: Any = None, evaluator: Any = None, callbacks: Any = None, prepare: Any = None,
        resume: str | None = None, with_model: Any = None, dataset: Any = None, **changes: Any
    ) -> Any:  # fmt: skip
        arguments: dict[str, Any] = {
            "max_steps": 4, "per_device_train_batch_size": 8, "learning_rate": 1e-3, "logging_steps": 1,
            "save_strategy": "no", "report_to": "none", "disable_tqdm": True, "use_cpu": True,
        }  # fmt: skip
        trained = with_model or model
        trainer = SentenceTransformerTrainer(
            model=trained,
            args=SentenceTransformerTrainingArguments(str(tmp_path / "run"), **arguments | changes),
            train_dataset=dataset or pairs,
            loss=loss or FourPairingsLoss(trained),
            evaluator=evaluator,
            callbacks=callbacks,
        )
        if prepare is not None:
            prepare(trainer)
        trainer.train(resume_from_checkpoint=resume)
        return trainer

    return run
