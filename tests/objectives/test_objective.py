"""What an objective that adds nothing of its own gets from the base class."""

import torch
from torch import nn

from topores.objectives._objective import Objective


class Scaled(Objective):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))


def test_its_parameters_train_at_the_pace_of_the_encoder() -> None:
    objective = Scaled()
    assert objective.parameter_groups(0.1) == [{"params": [objective.scale], "lr": 0.1}]
    assert objective.metrics == ()
