"""Options of `topores clock`."""

from dataclasses import dataclass
from pathlib import Path

from topores.options import Options, at_least, choice, in_range

CLOCK_LOSSES = ("infonce", "decoupled")
SHARPEST, BLUNTEST = 0.01, 1.0
"""Range of temperatures in which the exponentials of all cosines fit in float64."""


@dataclass(frozen=True)
class ClockConfig(Options):
    """Options of `topores clock`."""

    temperatures: str = "0.2,0.15,0.12,0.1,0.09,0.08"
    """Temperatures of the loss, separated by commas; each is a separate run."""

    loss: str = choice("infonce", CLOCK_LOSSES)
    """Denominator of the loss: infonce = the positive and all negatives; decoupled = the negatives only."""

    share: float = 0.9
    """Target: the margin of the worst row, as a share of the simplex margin, the largest one possible."""

    cycles: int = 10_000_000
    """Maximum cycles of a run; a target not reached by then is extrapolated. 1e9 is accepted."""

    to_the_end: bool = False
    """Continue to --cycles after the target is reached."""

    pairs: int = 8
    """Number of pairs of unit vectors."""

    dim: int = 8
    """Dimension of the vectors."""

    starts: int = 1
    """Random starts per temperature, with seeds --seed, --seed + 1, ..."""

    seed: int = 0
    """Seed of the first random start."""

    output: Path = Path("runs/clock")
    """Folder to write the runs to."""

    def faults(self) -> list[str]:
        return [
            *_temperature_faults(self.temperatures),
            *super().faults(),
            *in_range(self, "share", 0.01, 0.999),
            *at_least(self, 1, "cycles", "starts"),
            *in_range(self, "pairs", 2, 512),
            *in_range(self, "dim", 1, 4096),
            *at_least(self, 0, "seed"),
            *self._room_faults(),
        ]

    @property
    def each_temperature(self) -> tuple[float, ...]:
        """The temperatures in the order given, without duplicates."""
        return tuple(dict.fromkeys(float(part) for part in self.temperatures.split(",")))

    @property
    def margin(self) -> float:
        """Target margin: cosine to the partner minus cosine to the nearest negative.

        The largest possible margin is 1 + 1 / (pairs - 1), with the pairs at the corners of a regular simplex.
        """
        return self.share * (1 + 1 / (self.pairs - 1))

    def _room_faults(self) -> list[str]:
        if self.dim >= self.pairs - 1:
            return []
        return [
            f"--dim is {self.dim}, but {self.pairs} pairs can be equally far apart only in {self.pairs - 1} "
            f"dimensions or more; give --dim {self.pairs - 1}."
        ]


def _temperature_faults(spec: str) -> list[str]:
    try:
        found = [float(part) for part in spec.split(",")]
    except ValueError:
        return [f"--temperatures is '{spec}'; give numbers separated by commas, such as 0.2,0.1."]
    wrong = [value for value in found if not SHARPEST <= value <= BLUNTEST]
    return [f"--temperatures has {wrong[0]:g}; give numbers from {SHARPEST} to {BLUNTEST:g}."] if wrong else []
