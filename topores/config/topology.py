"""What `topores topology` can be told."""

from dataclasses import dataclass
from pathlib import Path

from topores.config.common import DEVICES
from topores.options import Options, at_least, is_whole, one_of, whole_number, within

METRICS = ("angle", "euclidean")


@dataclass(frozen=True)
class TopologyConfig(Options):
    """Options of `topores topology`."""

    checkpoint: tuple[str, ...] = ()
    """A run folder, one checkpoint, a sentence-transformers folder or hub id, or .npy embeddings; repeat it for
    several states."""

    texts: tuple[Path, ...] = ()
    """Texts to encode where the checkpoint brings none: one or two .txt or .md files, or one pair file."""

    output: Path | None = None
    """Report to write; reports/<name>.html if not given."""

    layers: str = "all"
    """all, last, or a list such as 0,3,6; 0 is the embedding layer."""

    max_degree: int = 1
    """Highest degree of homology: 0 clusters, 1 loops, 2 voids. Time grows steeply with it."""

    metric: str = "angle"
    """Distance between unit rows: angle in radians, or euclidean (the chord)."""

    max_points: int = 5000
    """Largest cloud whose loops are computed exactly; of larger ones the clusters are exact, the rest is averaged over
    subsamples, with standard errors."""

    subsamples: int = 20
    """How many uniform subsamples stand for a cloud of more than --max-points."""

    subsample_size: int = 500
    """Passages of each subsample; --max-points if that is fewer."""

    resamples: int = 0
    """Bootstrap resamples of each cloud, whose spread of total persistence is reported."""

    cache: str = "auto"
    """Folder where results are kept for the next time; auto is the system's own place, none keeps nothing."""

    scheduler: str | None = None
    """Dask scheduler to send the work to, such as tcp://host:8786; this machine's cores if not given."""

    passage_tokens: int = 96
    """Longest passage of --texts, in the encoder's own tokens."""

    repair: bool = False
    """Mend text that was decoded wrongly instead of refusing it."""

    seed: int = 0
    """Decides the subsamples, the resamples and the permutations of the verdict's test."""

    device: str = "auto"
    """Where to encode; auto takes the accelerator if there is one."""

    def __post_init__(self) -> None:
        none_given = [] if self.checkpoint else ["--checkpoint is missing; give a run folder such as runs/demo."]
        too_many = [] if len(self.texts) <= 2 else [f"--texts was given {len(self.texts)} times; give one or two."]
        self._refuse(
            [
                *none_given,
                *too_many,
                *within(self, "max_degree", 0, 3),
                *one_of(self, "metric", METRICS),
                *at_least(self, 3, "max_points", "subsample_size"),
                *at_least(self, 2, "subsamples"),
                *at_least(self, 8, "passage_tokens"),
                *at_least(self, 0, "seed", "resamples"),
                *one_of(self, "device", DEVICES),
                *_layer_faults(self.layers),
            ]
        )


def _layer_faults(spec: str) -> list[str]:
    if spec in ("all", "last") or all(is_whole(n) and whole_number(n) >= 0 for n in spec.split(",")):
        return []
    return [f"--layers is '{spec}'; give all, last, or a list such as 0,3,6."]
