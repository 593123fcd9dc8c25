"""The options a run is trained with: defaults filled in, and options given to --resume checked against the run's."""

import dataclasses
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from accelerate import Accelerator

from topores import variants
from topores.backbones.encoder import Encoder
from topores.compute.devices import choose_precision
from topores.config import TrainConfig
from topores.config.by_variant import PACKAGES
from topores.errors import RunError, UsageError
from topores.options import with_underscores
from topores.runs import Run
from topores.training.provenance import weights_sha256

MAY_CHANGE = ("output", "cycles", "fail_on", "track", "null", "seeds", "stop_at_turn")
"""Options that do not affect training, so a resumed run may change them. --keep is not among them: the checkpoint of
the best cycle so far would be missing."""

MODELS = ("model", "reader")
"""Options that name a model."""


def agreed_options(run: Run, given: dict[str, Any]) -> TrainConfig:
    """The run's options, with more cycles if more are asked for.

    Raises:
        RunError: An option that was given differs from the run's.
        UsageError: An option that was given is none of this encoder's and objective's.
    """
    stored = run.options.to_mapping()
    # What 'auto' meant was decided when the run began.
    given = {name: value for name, value in with_underscores(given).items() if (name, value) != ("precision", "auto")}
    for kind in PACKAGES:
        _refuse_other(run, kind, str(given.get(kind) or stored[kind]).replace("-", "_"), stored[kind])
    # Read through the same types, so that './a.txt' and 'a.txt', 20 and '20' are equal.
    asked = TrainConfig.from_mapping({**stored, **given}).to_mapping()
    for name in given:
        if name not in MAY_CHANGE and not _names_same_folder(run, name, asked[name]):
            _refuse_other(run, name, asked[name], stored[name])
    if asked["cycles"] < stored["cycles"]:
        raise RunError(
            f"--cycles is {asked['cycles']}, but '{run.folder}' goes to {stored['cycles']}; give more, or leave "
            "the option out."
        )
    if asked["stop_at_turn"] and not stored["stop_at_turn"]:
        raise RunError(
            f"--stop-at-turn needs numbers that are logged from cycle 0 on, and '{run.folder}' was started without it; "
            "leave the option out, or choose another --output."
        )
    return TrainConfig.from_mapping({**stored, **{name: asked[name] for name in MAY_CHANGE if name != "output"}})


def _refuse_other(run: Run, name: str, asked: Any, stored: Any) -> None:
    if asked != stored:
        raise RunError(
            f"--{name.replace('_', '-')} is {asked}, but '{run.folder}' was started with {stored}; "
            "leave the option out, or choose another --output."
        )


def model_folders(config: TrainConfig, run: Run) -> dict[str, str]:
    """Where the models of a run are, as seen from its folder, so that it can be resumed from anywhere.

    Paths as they were typed hold only in the folder where they were typed. Hub ids are not among them.
    """
    given = {name: getattr(config, name) for name in MODELS}
    found = {name: Path(value).expanduser() for name, value in given.items() if value is not None}
    return {name: _seen_from(run.folder, path) for name, path in found.items() if path.is_dir()}


def with_found_models(config: TrainConfig, run: Run) -> TrainConfig:
    """`config` with the folders of its models as they are found from here."""
    folders = {name: folder for name in MODELS if (folder := _folder_of(run, name)) is not None}
    changes: dict[str, Any] = {name: str(folder) for name, folder in folders.items() if folder.is_dir()}
    return dataclasses.replace(config, **changes)


def refuse_other_weights(run: Run, encoder: Encoder) -> None:
    """
    Raises:
        RunError: The base model's weights are not those that the run was started with.
    """
    expected = run.facts.get("sha256", {}).get("base_weights")
    seen = weights_sha256(encoder)
    if expected is not None and seen != expected:
        raise RunError(
            f"'{run.options.model}' has weights of sha256 {seen[:12]}, but '{run.folder}' was started with "
            f"{expected[:12]}; put the model of that time back, or train again with --force."
        )


def _folder_of(run: Run, name: str) -> Path | None:
    """The folder of one of a run's models; None if it is a hub id, or the run is older than this record."""
    kept = run.facts.get("folders", {}).get(name)
    return None if kept is None else (run.folder.resolve() / kept).resolve()


def _names_same_folder(run: Run, name: str, asked: Any) -> bool:
    folder = _folder_of(run, name) if name in MODELS and asked is not None else None
    return folder is not None and Path(asked).expanduser().resolve() == folder


def _seen_from(folder: Path, path: Path) -> str:
    try:
        return os.path.relpath(path.resolve(), folder.resolve())
    except ValueError:  # another drive
        return str(path.resolve())


def resolve_defaults(config: TrainConfig, device: str) -> TrainConfig:
    """The options with 'auto', and what the encoder decides if it is not given, filled in for this device."""
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


def refuse_unfit(config: TrainConfig, encoder: Encoder) -> None:
    """
    Raises:
        UsageError: The objective asks of the encoder what it does not have.
    """
    reason = variants.load("topores.objectives", config.objective).build(config).why_not(encoder)
    if reason is not None:
        raise UsageError(f"--objective {config.objective} cannot train --encoder {config.encoder}: {reason}.")


def _variant(config: TrainConfig) -> ModuleType:
    return variants.load("topores.encoders", config.encoder)
