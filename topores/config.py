"""Options, documented once: the string below each field is its help text on the command line."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from topores.errors import did_you_mean
from topores.options import Options, at_least, is_whole, one_of, positive, whole_number, within

LOSSES = ("decoupled", "gte", "infonce", "supcon")
DEVICES = ("auto", "cpu", "cuda", "mps")
METRICS = ("angle", "euclidean")
PRECISIONS = ("auto", "fp32", "bf16")
FAILURES = {"collapse": "collapsed", "freeze": "frozen", "memorise": "memorised"}
"""What a run can do wrong, and the word for one that did; --fail-on takes both."""
TRACKERS = ("tensorboard", "wandb", "mlflow", "trackio")
PAIR_FILES = (".jsonl", ".csv", ".parquet")

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

    objective: str = "four_pairings"
    """What turns views into a loss."""

    loss: str = "infonce"
    """What a positive competes with: infonce, itself and the negatives of who asks; decoupled, those negatives alone;
    gte, also the negatives of who answers; supcon, also the other positives (docs/default_loss.md compares them)."""

    cycles: int = 20
    """Times that every aligned pair is met in each of the four pairings; 1e9 is accepted."""

    batch_size: int = 32
    """Passages of T1 in a batch; their partners of T2 come with them, and all are negatives of each other."""

    micro_batch_size: int | None = None
    """Views that are in memory at once; a batch that has more is embedded twice, with equal gradients. All, if not
    given."""

    precision: str = "auto"
    """fp32; bf16 for the linear layers; or auto, which takes bf16 where the processor computes in it."""

    learning_rate: float = 4e-5
    """Step size of AdamW, constant over the run."""

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

    repair: bool = False
    """Mend text that was decoded wrongly (UTF-8 read as a one-byte code page) instead of refusing it."""

    fail_on: tuple[str, ...] = ()
    """Stop with exit code 1 when the run is seen to collapse, freeze or memorise; repeat it, or part with commas."""

    track: tuple[str, ...] = ()
    """Send each logged cycle to tensorboard, wandb, mlflow or trackio as well; repeat it, or part with commas."""

    seed: int = 0
    """Decides the split, the batches and the dropout; the same seed gives the same run."""

    device: str = "auto"
    """Where to compute; auto takes the accelerator if there is one."""

    def __post_init__(self) -> None:
        self._refuse(
            [
                *_source_faults(self),
                *at_least(
                    self,
                    1,
                    "cycles",
                    "batch_size",
                    *(["micro_batch_size"] if self.micro_batch_size is not None else []),
                ),
                *at_least(self, 0, "embargo", "seed", "weight_decay"),
                *at_least(self, 8, "passage_tokens"),
                *positive(self, "learning_rate", "temperature"),
                *within(self, "held_out", 0.0, 0.5),
                *one_of(self, "loss", LOSSES),
                *one_of(self, "precision", PRECISIONS),
                *one_of(self, "device", DEVICES),
                *_checkpoint_faults(self.checkpoints),
                *_bounds_faults(self),
                *_weights_faults(self.weights),
                *_list_faults("fail-on", self.fail_on, (*FAILURES, *FAILURES.values())),
                *_list_faults("track", self.track, TRACKERS),
            ]
        )

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
        return frozenset(FAILURES.get(name, name) for name in _listed(self.fail_on))

    @property
    def trackers(self) -> tuple[str, ...]:
        return _listed(self.track)


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


def _source_faults(config: TrainConfig) -> list[str]:
    texts = [config.article, config.meta_analysis]
    if config.pairs is not None:
        return ["--pairs was given beside two texts; give one or the other."] if any(texts) else []
    if texts[0] and not texts[1]:
        if Path(texts[0]).suffix.lower() in PAIR_FILES:
            return [f"'{texts[0]}' is a pair file; give it as --pairs {texts[0]}."]
        return [f"Only one text was given ('{texts[0]}'); give the meta-analysis too."]
    return [] if all(texts) else ["No texts were given; give ARTICLE and META_ANALYSIS, or --pairs FILE."]


def _checkpoint_faults(spec: str) -> list[str]:
    if spec in ("log", "none"):
        return []
    numbers = [spec.removeprefix("every:")] if spec.startswith("every:") else spec.split(",")
    least = 1 if spec.startswith("every:") else 0
    if all(is_whole(n) and whole_number(n) >= least for n in numbers):
        return []
    return [f"--checkpoints is '{spec}'; give log, every:K, a list such as 0,10,100, or none."]


def _layer_faults(spec: str) -> list[str]:
    if spec in ("all", "last") or all(is_whole(n) and whole_number(n) >= 0 for n in spec.split(",")):
        return []
    return [f"--layers is '{spec}'; give all, last, or a list such as 0,3,6."]


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


def _list_faults(option: str, values: tuple[str, ...], known: Iterable[str]) -> list[str]:
    unknown = [value for value in _listed(values) if value not in known]
    return [f"--{option} is '{unknown[0]}'. {did_you_mean(unknown[0], known)}"] if unknown else []


def _listed(values: tuple[str, ...]) -> tuple[str, ...]:
    """('a', 'b', 'c') from ('a,b', 'c')."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())
