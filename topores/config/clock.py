"""What `topores clock` can be told."""

from dataclasses import dataclass
from pathlib import Path

from topores.options import Options, at_least, one_of, within

CLOCK_LOSSES = ("infonce", "decoupled")
SHARPEST, BLUNTEST = 0.01, 1.0
"""Temperatures between which the exponentials of all cosines are numbers of float64."""


@dataclass(frozen=True)
class ClockConfig(Options):
    """Options of `topores clock`."""

    temperatures: str = "0.2,0.15,0.12,0.1,0.09,0.08"
    """Temperatures of the loss, parted by commas; each is a run of its own."""

    loss: str = "infonce"
    """What a positive competes with: infonce, itself and all negatives; decoupled, the negatives alone."""

    share: float = 0.9
    """Share of the simplex margin that the worst row has to reach."""

    cycles: int = 10_000_000
    """Most cycles of a run; what it does not reach by then is extrapolated. 1e9 is accepted."""

    to_the_end: bool = False
    """Go on to --cycles after the share is reached."""

    pairs: int = 8
    """How many pairs of unit vectors there are."""

    dim: int = 8
    """Dimensions that they live in."""

    starts: int = 1
    """Random starts of each temperature: --seed and the seeds after it."""

    seed: int = 0
    """Decides the start."""

    output: Path = Path("runs/clock")
    """Folder of the runs."""

    def __post_init__(self) -> None:
        self._refuse(
            [
                *_temperature_faults(self.temperatures),
                *one_of(self, "loss", CLOCK_LOSSES),
                *within(self, "share", 0.01, 0.999),
                *at_least(self, 1, "cycles", "starts"),
                *within(self, "pairs", 2, 512),
                *within(self, "dim", 1, 4096),
                *at_least(self, 0, "seed"),
                *self._room_faults(),
            ]
        )

    @property
    def each_temperature(self) -> tuple[float, ...]:
        """The temperatures, as they were given; one that was given twice is there once."""
        return tuple(dict.fromkeys(float(part) for part in self.temperatures.split(",")))

    @property
    def margin(self) -> float:
        """Cosine of partners over that of the nearest negative that is to be reached.

        It can be 1 + 1 / (pairs - 1) at most: the pairs are then the corners of a regular simplex.
        """
        return self.share * (1 + 1 / (self.pairs - 1))

    def _room_faults(self) -> list[str]:
        if self.dim >= self.pairs - 1:
            return []
        return [
            f"--dim is {self.dim}, but {self.pairs} pairs can only be equally far apart in {self.pairs - 1} "
            f"dimensions or more; give --dim {self.pairs - 1}."
        ]


def _temperature_faults(spec: str) -> list[str]:
    try:
        found = [float(part) for part in spec.split(",")]
    except ValueError:
        return [f"--temperatures is '{spec}'; give numbers parted by commas, such as 0.2,0.1."]
    wrong = [value for value in found if not SHARPEST <= value <= BLUNTEST]
    return [f"--temperatures has {wrong[0]:g}; give numbers from {SHARPEST} to {BLUNTEST:g}."] if wrong else []
