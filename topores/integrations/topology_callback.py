"""A Trainer callback that logs the geometry and topology of fixed texts during training."""
# ruff: noqa: ARG002  the Trainer gives each event more than it needs

import logging
from collections.abc import Sequence
from typing import Any

from sentence_transformers import SentenceTransformer
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from topores.integrations.fixed_texts import FixedTexts, geometry

PREFIX = "topology_"
EVENTS = ("evaluation", "epoch")

logger = logging.getLogger(__name__)


class TopologyCallback(TrainerCallback):
    """Encodes fixed texts before the first step, after the last and at intervals, and logs measures of their space.

    The numbers are in `trainer.state.log_history` (and trainer_state.json) as topology_alignment, topology_uniformity,
    topology_rank_me, topology_modality_gap, topology_h0_persistence and topology_h1_persistence, as defined by
    `fixed_texts.geometry`. Texts are encoded without dropout. The model's training mode and the random generators are
    restored, so training is the same as without the callback.

    Args:
        texts_1: T1's texts.
        texts_2: T2's texts, aligned with texts_1 by row unless `pairs` is given.
        pairs: Index pairs of aligned texts, if they are not aligned by row.
        every: A number of steps, 'evaluation' (whenever the Trainer evaluates) or 'epoch' (at the end of each epoch).
        max_degree: Highest degree of homology. With 1, 2,000 texts take about a second, 5,000 several seconds.
        batch_size: Texts per encoding batch.
        trainer: The Trainer, to send the numbers to its trackers too:
            `trainer.add_callback(TopologyCallback(..., trainer=trainer))`.

    Raises:
        ValueError: Texts, pairs, `every` or `max_degree` are not valid.
    """

    def __init__(
        self,
        texts_1: Sequence[str],
        texts_2: Sequence[str],
        *,
        pairs: Sequence[Sequence[int]] | None = None,
        every: int | str = "epoch",
        max_degree: int = 1,
        batch_size: int = 32,
        trainer: Trainer | None = None,
    ) -> None:
        if every not in EVENTS and not (isinstance(every, int) and every >= 1):
            raise ValueError(f"every is {every!r}; give a number of steps, 1 or more, or 'evaluation' or 'epoch'")
        if max_degree < 0:
            raise ValueError(f"max_degree is {max_degree}; give 0 (clusters), 1 (loops) or 2 (voids)")
        self.texts = FixedTexts(texts_1, texts_2, pairs)
        self.every, self.max_degree, self.batch_size, self.trainer = every, max_degree, batch_size, trainer

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any
    ) -> None:
        self._measure(state, control, objects["model"])

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any
    ) -> None:
        due = isinstance(self.every, int) and state.global_step % self.every == 0
        # The last step is measured here, since on_train_end may see the best checkpoint instead.
        if due or state.global_step >= state.max_steps:
            self._measure(state, control, objects["model"])

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any
    ) -> None:
        if self.every == "epoch":
            self._measure(state, control, objects["model"])

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any
    ) -> None:
        if self.every == "evaluation":
            self._measure(state, control, objects["model"])

    def _measure(self, state: TrainerState, control: TrainerControl, model: SentenceTransformer) -> None:
        """Log the numbers of this step, unless they were logged before, as after a resume."""
        if any(line["step"] == state.global_step and f"{PREFIX}uniformity" in line for line in state.log_history):
            return
        measured = geometry(*self.texts.rows(model, self.batch_size), self.texts.pairs, self.max_degree)
        numbers = {PREFIX + name: value for name, value in measured.items()}
        logger.info("step %d: %s", state.global_step, ", ".join(f"{name} {v:.4g}" for name, v in numbers.items()))
        if self.trainer is None:
            state.log_history.append({**numbers, "epoch": state.epoch, "step": state.global_step})
            return
        # Logging resets the Trainer's own request to log its loss at this step.
        should_log = control.should_log
        self.trainer.log(numbers)
        control.should_log = should_log
