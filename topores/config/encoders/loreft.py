"""Options of the encoder loreft."""

from dataclasses import dataclass
from typing import Any

from topores.config.encoders._shared import CachedViews, Layers, Rank
from topores.options import is_whole, whole_number


@dataclass(frozen=True)
class Config(CachedViews, Layers, Rank):
    """Options of `--encoder loreft`."""

    layers: str = "last"

    positions: str = "all"
    """Tokens of a passage whose hidden states are changed: all, first:K, last:K, or first:K,last:K."""

    def faults(self) -> list[str]:
        return [*super().faults(), *_position_faults(self.positions)]

    def faults_beside(self, common: Any) -> list[str]:
        if _position_faults(self.positions) or all(count <= common.passage_tokens for count in _counts(self.positions)):
            return []
        return [
            f"--positions is '{self.positions}', but no passage has more than {common.passage_tokens} tokens; give "
            "fewer, or all."
        ]


def _position_faults(spec: str) -> list[str]:
    parts = [part.partition(":") for part in spec.split(",")]
    ends = [end for end, _, count in parts if end in ("first", "last") and is_whole(count) and whole_number(count) >= 1]
    if spec == "all" or len(ends) == len(parts) == len(set(ends)):
        return []
    return [f"--positions is '{spec}'; give all, first:K, last:K, or first:K,last:K."]


def _counts(spec: str) -> list[int]:
    """
    >>> _counts("first:2,last:3"), _counts("all")
    ([2, 3], [])
    """
    return [whole_number(part.partition(":")[2]) for part in spec.split(",") if ":" in part]
