"""All evaluations of a learner at a logged cycle: every file in topores/evaluations that applies to it."""

import logging

from topores import variants
from topores.evaluations._subject import Subject

log = logging.getLogger(__name__)

EVALUATIONS = "topores.evaluations"


class Evaluations:
    """Runs every evaluation that applies. One that does not is named once, with its reason."""

    def __init__(self) -> None:
        self._modules = {name: variants.load(EVALUATIONS, name) for name in variants.names(EVALUATIONS)}
        self._left_out: set[str] = set()

    def __call__(self, subject: Subject) -> dict[str, float | None]:
        """What they measure of the subject, by key of metrics.jsonl.

        Raises:
            ValueError: Two evaluations use one key.
        """
        found: dict[str, float | None] = {}
        for name, evaluation in self._modules.items():
            reason = evaluation.why_not(subject)
            if reason is not None:
                self._say_once(name, reason)
                continue
            measured = evaluation.measured(subject)
            taken = found.keys() & measured.keys()
            if taken:
                raise ValueError(f"evaluations/{name}.py measures {sorted(taken)}, which another evaluation does too")
            found |= measured
        return found

    def _say_once(self, name: str, reason: str) -> None:
        if name not in self._left_out:
            self._left_out.add(name)
            # Most learners are of a kind to which some evaluations never apply.
            log.debug("Evaluation '%s' is left out: %s.", name, reason)
