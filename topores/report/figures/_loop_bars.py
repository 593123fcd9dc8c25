"""Loops of one state for figures: bars in order of birth, and which of them exceed noise."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from topores.domain import Analysis, State
from topores.report.names import shown_cloud
from topores.report.run.space_data import reach_of_noise
from topores.sign_flips import ALPHA


class Loops(NamedTuple):
    state: State
    bars: Float[np.ndarray, "bars 2"]
    """(birth, death), the first born first."""
    reach: float | None
    """Largest ratio death / birth of noise loops; None if there are too few bars to tell."""
    significant: Float[np.ndarray, "loops 2"]
    """(birth, death) of the loops that are significant by the verdict, where any were tested."""

    @property
    def beyond(self) -> Bool[np.ndarray, " bars"]:
        """Bars that are longer than noise at their birth; a bar that never dies is not tested.

        With too few bars to tell how long noise is, those that the verdict counts.
        """
        births, deaths = self.bars.T
        if self.reach is None:
            return (self.bars[:, None] == self.significant).all(axis=2).any(axis=1)
        return np.isfinite(deaths) & (births > 0) & (deaths > births * self.reach)

    @property
    def counts(self) -> str:
        """Number of loops, and of those beyond noise."""
        loops, beyond = len(self.bars), int(self.beyond.sum())
        if not loops:
            return "no loops"
        return f"{loops:,} loop{'' if loops == 1 else 's'}, {f'{beyond:,}' if beyond else 'none'} beyond noise"

    @property
    def endless(self) -> bool:
        """Whether any loop never dies."""
        return bool(np.isinf(self.bars[:, 1]).any())


def loops_of(analysis: Analysis, state: State) -> Loops:
    """At the encoder's output, over both texts."""
    place = (state.cycle, analysis.layers[-1], shown_cloud(analysis))
    bars = analysis.diagram(place, 1)
    judged = analysis.loops_at(*place)
    significant = np.array([(loop.birth, loop.death) for loop in judged if loop.p < ALPHA]).reshape(-1, 2)
    return Loops(state, bars[np.lexsort(bars.T[::-1])], reach_of_noise(analysis, place), significant)


def loops_at_ends(analysis: Analysis) -> list[Loops]:
    """Loops of the first and the last state, or of the only one; empty if there is no loop."""
    found = [loops_of(analysis, state) for state in dict.fromkeys([analysis.states[0], analysis.states[-1]])]
    return found if any(len(one.bars) for one in found) else []


def span_of(found: list[Loops]) -> tuple[float, float]:
    """First birth and last death, with a margin."""
    bars = np.concatenate([one.bars for one in found])
    ends = bars[np.isfinite(bars)]
    room = 0.03 * float(np.ptp(ends)) or 0.05
    return float(ends.min()) - room, float(ends.max()) + room
