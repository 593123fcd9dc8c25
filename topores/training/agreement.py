"""Options that a run is trained with: what was not given resolved, what is given again held against the run's."""

import dataclasses
from pathlib import Path
from types import ModuleType
from typing import Any

from accelerate import Accelerator

from topores import variants
from topores.backbones.encoder import Encoder
from topores.compute.devices import choose_precision
from topores.config import TrainConfig
from topores.errors import RunError
from topores.runs import Run

MAY_CHANGE = ("output", "cycles", "fail_on", "track", "null", "seeds", "stop_at_turn")
"""Options that decide nothing of what a cycle does. --keep is none: the best cycle's checkpoint would not be there."""


def agreed_options(run: Run, given: dict[str, Any]) -> TrainConfig:
    """The run's options, with more cycles if more are asked for."""
    stored = run.options.to_mapping()
    # What 'auto' meant was decided when the run began.
    given = {name: value for name, value in given.items() if (name, value) != ("precision", "auto")}
    # Read through the same types, so that './a.txt' and 'a.txt', 20 and '20' are equal.
    asked = TrainConfig.from_mapping({**stored, **given}).to_mapping()
    differ = [name for name in given if asked[name] != stored[name] and name not in MAY_CHANGE]
    if differ:
        name = differ[0]
        raise RunError(
            f"--{name.replace('_', '-')} is {asked[name]}, but '{run.folder}' was started with {stored[name]}; "
            "leave the option out, or choose another --output."
        )
    if asked["cycles"] < stored["cycles"]:
        raise RunError(
            f"--cycles is {asked['cycles']}, but '{run.folder}' goes to {stored['cycles']}; give more, or none."
        )
    if asked["stop_at_turn"] and not stored["stop_at_turn"]:
        raise RunError(
            f"--stop-at-turn goes by what is logged from cycle 0 on, and '{run.folder}' was started without it; leave "
            "the option out, or choose another --output."
        )
    return TrainConfig.from_mapping({**stored, **{name: asked[name] for name in MAY_CHANGE if name != "output"}})


def resolved(config: TrainConfig, device: str) -> TrainConfig:
    """What 'auto' and options that were not given mean, for this encoder on this device."""
    variant = _variant(config)
    return dataclasses.replace(
        config,
        precision=choose_precision(config.precision, device),
        learning_rate=variant.LEARNING_RATE if config.learning_rate is None else config.learning_rate,
        batch_size=variant.BATCH_SIZE if config.batch_size is None else config.batch_size,
    )


def default_output(config: TrainConfig) -> Path:
    """runs/<name>: the folder of two texts called article.* and meta_analysis.*, else the file's own name."""
    source = config.pairs or config.article
    assert source is not None  # TrainConfig refuses to be without
    generic = source.stem.lower() in ("article", "pairs", "train", "data") and source.resolve().parent.name
    return Path("runs") / (source.resolve().parent.name if generic else source.stem)


def build_encoder(config: TrainConfig, accelerator: Accelerator) -> Encoder:
    encoder: Encoder = _variant(config).build(config, str(accelerator.device))
    return encoder


def _variant(config: TrainConfig) -> ModuleType:
    return variants.load("topores.encoders", config.encoder.replace("-", "_"))
