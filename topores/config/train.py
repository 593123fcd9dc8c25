"""What `topores train` can be told."""

import math
from dataclasses import dataclass
from pathlib import Path

from topores.config.common import DEVICES, PAIR_FILES
from topores.errors import did_you_mean
from topores.options import (
    Options,
    at_least,
    is_whole,
    list_faults,
    listed,
    not_negative,
    one_of,
    positive,
    whole_number,
    within,
)  # fmt: skip

LOSSES = ("decoupled", "gte", "infonce", "supcon")
PRECISIONS = ("auto", "fp32", "bf16")
FAILURES = {"collapse": "collapsed", "freeze": "frozen", "memorise": "memorised"}
"""What a run can do wrong, and the word for one that did; --fail-on takes both."""
TRACKERS = ("tensorboard", "wandb", "mlflow", "trackio")
NULLS = ("shuffled", "frozen")
KEPT = ("best",)

PAIRING_WEIGHTS = {"1to1": 0.25, "2to2": 0.25, "1to2": 0.75, "2to1": 0.75}
"""Weight of each pairing where --weights does not name it."""


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

    rank: int = 8
    """Rank of what lora and loreft add; size of oft's blocks."""

    layers: str | None = None
    """Layers that lora, oft and loreft change: all, last, last:K, or a list such as 2,4, the first being 1. If not
    given, all for lora and oft, last for loreft."""

    positions: str = "all"
    """Tokens that loreft changes: all, first:K, last:K, or first:K,last:K."""

    cached_views: int = 4
    """Views of each passage that the frozen layers give, computed once; a step draws two of them."""

    objective: str = "four_pairings"
    """What turns views into a loss."""

    loss: str = "infonce"
    """What a positive competes with: infonce, itself and the negatives of who asks; decoupled, those negatives alone;
    gte, also the negatives of who answers; supcon, also the other positives (docs/default_loss.md compares them)."""

    cycles: int = 20
    """Times that every aligned pair is met in each of the four pairings; 1e9 is accepted."""

    batch_size: int | None = None
    """Passages of T1 in a batch; their partners of T2 come with them, and all are negatives of each other. If not
    given, 32, or 1024 for an encoder whose frozen layers are computed once."""

    micro_batch_size: int | None = None
    """Views that are in memory at once; a batch that has more is embedded twice, with equal gradients. All, if not
    given."""

    precision: str = "auto"
    """fp32; bf16 for the linear layers; or auto, which takes bf16 where the processor computes in it."""

    learning_rate: float | None = None
    """Step size of AdamW, constant over the run. If not given, that of the encoder: 4e-5 for full, 1e-3 for heads."""

    weight_decay: float = 0.01
    """Decoupled weight decay of AdamW."""

    temperature: float = 0.05
    """Divides the cosine. Smaller is sharper; 0.02 to 0.1 is usual."""

    learn_temperature: bool = False
    """Train the temperature too, from --temperature on."""

    temperature_bounds: str = "0.01,0.5"
    """Least and greatest temperature that may be learned."""

    weights: str = "1to1=0.25,2to2=0.25,1to2=0.75,2to1=0.75"
    """Weight of each pairing in the loss; one that is not named keeps its default."""

    passage_tokens: int = 96
    """Longest passage, in the encoder's own tokens, special tokens included."""

    held_out: float = 0.2
    """Share of the passages (of the topics, for a pair file) kept for testing; 0 trains on all."""

    embargo: int = 1
    """Passages left out on both sides of a held-out block, and never negatives of each other."""

    checkpoints: str = "log"
    """Cycles to keep: log (0, 1, 2, 5, 10, 20, 50, ...), every:K, a list such as 0,10,100, or none (the last alone)."""

    keep: str | None = None
    """Beside these, keep one more checkpoint: best, that of the logged cycle which finds held-out partners best (MRR,
    mean of both directions)."""

    stop_at_turn: bool = False
    """End before --cycles where the space, without labels, shows that learning turns into memorising (docs/turn.md)."""

    repair: bool = False
    """Mend text that was decoded wrongly (UTF-8 read as a one-byte code page) instead of refusing it."""

    fail_on: tuple[str, ...] = ()
    """Stop with exit code 1 when the run is seen to collapse, freeze or memorise; repeat it, or part with commas."""

    track: tuple[str, ...] = ()
    """Send each logged cycle to tensorboard, wandb, mlflow or trackio as well; repeat it, or part with commas."""

    null: tuple[str, ...] = ()
    """Train as well, on the same budget, what no effect can come from: shuffled (training pairs permuted), frozen
    (learning rate 0); repeat it, or part with commas. They go into nulls/ of the run folder."""

    seeds: int = 3
    """How many permutations --null shuffled trains."""

    seed: int = 0
    """Decides the split, the batches and the dropout; the same seed gives the same run."""

    device: str = "auto"
    """Where to compute; auto takes the accelerator if there is one."""

    def __post_init__(self) -> None:
        self._refuse(
            [
                *_source_faults(self),
                *at_least(self, 1, "cycles", "rank", "seeds", *self._given("batch_size", "micro_batch_size")),
                *at_least(self, 0, "embargo", "seed", "weight_decay"),
                *not_negative(self, *self._given("learning_rate")),
                *at_least(self, 2, "cached_views"),
                *at_least(self, 8, "passage_tokens"),
                *positive(self, "temperature"),
                *within(self, "held_out", 0.0, 0.5),
                *one_of(self, "loss", LOSSES),
                *one_of(self, "precision", PRECISIONS),
                *one_of(self, "device", DEVICES),
                *(one_of(self, "keep", KEPT) if self.keep is not None else []),
                *_layer_faults(self.layers),
                *_position_faults(self.positions, self.passage_tokens),
                *_checkpoint_faults(self.checkpoints),
                *_bounds_faults(self),
                *_weights_faults(self.weights),
                *list_faults("fail-on", self.fail_on, (*FAILURES, *FAILURES.values())),
                *list_faults("track", self.track, TRACKERS),
                *list_faults("null", self.null, NULLS),
            ]
        )

    def _given(self, *names: str) -> list[str]:
        return [name for name in names if getattr(self, name) is not None]

    @property
    def pairing_weights(self) -> dict[str, float]:
        """Weight of each pairing, by its name."""
        return {**PAIRING_WEIGHTS, **_named_numbers(self.weights)}

    @property
    def least_and_greatest_temperature(self) -> tuple[float, float]:
        low, high = (float(part) for part in self.temperature_bounds.split(","))
        return low, high

    @property
    def failures(self) -> frozenset[str]:
        """What stops the run: some of 'collapsed', 'frozen', 'memorised'."""
        return frozenset(FAILURES.get(name, name) for name in listed(self.fail_on))

    @property
    def null_kinds(self) -> tuple[str, ...]:
        return listed(self.null)

    @property
    def trackers(self) -> tuple[str, ...]:
        return listed(self.track)


def _source_faults(config: TrainConfig) -> list[str]:
    texts = [config.article, config.meta_analysis]
    if config.pairs is not None:
        return ["--pairs was given beside two texts; give one or the other."] if any(texts) else []
    if texts[0] and not texts[1]:
        if Path(texts[0]).suffix.lower() in PAIR_FILES:
            return [f"'{texts[0]}' is a pair file; give it as --pairs {texts[0]}."]
        return [f"Only one text was given ('{texts[0]}'); give the meta-analysis too."]
    return [] if all(texts) else ["No texts were given; give ARTICLE and META_ANALYSIS, or --pairs FILE."]


def _layer_faults(spec: str | None) -> list[str]:
    if spec in (None, "all", "last"):
        return []
    numbers = [spec.removeprefix("last:")] if spec.startswith("last:") else spec.split(",")
    if all(is_whole(n) and whole_number(n) >= 1 for n in numbers):
        return []
    return [f"--layers is '{spec}'; give all, last, last:K, or a list such as 2,4."]


def _position_faults(spec: str, tokens: int) -> list[str]:
    parts = [part.partition(":") for part in spec.split(",")]
    ends = [end for end, _, count in parts if end in ("first", "last") and is_whole(count) and whole_number(count) >= 1]
    if spec != "all" and not len(ends) == len(parts) == len(set(ends)):
        return [f"--positions is '{spec}'; give all, first:K, last:K, or first:K,last:K."]
    if any(whole_number(count) > tokens for _, _, count in parts if count):
        return [f"--positions is '{spec}', but no passage has more than {tokens} tokens; give fewer, or all."]
    return []


def _checkpoint_faults(spec: str) -> list[str]:
    if spec in ("log", "none"):
        return []
    numbers = [spec.removeprefix("every:")] if spec.startswith("every:") else spec.split(",")
    least = 1 if spec.startswith("every:") else 0
    if all(is_whole(n) and whole_number(n) >= least for n in numbers):
        return []
    return [f"--checkpoints is '{spec}'; give log, every:K, a list such as 0,10,100, or none."]


def _bounds_faults(config: TrainConfig) -> list[str]:
    spec = config.temperature_bounds
    try:
        low, high = (float(part) for part in spec.split(","))
        sound = 0 < low <= high < math.inf
    except ValueError:
        sound = False
    if not sound:
        return [f"--temperature-bounds is '{spec}'; give two numbers above 0, the smaller first, such as 0.01,0.5."]
    if config.learn_temperature and not low <= config.temperature <= high:
        return [f"--temperature is {config.temperature}, outside --temperature-bounds {spec}; widen them, or move it."]
    return []


def _weights_faults(spec: str) -> list[str]:
    try:
        weights = _named_numbers(spec)
    except ValueError:
        return [f"--weights is '{spec}'; give pairing=number, parted by commas, such as 1to1=0.25,1to2=0.75."]
    unknown = [name for name in weights if name not in PAIRING_WEIGHTS]
    if unknown:
        return [f"--weights names the pairing '{unknown[0]}'. {did_you_mean(unknown[0], PAIRING_WEIGHTS)}"]
    bad = [(name, weight) for name, weight in weights.items() if not 0 <= weight < math.inf]
    if bad:
        return [f"--weights gives {bad[0][0]} the weight {bad[0][1]:g}; give 0 or more."]
    if not any({**PAIRING_WEIGHTS, **weights}.values()):
        return ["--weights are all 0, so nothing is learned; raise one."]
    return []


def _named_numbers(spec: str) -> dict[str, float]:
    """{'1to1': 0.25} from '1to1=0.25'."""
    parts = [part.split("=") for part in spec.split(",") if part.strip()]
    return {name.strip(): float(number) for name, number in parts}
