"""An objective with a state of its own: views agree with those of a teacher that follows the encoder slowly."""

from contextlib import contextmanager

import torch

from topores.objectives._objective import Losses, Objective


class Follower(Objective):
    metrics = ("agreement",)

    def prepare(self, encoder, corpus):  # noqa: ARG002
        for place, weight in enumerate(self._trained(encoder)):
            self.register_buffer(f"teacher_{place}", weight.detach().clone())

    def forward(self, views, batch):
        texts = [*batch.texts_1, *batch.texts_2]
        sides = ["t1"] * len(batch.texts_1) + ["t2"] * len(batch.texts_2)
        rows = views(texts, sides)
        with self._worn(views.encoder):
            taught = views.without_gradient(texts, sides)
        agreement = (rows * taught).sum(dim=1).mean()
        similarity = rows @ taught.T / 0.05
        loss = torch.nn.functional.cross_entropy(similarity, torch.arange(len(rows), device=rows.device))
        return Losses(loss, {"agreement": agreement.detach()})

    @torch.no_grad()
    def after_step(self, views):
        for teacher, weight in zip(self.buffers(), self._trained(views.encoder), strict=True):
            teacher.lerp_(weight, 0.1)

    @contextmanager
    def _worn(self, encoder):
        weights = self._trained(encoder)
        own = [weight.data for weight in weights]
        for weight, teacher in zip(weights, self.buffers(), strict=True):
            weight.data = teacher
        yield
        for weight, data in zip(weights, own, strict=True):
            weight.data = data

    def _trained(self, encoder):
        return [weight for weight in encoder.parameters() if weight.requires_grad]


def build(config):  # noqa: ARG001
    return Follower()
