"""Train with SentenceTransformerTrainer in as many processes as there are; run by torchrun, or called by a test.

Arguments: the model's folder, the pairs (JSON, two lists), the folder to write to.
"""

import json
import os
import sys
from pathlib import Path

import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)

from topores.integrations.sentence_transformers import FourPairingsLoss, TopologyCallback, TopologyEvaluator


def train(
    model_folder: str, pairs: Path, output: Path, *, processes: int, gather: bool
) -> tuple[dict[str, torch.Tensor], list[float]]:
    """Weights after 6 steps of 8 pairs over all processes, without dropout, and the loss of each step."""
    # In float64: the steps make of float32's rounding what a wrong gradient might also be.
    model = SentenceTransformer(model_folder, device="cpu").double()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    one, two = json.loads(pairs.read_text(encoding="utf-8"))
    trainer = SentenceTransformerTrainer(
        model=model,
        # Plain gradient descent: the steps of Adam do not tell a gradient from half of it.
        args=SentenceTransformerTrainingArguments(
            str(output / "run"), max_steps=6, per_device_train_batch_size=8 // processes, optim="sgd",
            learning_rate=0.02, max_grad_norm=0.0, lr_scheduler_type="constant", logging_steps=1,
            eval_strategy="steps", eval_steps=3, save_strategy="no", report_to="none", disable_tqdm=True,
            use_cpu=True, ddp_backend="gloo" if processes > 1 else None,
        ),
        train_dataset=Dataset.from_dict({"anchor": one, "positive": two}),
        eval_dataset=Dataset.from_dict({"anchor": one[:8], "positive": two[:8]}),
        loss=FourPairingsLoss(model, gather_across_devices=gather),
        evaluator=TopologyEvaluator(one, two),
        callbacks=[TopologyCallback(one, two, every=2)],
    )  # fmt: skip
    trainer.train()
    return model.state_dict(), [line["loss"] for line in trainer.state.log_history if "loss" in line]


if __name__ == "__main__":
    folder, output = Path(sys.argv[2]), Path(sys.argv[3])
    for gather in (True, False):
        weights, losses = train(sys.argv[1], folder, output, processes=2, gather=gather)
        if os.environ["RANK"] == "0":
            torch.save((weights, losses), output / f"{'gathered' if gather else 'apart'}.pt")
    # Else a thread of gloo may still hold tensors while Python is taken down, which aborts the process.
    torch.distributed.destroy_process_group()
