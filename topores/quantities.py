"""Every quantity that topores logs or measures: what it is called, its unit, and how a reader is to take it.

This is the only place that describes a quantity to a reader. Terminal, verdict and page look it up here. It stands on
the lowest floor because training, analysis and report all name quantities.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from topores.phrases import Phrase

Better = Literal["higher", "lower"]

DISTANCE = "distance"
"""Unit of births, deaths and lengths of bars: radians or chords, as the metric of the analysis has it."""

DISTANCE_UNITS = {"angle": "rad", "euclidean": "chord"}
"""By metric."""


@dataclass(frozen=True)
class Quantity:
    """One quantity; texts are English and looked up in the catalogue of another language where they are shown."""

    id: str
    """Stable name in code and files."""
    name: str
    """As it stands within a sentence."""
    meaning: str
    """One line for somebody who meets it for the first time."""
    unit: str = ""
    better: Better | None = None
    """Which direction is better; None where neither is."""
    no_change: int | None = None
    """Value at which nothing changed, 0 or 1; None for a quantity of one state."""
    hint: str = ""
    """How to read a chart of it, in a few words."""
    measure: str = ""
    """Name of its measurements, where that is not `id`."""
    degree: int | None = None
    """Degree of homology, where `measure` alone does not tell it."""
    keys: tuple[str, ...] = ()
    """Keys in metrics.jsonl, where that is not `id`; the quantity is their mean."""

    @property
    def phrase(self) -> Phrase:
        """The name, to be put into a sentence."""
        return Phrase(self.name)

    @property
    def measured_as(self) -> str:
        return self.measure or self.id

    @property
    def logged_as(self) -> tuple[str, ...]:
        return self.keys or (self.id,)


def _both_ways(
    part: str, score: str, name: str, meaning: str, hint: str = "", directions: Iterable[str] = ("1to2", "2to1")
) -> Iterator[Quantity]:
    """A score of retrieval in each direction, and their mean."""
    keys = tuple(f"{part}_{score}_{direction}" for direction in directions)
    unit = "mean reciprocal rank" if score == "mrr" else "share"
    yield Quantity(f"{part}_{score}", name, meaning, unit, "higher", hint=hint, keys=keys)
    for key, arrow in zip(keys, ("T1→T2", "T2→T1"), strict=True):
        yield Quantity(key, f"{name} {arrow}", meaning, unit, "higher", hint=hint)


_RETRIEVAL = (
    *_both_ways(
        "held_out", "mrr", "held-out MRR",
        "Mean reciprocal rank over held-out passages: the mean of 1 / rank of the partner among all candidates.",
        "1: the partner is always ranked first",
    ),
    *_both_ways(
        "train", "mrr", "training MRR",
        "Mean reciprocal rank over the passages trained on. It rises with any training, so it shows no learning.",
        "of the pairs trained on",
    ),
    *_both_ways(
        "held_out", "recall_at_1", "held-out R@1",
        "Recall at 1: the share of held-out passages whose partner is ranked first.",
    ),
    *_both_ways(
        "train", "recall_at_1", "training R@1",
        "Recall at 1: the share of the passages trained on whose partner is ranked first.",
    ),
)  # fmt: skip

_PAIRINGS = {"1to1": "T1→T1", "2to2": "T2→T2", "1to2": "T1→T2", "2to1": "T2→T1"}
"""Names by key."""

_TRAINING = (
    Quantity("loss", "loss", "What training minimises: the weighted mean of the four pairings.", "nats", "lower"),
    *(
        Quantity(
            f"loss_{pairing}", f"loss {arrow}", f"Loss of the pairing {arrow}: 0 if every anchor finds its positive.",
            "nats", "lower",
        )
        for pairing, arrow in _PAIRINGS.items()
    ),
    Quantity(
        "one_minus_p", "1 − p", "Probability that the loss gives to other passages than the positive, on average.",
        better="lower", hint="0: all on the positive",
    ),
    Quantity(
        "temperature", "temperature", "What cosines are divided by in the loss: smaller separates more sharply.",
        hint="smaller: sharper",
    ),
)  # fmt: skip


def _costs(split: str, name: str, other: str = "") -> Iterator[Quantity]:
    """What a language model's targets cost on one side of the split: the mean of the pairings, and each of them."""
    given = "after the source of another pair" if other else "after its source"
    meaning = f"Mean negative log-likelihood of a token of the target {given}; its exponential is the perplexity."
    keys = tuple(f"{split}_nll_{pairing}{other}" for pairing in _PAIRINGS)
    yield Quantity(f"{split}_nll{other}", name, meaning, "nats", "lower", keys=keys)
    for key, arrow in zip(keys, _PAIRINGS.values(), strict=True):
        yield Quantity(key, f"{name} {arrow}", meaning, "nats", "lower")


_LANGUAGE_MODEL = (
    *(
        Quantity(
            f"token_loss_{pairing}", f"token loss {arrow}",
            "Mean cost of a token of the concatenations that were trained, with dropout.", "nats", "lower",
        )
        for pairing, arrow in _PAIRINGS.items()
    ),
    Quantity(
        "canary_loss", "loss of the canaries", "Mean cost of a token of the lines of random words that are trained.",
        "nats", "lower",
    ),
    *_costs("held_out", "held-out token cost"),
    *_costs("train", "training token cost"),
    *_costs("held_out", "held-out token cost, other source", "_other"),
    *_costs("train", "training token cost, other source", "_other"),
    *(
        Quantity(
            f"extraction_{prefix}", f"extraction from {prefix} tokens",
            "Share of training passages that a language model continues word for word to their end, given their first "
            "tokens.", "share", hint="1: all are known by heart",
        )
        for prefix in (16, 32, 50)
    ),
    Quantity(
        "exposure", "exposure of canaries",
        "How much surer a language model is of random lines it was trained on than of 255 others: log2 of 256 over the "
        "rank.", "bits", hint="8: remembered; 1.4: by chance",
    ),
    *(
        Quantity(
            f"copied_{how}", name,
            "Longest run of tokens that a held-out continuation shares with that text, as a share of its length.",
            "share", hint=hint,
        )
        for how, name, hint in (
            ("from_source", "copied from the source", "1: the source is repeated"),
            ("from_target", "copied from the target", "1: the target is said"),
            ("from_training", "copied from a training text", "1: one run of a training text"),
        )
    ),
    Quantity(
        "copied_by_target", "held-out target found in a training text",
        "Longest run of tokens that a held-out target itself shares with a training passage, as a share of its length.",
        "share", hint="what the subject makes common",
    ),
)  # fmt: skip

_GEOMETRY = (
    Quantity(
        "alignment", "alignment", "Mean squared distance between partners (Wang and Isola 2020): 0 if they coincide.",
        "squared chord", "lower", hint="0: partners coincide",
    ),
    Quantity(
        "uniformity", "uniformity",
        "How evenly the points cover the sphere (Wang and Isola 2020): 0 if all coincide, lower if more even.",
        "log mean Gaussian potential", "lower", hint="lower: more evenly spread",
    ),
    Quantity(
        "rank_me", "RankMe", "Effective number of directions that the points use (Garrido et al. 2023).", "dimensions",
        "higher", hint="directions in use",
    ),
    *(
        Quantity(
            f"uniformity_{side}", f"uniformity of {side.upper()}",
            f"The same over the passages of {side.upper()} alone.", "log mean Gaussian potential", "lower",
        )
        for side in ("t1", "t2")
    ),
    *(
        Quantity(
            f"rank_me_{side}", f"RankMe of {side.upper()}", f"The same over the passages of {side.upper()} alone.",
            "dimensions", "higher",
        )
        for side in ("t1", "t2")
    ),
    Quantity(
        "modality_gap", "modality gap", "Distance between the centre of T1's points and that of T2's.", "chord",
        hint="0: both texts have one centre",
    ),
    Quantity(
        "linear_probe_auc", "linear probe AUC",
        "How well a plane tells unseen passages of T1 from those of T2: the share of such pairs in the right order.",
        "0.5 by chance", hint="0.5: not at all; 1: perfectly",
    ),
    Quantity(
        "intrinsic_dimension", "intrinsic dimension",
        "In how many directions a point can move within the cloud, estimated from its two nearest neighbours.",
        "dimensions", hint="from two neighbours",
    ),
    Quantity(
        "maximum_likelihood_dimension", "intrinsic dimension by likelihood",
        "Intrinsic dimension by maximum likelihood over 20 nearest neighbours.", "dimensions",
        hint="from 20 neighbours",
    ),
    Quantity(
        "persistent_homology_dimension", "persistent homology dimension",
        "Intrinsic dimension from how the length of the minimum spanning tree grows with the number of points.",
        "dimensions", hint="from spanning trees",
    ),
    Quantity(
        "hubness_skewness", "hubness",
        "Whether a few points are nearest neighbours of very many: skewness of how often each point is one.",
        "skewness", hint="0: no hubs; higher: more hubs",
    ),
)  # fmt: skip

_SHAPE = (
    Quantity(
        "loop_persistence", "total loop persistence", "Summed lengths of all loops that close again.", DISTANCE,
        hint="summed lengths of loops", measure="total_persistence", degree=1,
    ),
    Quantity(
        "spanning_tree", "spanning tree length",
        "Length of the shortest tree that joins all points, which is the summed length of all cluster bars.", DISTANCE,
        hint="summed lengths of cluster bars", measure="total_persistence", degree=0,
    ),
    Quantity("total_persistence", "total persistence", "Summed lengths of all bars that end.", DISTANCE),
    Quantity(
        "longest_loop", "longest loop", "Length of the longest bar of degree 1.", DISTANCE, measure="longest_bar",
        degree=1,
    ),
    Quantity(
        "longest_cluster", "widest gap between clusters", "Length of the longest bar of degree 0 that ends.", DISTANCE,
        measure="longest_bar", degree=0,
    ),
    Quantity(
        "cluster_gap", "gap between clusters",
        "How much farther apart two groups of passages are than the passages within them; 0 if there is one group.",
        DISTANCE, hint="0: one group",
    ),
    Quantity("longest_bar", "longest bar", "Length of the longest bar that ends.", DISTANCE),
    Quantity(
        "persistence_entropy", "persistence entropy", "How evenly total persistence is spread over the bars.", "nats",
        hint="higher: bars of more equal length",
    ),
    Quantity(
        "betti_curve", "Betti number",
        "Number of clusters (degree 0) or loops (degree 1) when points closer than a distance are joined.", "bars",
    ),
    Quantity(
        "landscape", "persistence landscape", "First level of the persistence landscape, averaged over subsamples.",
        DISTANCE,
    ),
    Quantity(
        "total_persistence.resampled_mean", "mean total persistence of resamples",
        "Mean of total persistence over bootstrap resamples of the passages.", DISTANCE,
    ),
    Quantity(
        "total_persistence.resampled_deviation", "spread of total persistence over resamples",
        "Standard deviation of total persistence over bootstrap resamples of the passages.", DISTANCE,
    ),
    Quantity(
        "loop_p", "p of the most significant loop",
        "How often noise alone gives a loop as long, corrected for all loops of the cloud.", "p", "lower",
    ),
    Quantity(
        "significant_loops", "significant loops", "Number of loops that are longer than chance would produce.",
        hint="where loops were tested",
    ),
)  # fmt: skip

_CHANGE = (
    Quantity(
        "change", "movement of the passages",
        "How far the passages moved between two states, as a share of their spread at the earlier one.",
        "share of the spread", no_change=0, hint="0: no passage moved",
    ),
    Quantity(
        "procrustes.angle", "largest rotation",
        "Largest angle of the rotation that best maps one state onto the other.", "rad",
        no_change=0, hint="0: the space did not rotate",
    ),
    Quantity(
        "procrustes.mean_angle", "mean rotation",
        "Angle of the best rotation on average over all directions, weighted by how much the points vary along each.",
        "rad", no_change=0, hint="weighted by variance",
    ),
    *(
        Quantity(
            f"procrustes.angle_q{percent}", f"rotation, {percent} % quantile",
            f"Angle that {percent} % of the variance rotates by at most.", "rad", no_change=0,
        )
        for percent in (10, 50, 90)
    ),
    Quantity(
        "procrustes.scale", "scale", "Factor by which the whole space grew or shrank.", "ratio", no_change=1,
        hint="1: neither grew nor shrank",
    ),
    Quantity(
        "procrustes.residual", "deformation",
        "What the best rotation and scale leave of the later state, as a share of its spread.", "share of the spread",
        no_change=0, hint="what rotation and scale leave",
    ),
    Quantity(
        "linear_cka", "linear CKA", "Similarity of two states of the same passages, whatever their rotation and scale.",
        "0 to 1", no_change=1, hint="1: equal up to rotation and scale",
    ),
    Quantity(
        "rtd", "RTD",
        "Representation topology divergence: loops that one state has between the same passages and the other lacks.",
        "0.9 quantiles of the distances", no_change=0, hint="0: the same loops",
    ),
    Quantity(
        "rtd_spanning_tree", "RTD of clusters",
        "As RTD, for clusters: how much longer the spanning tree of each state is than that of the smaller distances.",
        "0.9 quantiles of the distances", no_change=0, hint="0: the same clusters",
    ),
    Quantity(
        "bottleneck_distance", "bottleneck distance",
        "Distance between two diagrams: how far the worst matched bar has to move.", DISTANCE, no_change=0,
        hint="how far the worst matched bar moved",
    ),
    Quantity(
        "wasserstein_distance", "Wasserstein distance",
        "Distance between two diagrams: how far all bars have to move in total.", DISTANCE, no_change=0,
        hint="how far all bars moved in total",
    ),
)  # fmt: skip

_MEMORY = (
    Quantity(
        "memory_norm", "size of the memory", "Frobenius norm of the state that the training pairs wrote: 0 before any.",
    ),
    Quantity(
        "memory_drift", "drift of the memory",
        "How far the state moved since the logged cycle before, as a share of its size: 0 at a fixed point.",
        "share of the size", hint="0: a fixed point",
    ),
    Quantity(
        "memory_radius", "spectral radius of writes",
        "By what one cycle multiplies what the memory still has to change: below 1 it comes to a fixed point.",
        hint="below 1: a fixed point",
    ),
    Quantity(
        "memory_recall", "recall of the memory",
        "Mean cosine between what the memory answers to a passage of a training pair and that passage's partner.",
        "cosine", "higher", hint="1: every partner by heart",
    ),
)  # fmt: skip

_FEEDBACK = (
    Quantity(
        "feedback_contraction", "contraction of a pass",
        "How far a second further pass moves the rows, as a share of how far the first did: below 1 passes settle.",
        "ratio", hint="below 1: passes settle",
    ),
    Quantity(
        "feedback_radius", "spectral radius of a pass",
        "By what one more pass multiplies a small change of what is fed back, in its slowest direction.",
        hint="below 1: passes settle",
    ),
    *(
        Quantity(
            f"held_out_mrr_{name}", f"held-out MRR {words}",
            f"Mean of both directions, for the same weights read {words} through the layers.", "mean reciprocal rank",
            "higher",
        )
        for name, words in (("at_1_pass", "after 1 pass"), ("at_twice_the_passes", "after twice the passes"))
    ),
)  # fmt: skip

_MOVED = "share of the squared movement"


def _shares() -> Iterator[Quantity]:
    """How a movement of two texts divides, and the same by chance; the first four add up to 1."""
    for part, name, meaning, hint in (
        (
            "shared", "shared rotation",
            "Share of the squared movement that one rotation and scale of both texts together explain.",
            "both texts rotate as one",
        ),
        (
            "relative", "relative rotation",
            "Share of the squared movement that a rotation and scale of each text explain beyond the shared ones.",
            "each text rotates on its own",
        ),
        (
            "shift", "shift of the texts",
            "Share of the squared movement by which the centres of the two texts moved relative to each other.",
            "the centres of the texts move",
        ),
        (
            "deformation", "own deformation",
            "Share of the squared movement that is left when each text is rotated, scaled and shifted on its own.",
            "the remainder: the shape of each text changes",
        ),
    ):  # fmt: skip
        yield Quantity(f"movement.{part}", name, meaning, _MOVED, hint=hint)
        yield Quantity(f"movement.{part}_by_chance", f"{name} by chance", BY_CHANCE, _MOVED)
    for part, name, meaning in (
        (
            "scale", "scale's share",
            "Share of the squared movement that scale, fitted to half of the passages, predicts of the other half.",
        ),
        (
            "rotation", "rotation's share",
            "Share of the squared movement that a rotation, fitted to half of the passages, predicts of the other half "
            "beyond scale; below 0 without a rotation.",
        ),
    ):  # fmt: skip
        yield Quantity(f"movement.{part}", name, meaning, _MOVED)
    between = "share of the change of inner products"
    yield Quantity(
        "movement.between", "change between the texts",
        "Share of the change of inner products that lies between passages of different texts: 1 if one text only "
        "rotated against the other.",
        between, hint="1: one text only rotated against the other",
    )  # fmt: skip
    yield Quantity("movement.between_by_chance", "change between the texts by chance", BY_CHANCE, between)
    yield Quantity(
        "movement.relative_angle", "angle between the texts",
        "Mean angle between the rotations of the two texts, over the directions that both determine.", "rad",
        no_change=0,
    )  # fmt: skip


BY_CHANCE = (
    "The same after every passage is given the movement of another passage of its text (of either, for the shift)."
)

_GROUPS = (
    _RETRIEVAL, _TRAINING, _LANGUAGE_MODEL, _GEOMETRY, _MEMORY, _FEEDBACK, _SHAPE, _CHANGE, tuple(_shares()),
)  # fmt: skip

QUANTITIES = {one.id: one for group in _GROUPS for one in group}
"""By id."""

NOT_QUANTITIES = ("cycle", "seconds")
"""Keys of a logged line that say when it was written."""

_MEASURED = {(one.measured_as, one.degree): one for one in QUANTITIES.values()}


def quantity(name: str) -> Quantity:
    """The quantity of that id; one that the table lacks is called by its id, for objectives log what they like."""
    return QUANTITIES.get(name) or Quantity(name, name, "")


def measured_quantity(measure: str, degree: int | None = None) -> Quantity:
    """What a measurement is of: by its degree where that has a name of its own."""
    return _MEASURED.get((measure, degree)) or _MEASURED.get((measure, None)) or quantity(measure)


def id_of(measure: str, degree: int | None) -> str | None:
    """Id of a measurement; None where the degree has no quantity of its own."""
    found = _MEASURED.get((measure, degree))
    return found.id if found else measure if degree is None else None


def unit_of(measure: str, metric: str = "angle") -> str:
    """Unit of a measure's numbers, births and deaths being distances by `metric`."""
    unit = measured_quantity(measure).unit
    return DISTANCE_UNITS.get(metric, "") if unit == DISTANCE else unit
