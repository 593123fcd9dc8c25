"""Options, documented once: the string below each field is its help text on the command line."""

import ast
import dataclasses
import inspect
import itertools
import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from topores.errors import UsageError, did_you_mean

LOSSES = ("decoupled", "infonce")
DEVICES = ("auto", "cpu", "cuda", "mps")
METRICS = ("angle", "euclidean")
PAIR_FILES = (".jsonl", ".csv", ".parquet")


Config = TypeVar("Config", bound="Options")


@dataclass(frozen=True)
class Options:
    """What the two kinds of options share: reading from a mapping, writing to one."""

    @classmethod
    def from_mapping(cls: type[Config], values: Mapping[str, Any]) -> Config:
        """Options from a YAML file or keyword arguments; dashes and underscores are the same.

        Raises:
            UsageError: An unknown name, or values that cannot be; all faults in one message.
        """
        known = [f.name for f in dataclasses.fields(cls)]
        values = {str(name).replace("-", "_"): value for name, value in values.items()}
        unknown = [name for name in values if name not in known]
        if unknown:
            raise UsageError(f"No option is called '{unknown[0]}'. {did_you_mean(unknown[0], known)}")
        return cls(**{f.name: _read(f, values[f.name]) for f in dataclasses.fields(cls) if f.name in values})

    def to_mapping(self) -> dict[str, Any]:
        """The options as plain values, for YAML and JSON; `from_mapping` reads them back."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: _plain(value) for name, value in plain.items()}

    def _refuse(self, faults: list[str]) -> None:
        """All faults in one line, or nothing."""
        if faults:
            raise UsageError(" ".join(faults))


@dataclass(frozen=True)
class TrainConfig(Options):
    """Options of `topores train`."""

    article: Path | None = None
    """T1, the article: a .txt or .md file."""

    meta_analysis: Path | None = None
    """T2, the meta-analysis of its topic: a .txt or .md file."""

    pairs: Path | None = None
    """Instead of two texts: a .jsonl, .csv or .parquet file with columns article and meta_analysis, and id, topic and
    split if you like."""

    output: Path | None = None
    """Run folder to write; runs/<name of the article's folder or file> if not given."""

    model: str = "all-MiniLM-L6-v2"
    """Base encoder: a sentence-transformers folder, a hub id, or all-MiniLM-L6-v2, which the extra 'offline' brings
    along."""

    encoder: str = "full"
    """What of the base encoder is trained."""

    objective: str = "four_pairings"
    """What turns views into a loss."""

    loss: str = "infonce"
    """infonce keeps the positive in the denominator; decoupled leaves it out (docs/default_loss.md compares them)."""

    cycles: int = 20
    """Times that every aligned pair is met in each of the four pairings; 1e9 is accepted."""

    batch_size: int = 32
    """Passages of T1 in a batch; their partners of T2 come with them."""

    learning_rate: float = 4e-5
    """Step size of AdamW, constant over the run."""

    weight_decay: float = 0.01
    """Decoupled weight decay of AdamW."""

    temperature: float = 0.05
    """Divides the cosine. Smaller is sharper; 0.02 to 0.1 is usual."""

    identity_weight: float = 0.25
    """Weight of the pairings T1->T1 and T2->T2."""

    cross_weight: float = 0.75
    """Weight of the pairings T1->T2 and T2->T1."""

    passage_tokens: int = 96
    """Longest passage, in the encoder's own tokens, special tokens included."""

    held_out: float = 0.2
    """Share of the passages (of the topics, for a pair file) kept for testing; 0 trains on all."""

    embargo: int = 1
    """Passages left out on both sides of a held-out block, and never negatives of each other."""

    checkpoints: str = "log"
    """Cycles to keep: log (0, 1, 2, 5, 10, 20, 50, ...), every:K, a list such as 0,10,100, or none (the last alone)."""

    repair: bool = False
    """Mend text that was decoded wrongly (UTF-8 read as a one-byte code page) instead of refusing it."""

    seed: int = 0
    """Decides the split, the batches and the dropout; the same seed gives the same run."""

    device: str = "auto"
    """Where to compute; auto takes the accelerator if there is one."""

    def __post_init__(self) -> None:
        self._refuse(
            [
                *_source_faults(self),
                *_at_least(self, 1, "cycles", "batch_size"),
                *_at_least(self, 0, "embargo", "seed", "weight_decay", "identity_weight", "cross_weight"),
                *_at_least(self, 8, "passage_tokens"),
                *_positive(self, "learning_rate", "temperature"),
                *_within(self, "held_out", 0.0, 0.5),
                *_one_of(self, "loss", LOSSES),
                *_one_of(self, "device", DEVICES),
                *_checkpoint_faults(self.checkpoints),
            ]
        )
        if self.identity_weight + self.cross_weight == 0:
            raise UsageError("--identity-weight and --cross-weight are both 0, so nothing is learned; raise one.")


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

    max_points: int = 2000
    """Larger clouds are sampled uniformly down to this many passages, and the report says so."""

    passage_tokens: int = 96
    """Longest passage of --texts, in the encoder's own tokens."""

    repair: bool = False
    """Mend text that was decoded wrongly instead of refusing it."""

    seed: int = 0
    """Decides which passages a large cloud keeps, and the permutations of the verdict's test."""

    device: str = "auto"
    """Where to encode; auto takes the accelerator if there is one."""

    def __post_init__(self) -> None:
        none_given = [] if self.checkpoint else ["--checkpoint is missing; give a run folder such as runs/demo."]
        too_many = [] if len(self.texts) <= 2 else [f"--texts was given {len(self.texts)} times; give one or two."]
        self._refuse(
            [
                *none_given,
                *too_many,
                *_within(self, "max_degree", 0, 3),
                *_one_of(self, "metric", METRICS),
                *_at_least(self, 3, "max_points"),
                *_at_least(self, 8, "passage_tokens"),
                *_at_least(self, 0, "seed"),
                *_one_of(self, "device", DEVICES),
                *_layer_faults(self.layers),
            ]
        )


@cache
def field_docs(config: type) -> dict[str, str]:
    """The string below each field of a dataclass, by field name."""
    body = ast.parse(textwrap.dedent(inspect.getsource(config))).body[0].body  # type: ignore[attr-defined]
    return {
        field.target.id: " ".join(str(doc.value.value).split())
        for field, doc in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(doc, ast.Expr)
        and isinstance(doc.value, ast.Constant)
    }


def whole_number(value: Any) -> int:
    """An integer from 20, '20', '1e9' or 1e9.

    Raises:
        ValueError: Anything that is not a whole number.
    """
    number = float(value)
    if isinstance(value, bool) or not math.isfinite(number) or number != int(number):
        raise ValueError(f"{value} is not a whole number")
    return int(value) if isinstance(value, int) else int(number)


def _read(field: dataclasses.Field, value: Any) -> Any:
    """One value of YAML or the command line, in the type of its field."""
    kind = str(field.type)
    try:
        if value is None or "tuple" in kind:
            items = [] if value is None else [value] if isinstance(value, str | Path) else value
            return tuple(Path(i) if "Path" in kind else str(i) for i in items) if "tuple" in kind else None
        if "Path" in kind:
            return Path(value)
        if "int" in kind:
            return whole_number(value)
        if "float" in kind:
            return float(value)
        if "bool" in kind and not isinstance(value, bool):
            raise ValueError(f"{value} is neither true nor false")
        return value if "bool" in kind else str(value)
    except (TypeError, ValueError) as fault:
        option = f"--{field.name.replace('_', '-')}"
        expected = "a whole number" if "int" in kind else "a number" if "float" in kind else "another kind of value"
        raise UsageError(f"{option} is {value!r}; give {expected}.") from fault


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def _source_faults(config: TrainConfig) -> list[str]:
    texts = [config.article, config.meta_analysis]
    if config.pairs is not None:
        return ["--pairs was given beside two texts; give one or the other."] if any(texts) else []
    if texts[0] and not texts[1]:
        if Path(texts[0]).suffix.lower() in PAIR_FILES:
            return [f"'{texts[0]}' is a pair file; give it as --pairs {texts[0]}."]
        return [f"Only one text was given ('{texts[0]}'); give the meta-analysis too."]
    return [] if all(texts) else ["No texts were given; give ARTICLE and META_ANALYSIS, or --pairs FILE."]


def _at_least(config: Options, least: int, *fields: str) -> list[str]:
    bad = [(f, getattr(config, f)) for f in fields if not getattr(config, f) >= least]
    return [f"{_option(f)} is {value}; give {least} or more." for f, value in bad]


def _positive(config: Options, *fields: str) -> list[str]:
    bad = [(f, getattr(config, f)) for f in fields if not 0 < getattr(config, f) < math.inf]
    return [f"{_option(f)} is {value}; give a number above 0." for f, value in bad]


def _within(config: Options, field: str, low: int | float, high: int | float) -> list[str]:
    value = getattr(config, field)
    return [] if low <= value <= high else [f"{_option(field)} is {value}; give a number from {low} to {high}."]


def _one_of(config: Options, field: str, known: tuple[str, ...]) -> list[str]:
    value = getattr(config, field)
    return [] if value in known else [f"{_option(field)} is '{value}'. {did_you_mean(value, known)}"]


def _option(field: str) -> str:
    return f"--{field.replace('_', '-')}"


def _checkpoint_faults(spec: str) -> list[str]:
    if spec in ("log", "none"):
        return []
    numbers = [spec.removeprefix("every:")] if spec.startswith("every:") else spec.split(",")
    least = 1 if spec.startswith("every:") else 0
    if all(_is_whole(n) and whole_number(n) >= least for n in numbers):
        return []
    return [f"--checkpoints is '{spec}'; give log, every:K, a list such as 0,10,100, or none."]


def _layer_faults(spec: str) -> list[str]:
    if spec in ("all", "last") or all(_is_whole(n) and whole_number(n) >= 0 for n in spec.split(",")):
        return []
    return [f"--layers is '{spec}'; give all, last, or a list such as 0,3,6."]


def _is_whole(text: str) -> bool:
    try:
        whole_number(text)
    except ValueError:
        return False
    return True
