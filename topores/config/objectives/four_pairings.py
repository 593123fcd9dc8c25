"""Options of the objective four_pairings."""

import math
from dataclasses import dataclass

from topores.errors import did_you_mean
from topores.options import Options, choice, positive

LOSSES = ("decoupled", "gte", "infonce", "supcon")

PAIRING_WEIGHTS = {"1to1": 0.25, "2to2": 0.25, "1to2": 0.75, "2to1": 0.75}
"""Weight of each pairing where --weights does not name it."""


@dataclass(frozen=True)
class Config(Options):
    """Options of `--objective four_pairings`."""

    loss: str = choice("infonce", LOSSES)
    """Denominator of the softmax: infonce = the positive and the anchor's negatives; decoupled = those negatives
    alone; gte = also the positive's own negatives; supcon = also the anchor's other positives (compared in
    docs/default_loss.md)."""

    temperature: float = 0.05
    """Temperature of the softmax, by which cosines are divided; smaller is sharper, 0.02 to 0.1 is usual."""

    learn_temperature: bool = False
    """Train the temperature as well, starting at --temperature."""

    temperature_bounds: str = "0.01,0.5"
    """Smallest and largest value of a learned temperature."""

    weights: str = "1to1=0.25,2to2=0.25,1to2=0.75,2to1=0.75"
    """Weight of each pairing in the loss; a pairing that is not named keeps its default."""

    def faults(self) -> list[str]:
        return [
            *super().faults(),
            *positive(self, "temperature"),
            *_bounds_faults(self),
            *_weights_faults(self.weights),
        ]

    @property
    def pairing_weights(self) -> dict[str, float]:
        """Weight of each pairing, by its name."""
        return {**PAIRING_WEIGHTS, **_named_numbers(self.weights)}

    @property
    def least_and_greatest_temperature(self) -> tuple[float, float]:
        low, high = (float(part) for part in self.temperature_bounds.split(","))
        return low, high


def _bounds_faults(config: Config) -> list[str]:
    spec = config.temperature_bounds
    try:
        low, high = (float(part) for part in spec.split(","))
        sound = 0 < low <= high < math.inf
    except ValueError:
        sound = False
    if not sound:
        return [f"--temperature-bounds is '{spec}'; give two numbers above 0, the smaller first, such as 0.01,0.5."]
    if config.learn_temperature and not low <= config.temperature <= high:
        return [f"--temperature is {config.temperature}, outside --temperature-bounds {spec}; widen them, or move it."]
    return []


def _weights_faults(spec: str) -> list[str]:
    try:
        weights = _named_numbers(spec)
    except ValueError:
        return [f"--weights is '{spec}'; give pairing=number, separated by commas, such as 1to1=0.25,1to2=0.75."]
    unknown = [name for name in weights if name not in PAIRING_WEIGHTS]
    if unknown:
        return [f"--weights names the pairing '{unknown[0]}'. {did_you_mean(unknown[0], PAIRING_WEIGHTS)}"]
    bad = [(name, weight) for name, weight in weights.items() if not 0 <= weight < math.inf]
    if bad:
        return [f"--weights gives {bad[0][0]} the weight {bad[0][1]:g}; give 0 or more."]
    if not any({**PAIRING_WEIGHTS, **weights}.values()):
        return ["--weights are all 0, so nothing is learned; raise one."]
    return []


def _named_numbers(spec: str) -> dict[str, float]:
    """{'1to1': 0.25} from '1to1=0.25'."""
    parts = [part.split("=") for part in spec.split(",") if part.strip()]
    return {name.strip(): float(number) for name, number in parts}
