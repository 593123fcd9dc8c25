"""`topores export`: a checkpoint as a sentence-transformers model, checked text by text."""

import logging
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from sentence_transformers.sentence_transformer.modules import Dense

from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_base, open_model
from topores.backbones.own_modules import say_what_is_needed
from topores.compute.files import write_whole
from topores.domain import SIDES, Side
from topores.errors import InputError, RunError
from topores.forward.settings import prompt_of
from topores.modules.heads import Replaceable, by_side, plain_routers
from topores.runs import is_run, load_run

log = logging.getLogger(__name__)

PROBES = ("A loop.", "The trial found fewer deaths in the treated group, but the interval was wide.")
"""Texts to compare both models on, where the checkpoint brings none."""

FAR = 1e-4
"""Largest difference of a coordinate, as a share of the rows' length, at which two models count as the same."""

_ARGUMENTS = {"task": "by_side", "prompt_name": "by_prompt"}
"""What `encode()` is told of a text's side, and the field of `Exported` that says so."""

NEARLY_SINGULAR = 1e6
"""Condition number above which a map is reported as nearly singular."""


@dataclass(frozen=True)
class Exported:
    """The exported model, and how close it is to its checkpoint."""

    folder: Path
    checkpoint: Path
    texts: int
    """How many texts both models embedded."""
    difference: float
    """Largest difference in any coordinate of any text, as `encode()` gives it, as a share of the rows' length."""
    by_side: bool
    """Whether texts of T1 must be embedded with `encode(texts, task="t1")`."""
    needs_topores: bool
    """Whether some of its modules are part of topores, so that loading it takes `trust_remote_code=True`."""
    prompts: dict[Side, str] = field(default_factory=dict)
    """The prompt before texts of each side, where there is one."""
    weights: str = "float32"
    """Type of the stored weights: that of the checkpoint, which is float32 whatever the base model stores."""
    by_prompt: bool = False
    """Whether the texts have prompts of their own, so that `encode()` needs `prompt_name="t1"` or "t2"."""


def run_export(source: Path, output: Path, cycle: int | None = None, *, force: bool = False) -> Exported:
    """Write a checkpoint as a model of stock modules, as far as these can do the same.

    LoRA and OFT are merged into the weights; LoReFT on the embedding and a linear head become one affine module; a
    rotation of one side becomes a router of two. A module that no stock module can stand for is kept as it is: such a
    model loads where topores is installed, any other one everywhere. Prompts, truncate_dim and the similarity function
    are kept. Weights are stored as in the checkpoint: in float32, whatever the base model stores.

    Args:
        source: A run, or one of its checkpoints.
        cycle: Which checkpoint of a run; the last one if not given.
        force: Replace the model that stands at `output`.

    Raises:
        InputError: There is no such model, or its copy embeds the texts differently.
        RunError: `output` exists and is no model or not to be replaced, or the run keeps no checkpoint of that cycle.
    """
    checkpoint = _checkpoint(source, cycle)
    if output.exists() and not (force and (output / "modules.json").is_file()):
        remedy = ", or --force to replace it" if (output / "modules.json").is_file() else ""
        raise RunError(f"'{output}' exists; give another --output{remedy}.")
    encoder = open_model(str(checkpoint), "cpu")
    _warn_of_singular(encoder)
    texts, sides = _texts(source)
    made: list[Exported] = []

    def write(aside: Path) -> None:
        _write(encoder, checkpoint, aside)
        # Before anything takes its place: what stands at `output` is only replaced by a model that does the same.
        made.append(_compare(aside, output, checkpoint, texts, sides))

    write_whole(output, write)
    return made[0]


def _compare(aside: Path, output: Path, checkpoint: Path, texts: list[str], sides: list[Side]) -> Exported:
    """
    Raises:
        InputError: The model in `aside` embeds the texts differently.
    """
    opened, original = open_base(str(aside), "cpu"), open_model(str(checkpoint), "cpu")
    written = Encoder(by_side(opened.model))
    difference = max(
        _difference(rows_by_encode(written, texts, sides), rows_by_encode(original, texts, sides)),
        _difference(written.encode(texts, sides), original.encode(texts, sides)),
    )
    if not difference <= FAR:
        raise InputError(
            f"The copy of '{checkpoint}' embeds texts differently, by {difference:.1g} of their length, so '{output}' "
            "is not written; report a bug with this output."
        )
    prompts = {side: prompt for side in SIDES if (prompt := prompt_of(written.model, side))}
    return Exported(
        output, checkpoint, len(texts), difference, written.by_side, bool(written.own_modules), prompts,
        by_prompt=any(side in written.model.prompts for side in SIDES), weights=opened.stored,
    )  # fmt: skip


def rows_by_encode(encoder: Encoder, texts: list[str], sides: list[Side]) -> Float[np.ndarray, "texts dim"]:
    """What the model's own `encode()` gives, with the prompt and the route of each text's side."""
    model = plain_routers(encoder.model)
    rows: dict[int, Float[np.ndarray, " dim"]] = {}
    for side in SIDES:
        places = [place for place, own in enumerate(sides) if own == side]
        # As a user calls it, with what `in_words` says.
        named: dict[str, Any] = {"task": side} if encoder.by_side else {}
        named |= {"prompt_name": side} if side in model.prompts else {}
        if places:
            encoded = model.encode([texts[place] for place in places], show_progress_bar=False, **named)
            rows |= dict(zip(places, encoded, strict=True))
    return np.stack([rows[place] for place in range(len(texts))])


def _difference(rows: Float[np.ndarray, "texts dim"], others: Float[np.ndarray, "texts dim"]) -> float:
    """Largest difference of a coordinate, as a share of the longest row; infinite for rows of another width."""
    if rows.shape != others.shape:
        return float("inf")
    return float(np.abs(rows - others).max() / np.linalg.norm(others, axis=1).max())


def summary(exported: Exported) -> dict[str, Any]:
    """The object that `--json` prints."""
    return {**asdict(exported), "folder": str(exported.folder), "checkpoint": str(exported.checkpoint)}


def in_words(exported: Exported) -> str:
    """The result as the terminal shows it."""
    named = [f'{name}="t1"' for name, given in _ARGUMENTS.items() if getattr(exported, given)]
    call = f'encode(texts, {", ".join(named)}), or "t2"' if named else "encode(texts)"
    trust, condition = "", ""
    if exported.needs_topores:
        trust = ", trust_remote_code=True"
        condition = "\nIt has modules that are part of topores: it loads where topores is installed, with that flag."
    return (
        f"Model: {exported.folder}\n"
        f"Largest difference from '{exported.checkpoint}' over {exported.texts} texts: {exported.difference:.1g}\n"
        f"{_said_of_prompts(exported)}Weights: {exported.weights}\n"
        f'Use: SentenceTransformer("{exported.folder}"{trust}).{call}{condition}'
    )


def _said_of_prompts(exported: Exported) -> str:
    told = [f"{side.upper()} {prompt!r}" for side, prompt in exported.prompts.items()]
    return f"Prompts: {', '.join(told)}; they are part of the model\n" if told else ""


def _checkpoint(source: Path, cycle: int | None) -> Path:
    if not is_run(source):
        return source
    kept = load_run(source).checkpoints
    if not kept:
        raise RunError(f"'{source}' keeps no checkpoint yet; let topores train run to its end first.")
    if cycle is not None and cycle not in kept:
        raise RunError(f"'{source}' keeps no checkpoint of cycle {cycle}; it has {', '.join(map(str, kept))}.")
    return kept[max(kept) if cycle is None else cycle]


def _texts(source: Path) -> tuple[list[str], list[Side]]:
    """The passages of the run that `source` is or belongs to, with their sides; without a run the probes, as both."""
    for folder in (source, source.resolve().parent.parent):
        if is_run(folder):
            corpus = load_run(folder).corpus
            passages = (*corpus.t1, *corpus.t2)
            return [p.text for p in passages], [p.side for p in passages]
    return [*PROBES, *PROBES], ["t1", "t1", "t2", "t2"]


def _warn_of_singular(encoder: Encoder) -> None:
    for module in encoder.model:
        if isinstance(module, Dense):
            number = float(torch.linalg.cond(module.linear.weight.detach().double()))
            if number > NEARLY_SINGULAR:
                log.warning(
                    "The map on the embedding has the condition number %.1g: it cannot be inverted, and loses some of "
                    "what it maps.", number,
                )  # fmt: skip


def _write(encoder: Encoder, checkpoint: Path, aside: Path) -> None:
    """The checkpoint's own files, or new ones where stock modules take the place of its own."""
    if any(isinstance(module, Replaceable) for module in encoder.model):
        encoder.save(aside)
        return
    # The adapter folder repeats what is merged into the weights.
    shutil.copytree(checkpoint, aside, ignore=shutil.ignore_patterns("adapter"))
    if encoder.own_modules:
        say_what_is_needed(aside, encoder.own_modules)
