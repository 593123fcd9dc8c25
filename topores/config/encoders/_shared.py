"""Options that several encoders have, each documented once."""

from dataclasses import dataclass

from topores.options import Options, at_least, choice, is_whole, whole_number


@dataclass(frozen=True)
class CachedViews(Options):
    """For encoders whose frozen layers are computed once per passage and view."""

    cached_views: int = 4
    """Dropout views of each passage that the frozen layers compute once; each step draws two of them."""

    def faults(self) -> list[str]:
        return [*super().faults(), *at_least(self, 2, "cached_views")]


@dataclass(frozen=True)
class Rank(Options):
    """For encoders that train a change of low rank."""

    rank: int = 8
    """Rank of the trained change: higher can learn more and has more weights."""

    def faults(self) -> list[str]:
        return [*super().faults(), *at_least(self, 1, "rank")]


@dataclass(frozen=True)
class Layers(Options):
    """For encoders that change some of the transformer's layers."""

    layers: str = "all"
    """Layers to change: all, last, last:K, or a list such as 2,4; the first layer is 1."""

    def faults(self) -> list[str]:
        return [*super().faults(), *_layer_faults(self.layers)]


def _layer_faults(spec: str) -> list[str]:
    if spec in ("all", "last"):
        return []
    numbers = [spec.removeprefix("last:")] if spec.startswith("last:") else spec.split(",")
    if all(is_whole(n) and whole_number(n) >= 1 for n in numbers):
        return []
    return [f"--layers is '{spec}'; give all, last, last:K, or a list such as 2,4."]


@dataclass(frozen=True)
class Recurrence(Options):
    """For encoders whose softmax attention is replaced by a recurrence."""

    decay: str = choice("learned", ("learned", "none"))
    """Whether what was read is forgotten with distance, by decays that are learned; none is plain linear attention, a
    null."""

    transfer: str = choice("attention", ("attention", "none"))
    """How the recurrence starts: fitted to the attention that it replaces, on the training passages; none leaves its
    maps random, a null."""

    transfer_steps: int = 200
    """Steps of that fit, of 4 passages each."""

    def faults(self) -> list[str]:
        return [*super().faults(), *at_least(self, 1, "transfer_steps")]
