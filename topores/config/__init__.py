"""Options, documented once: the string below each field is its help text on the command line."""

from topores.config.clock import ClockConfig
from topores.config.common import DEVICES, LANGUAGES, PAIR_FILES, Language
from topores.config.topology import METRICS, TopologyConfig
from topores.config.train import FAILURES, KEPT, LOSSES, PAIRING_WEIGHTS, PRECISIONS, TRACKERS, TrainConfig

__all__ = [
    "DEVICES", "FAILURES", "KEPT", "LANGUAGES", "LOSSES", "METRICS", "PAIRING_WEIGHTS", "PAIR_FILES", "PRECISIONS",
    "TRACKERS", "ClockConfig", "Language", "TopologyConfig", "TrainConfig",
]  # fmt: skip
