"""Options, documented once: the string below each field is its help text on the command line."""

from topores.config.clock import ClockConfig
from topores.config.common import DEVICES, PAIR_FILES
from topores.config.topology import METRICS, TopologyConfig
from topores.config.train import FAILURES, KEPT, LOSSES, PAIRING_WEIGHTS, PRECISIONS, TRACKERS, TrainConfig

__all__ = [
    "DEVICES", "FAILURES", "KEPT", "LOSSES", "METRICS", "PAIRING_WEIGHTS", "PAIR_FILES", "PRECISIONS", "TRACKERS",
    "ClockConfig", "TopologyConfig", "TrainConfig",
]  # fmt: skip
