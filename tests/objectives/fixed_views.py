"""Views that give fixed rows, whatever encoder there is: for tests of the mathematics of an objective."""

from collections.abc import Callable

import torch

from topores.objectives._objective import Views


class FixedViews(Views):
    """`rows_of(texts, sides)` in place of an encoder."""

    def __init__(self, rows_of: Callable[[list[str], list[str] | None], torch.Tensor]) -> None:
        self.rows_of = rows_of

    def __call__(self, texts, sides=None):
        return self.rows_of(texts, sides)

    def per_text(self, measure, texts, sides=None):
        return measure(texts, sides)

    def without_gradient(self, texts, sides=None, *, dropout=False):  # noqa: ARG002
        return self.rows_of(texts, sides).detach()
