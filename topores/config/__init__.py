"""Options, documented once: the string below each field is its help text on the command line."""

from topores.config.clock import ClockConfig
from topores.config.common import DEVICES, LANGUAGES, PAIR_FILES, Language
from topores.config.objectives.four_pairings import LOSSES, PAIRING_WEIGHTS
from topores.config.topology import METRICS, TopologyConfig
from topores.config.train import FAILURES, KEPT, PRECISIONS, TRACKERS, TrainConfig, default_values, every_option

__all__ = [
    "DEVICES", "FAILURES", "KEPT", "LANGUAGES", "LOSSES", "METRICS", "PAIRING_WEIGHTS", "PAIR_FILES", "PRECISIONS",
    "TRACKERS", "ClockConfig", "Language", "TopologyConfig", "TrainConfig", "default_values", "every_option",
]  # fmt: skip
