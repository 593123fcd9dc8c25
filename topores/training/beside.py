"""The runs beside a run: its nulls, its other folds, and the nulls of these. Heads train side by side, in threads."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from typing import Any, NamedTuple

import joblib
import torch
from accelerate import Accelerator
from threadpoolctl import threadpool_limits
from torch import Tensor
from tqdm import tqdm

from topores import variants
from topores.backbones.encoder import Encoder
from topores.config import TrainConfig
from topores.domain import Corpus
from topores.errors import Interrupted
from topores.runs import Run, is_run
from topores.text.corpus import read_corpus, write_corpus
from topores.training import folds, nulls
from topores.training.agreement import build_encoder, model_folders, with_found_models
from topores.training.assemble import COARSELY, train_run
from topores.training.heads.products import one_thread
from topores.training.heads.tight import has_tight_step
from topores.training.nulls import corpus_of, nulls_of
from topores.training.provenance import time_of_start
from topores.training.signals import stop_asked
from topores.training.state import without_frozen

log = logging.getLogger(__name__)


class Beside(NamedTuple):
    """A run that belongs to another one."""

    run: Run
    options: TrainConfig
    facts: dict[str, Any]
    corpus: Callable[[], Corpus]
    """Makes or reads the corpus that it is trained on."""

    @property
    def done(self) -> bool:
        """Whether it has come to its last cycle."""
        metrics = self.run.metrics if is_run(self.run.folder) else []
        return bool(metrics) and metrics[-1]["cycle"] >= self.options.cycles


def train_beside(run: Run, accelerator: Accelerator, follow: Callable[[Run], Run]) -> Run:
    """Train the nulls and the other folds that the options of `run` ask for; those that are done are skipped.

    Args:
        run: At its last cycle.
        follow: In a process that does not write: train a run with what the first process wrote into its folder.

    Raises:
        Interrupted: Stopped; what was trained is saved, and `--resume` goes on.
    """
    # The folds first: a null lies in the folder of its fold.
    for stage in (_nulls_and_folds, _nulls_of_folds):
        left = [one for one in stage(run) if not one.done]
        if not left:
            continue
        if not accelerator.is_main_process:
            for one in left:
                follow(one.run)
            continue
        log.info("%s", _announcement(left, run))
        _Workplace(run, accelerator).train(left)
    return run


def _nulls_and_folds(run: Run) -> list[Beside]:
    return [*_nulls(run), *_folds(run)]


def _nulls_of_folds(run: Run) -> list[Beside]:
    return [null for fold in run.folds[1:] for null in _nulls(fold)]


def _nulls(run: Run) -> list[Beside]:
    found = []
    for null in nulls_of(run.options):
        options = nulls.options_of(null, run.options, run)
        facts = {**nulls.facts_of(null, run.facts, run.corpus), **_logging_of(run)}
        found.append(Beside(_run_of(options), options, facts, partial(corpus_of, null, run.corpus)))
    return found


def _folds(run: Run) -> list[Beside]:
    found = []
    for number in range(2, run.options.fold_count + 1):
        options = folds.options_of(number, run.options, run)
        beside = _run_of(options)
        corpus = read_corpus(beside.folder)
        facts = {**folds.facts_of(number, run, corpus), **_logging_of(run)}
        found.append(Beside(beside, options, facts, partial(_same, corpus)))
    return found


def _same(corpus: Corpus) -> Corpus:
    return corpus


def _logging_of(run: Run) -> dict[str, str]:
    """What the facts of a run beside `run` say of its log."""
    return {"logged": COARSELY} if run.options.fold_count > 1 or "fold" in run.facts else {}


def _run_of(options: TrainConfig) -> Run:
    assert options.output is not None  # it lies in the folder of the run that it belongs to
    return Run(options.output)


def _announcement(left: Sequence[Beside], run: Run) -> str:
    count = sum("null" in one.facts for one in left)
    kinds = [
        f"{number} {name}{'' if number == 1 else 's'}"
        for number, name in ((count, "null"), (len(left) - count, "fold"))
        if number
    ]
    return f"Training beside '{run.folder}': {' and '.join(kinds)}."


class _Workplace:
    """Trains runs that belong to `run`, with encoders that are built once and put back to their start for each."""

    def __init__(self, run: Run, accelerator: Accelerator) -> None:
        self._parent, self._accelerator = run, accelerator
        self._free: SimpleQueue[tuple[Encoder, dict[str, Tensor]]] = SimpleQueue()
        self._stopped = threading.Event()

    def train(self, left: Sequence[Beside]) -> None:
        encoder = self._new_encoder(left[0])
        if self._side_by_side(encoder, left[0]):
            self._train_in_threads(left)
            return
        for one in left:
            self._train(one, None)

    def _side_by_side(self, encoder: Encoder, one: Beside) -> bool:
        """Whether training uses one thread and no state that threads share."""
        objective = variants.load("topores.objectives", one.options.objective).build(one.options)
        pairs, size = len(one.corpus().pairs), one.options.batch_size or 0
        # No more pairs than a batch holds means no more than one batch.
        alone = self._accelerator.num_processes == 1 and one.options.micro_batch_size is None
        return alone and pairs <= size and has_tight_step(encoder, type(objective))

    def _train_in_threads(self, left: Sequence[Beside]) -> None:
        workers = min(joblib.cpu_count(), len(left))
        for _ in range(workers - 1):
            self._new_encoder(left[0])
        bar = tqdm(total=len(left), unit="run", leave=False, disable=None)
        # Blas is held to one thread with one worker as with many, so that their number changes no digit.
        with (
            stop_asked() as asked,
            one_thread(),
            threadpool_limits(1),
            ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        ):

            def stopping() -> bool:
                return asked() or self._stopped.is_set()

            jobs = [pool.submit(self._train, one, stopping) for one in left]
            for job in jobs:
                job.add_done_callback(lambda _: bar.update())
            try:
                ended = wait(jobs, return_when=FIRST_EXCEPTION).done
            finally:
                # After a failure or a second Ctrl-C the others save and end after their step.
                self._stopped.set()
                pool.shutdown(cancel_futures=True)
                bar.close()
            _raise_first(job.exception() for job in ended if not job.cancelled())
            if asked():
                raise Interrupted("Stopped beside the run and saved; continue with --resume.")

    def _train(self, one: Beside, stopping: Callable[[], bool] | None) -> None:
        if stopping is not None and stopping():
            return
        with self._encoder(one) as encoder, one.run.written_by_us_alone():
            begun = is_run(one.run.folder)
            if not begun:
                corpus = one.corpus()
                one.run.clear()
                write_corpus(corpus, one.run.folder)
            found = with_found_models(one.options, self._parent)
            facts = {**one.facts, "started": time_of_start(), "folders": model_folders(found, one.run)}
            one.run.write_start(one.options, facts)
            train_run(one.run, one.options, encoder, self._accelerator, resume=begun, stopping=stopping)

    @contextmanager
    def _encoder(self, one: Beside) -> Iterator[Encoder]:
        """An encoder that no other run uses, as it is before training."""
        encoder, start = self._free.get()
        if _is_reshaped(encoder, start):
            self._new_encoder(one)
            encoder, start = self._free.get()
        encoder.load_state_dict(start, strict=False)  # frozen weights are as they were
        try:
            yield encoder
        finally:
            self._free.put((encoder, start))

    def _new_encoder(self, one: Beside) -> Encoder:
        encoder = build_encoder(with_found_models(one.options, self._parent), self._accelerator)
        start = {name: tensor.detach().clone() for name, tensor in without_frozen(encoder).items()}
        self._free.put((encoder, start))
        return encoder


def _is_reshaped(encoder: Encoder, start: dict[str, Tensor]) -> bool:
    """Whether its last run cut the encoder to that run's texts, as a vocabulary is."""
    now = encoder.state_dict()
    return any(name not in now or now[name].shape != weight.shape for name, weight in start.items())


def _raise_first(faults: Iterator[BaseException | None]) -> None:
    """The failure that stopped the others; that they were stopped tells nothing."""
    found = [fault for fault in faults if fault is not None]
    for fault in sorted(found, key=lambda fault: isinstance(fault, Interrupted)):
        raise fault
