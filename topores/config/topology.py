"""Options of `topores topology`."""

from dataclasses import dataclass
from pathlib import Path

from topores import variants
from topores.config.common import DEVICES, LANGUAGES, PAIR_FILES, column_faults, column_names
from topores.errors import did_you_mean
from topores.options import Options, at_least, choice, in_range, is_whole, split_list, whole_number

METRICS = ("angle", "euclidean")
LINES = ("auto", "texts", "prose")
NULLS = "topores.analysis.nulls"
FAILING = ("collapsed", "frozen", "memorised", "no-better", "unlearned")
"""Outcomes of the verdict that --fail-on may name; 'no better than shuffled' is written without blanks."""


@dataclass(frozen=True)
class TopologyConfig(Options):
    """Options of `topores topology`."""

    checkpoint: tuple[str, ...] = ()
    """A run folder, one checkpoint, a sentence-transformers folder or hub id, or a file of embeddings (.npy, .npz,
    .parquet, .safetensors, .csv, .pt, .h5); repeat the option for several states."""

    texts: tuple[Path, ...] = ()
    """Texts to encode if the checkpoint has none of its own: one or two text files (.txt, .md; .pdf, .docx and
    .html with the extra 'documents'), or one table of pairs or of single texts. Beside files of embeddings: one text a
    row, shown as labels."""

    ids: tuple[Path, ...] = ()
    """Ids of the rows of a file of embeddings, one a line; once for each file, so that their rows are matched by id."""

    columns: tuple[str, ...] = ()
    """Columns of a table given to --texts that have other names, as ROLE=NAME: article=query,meta_analysis=document, or
    text=NAME for a corpus."""

    prompt_1: str | None = None
    """How the first of --texts is read by a model that is no run: the name of one of its prompts or routes, such as
    query or document, which means the same as in encode_query() and encode_document(); or a prompt itself; an empty one
    for none. If not given, the model's default, as in its encode(). Runs have their own."""

    prompt_2: str | None = None
    """How the second of --texts is read, or the second column of a table, in the same way."""

    lines: str = choice("auto", LINES)
    """What a line of a text file is: texts, each a text of its own; prose, part of one text; auto looks at the file."""

    output: Path | None = None
    """Report to write; reports/<name>.html if not given."""

    lang: str = choice("en", LANGUAGES)
    """Language of the report."""

    figures: bool = False
    """Also draw figures for papers, as SVG and PNG, in a folder beside the report: reports/<name>-figures. Needs the
    extra 'figures'."""

    layers: str = "all"
    """Layers to measure: all, last, or a list such as 0,3,6; 0 is the embedding layer."""

    max_degree: int = 1
    """Highest degree of homology: 0 clusters, 1 loops, 2 voids. Time grows steeply with it."""

    metric: str = choice("angle", METRICS)
    """Distance between unit rows: angle in radians, or euclidean (the chord)."""

    max_points: int = 5000
    """Largest cloud whose loops are computed exactly; for larger clouds only the clusters are exact, and the rest is
    averaged over subsamples, with standard errors."""

    subsamples: int = 20
    """How many uniform subsamples represent a cloud of more than --max-points."""

    subsample_size: int = 500
    """Passages in each subsample, at most --max-points."""

    resamples: int = 0
    """Bootstrap resamples of each cloud, to report the spread of total persistence."""

    nulls: str = "dropout,resample,frozen,shuffled,matched-spectrum"
    """Null controls, measured the same way: reencode, dropout, resample, frozen, shuffled, random-text, untrained,
    matched-spectrum, separated by commas; all, or none. Nulls that a checkpoint does not allow are left out."""

    fail_on: tuple[str, ...] = choice((), FAILING)
    """Exit with code 1 if the verdict is collapsed, memorised, frozen, unlearned or no-better (than shuffled
    pairings); repeat the option, or separate values by commas."""

    cache: str = "auto"
    """Folder that caches results for the next time; auto is the user's cache folder, none caches nothing."""

    scheduler: str | None = None
    """Dask scheduler to send the work to, such as tcp://host:8786; this machine's cores if not given."""

    passage_tokens: int = 96
    """Longest passage of --texts, in the encoder's own tokens, special tokens included."""

    repair: bool = False
    """Repair text that was decoded wrongly (UTF-8 read as a one-byte code page) instead of refusing it."""

    seed: int = 0
    """Seed of the subsamples, the resamples and the permutations of the verdict's test."""

    device: str = choice("auto", DEVICES)
    """Where to encode; auto takes an accelerator if there is one."""

    def faults(self) -> list[str]:
        none_given = [] if self.checkpoint else ["--checkpoint is missing; give a run folder such as runs/demo."]
        too_many = [] if len(self.texts) <= 2 else [f"--texts was given {len(self.texts)} times; give one or two."]
        return [
            *none_given,
            *too_many,
            *in_range(self, "max_degree", 0, 3),
            *at_least(self, 3, "max_points", "subsample_size"),
            *at_least(self, 2, "subsamples"),
            *at_least(self, 8, "passage_tokens"),
            *at_least(self, 0, "seed", "resamples"),
            *super().faults(),
            *column_faults(self.columns),
            *self._columns_without_table(),
            *_layer_faults(self.layers),
            *_null_faults(self.null_names),
        ]

    def _columns_without_table(self) -> list[str]:
        if not self.columns or any(text.suffix.lower() in PAIR_FILES for text in self.texts):
            return []
        return ["--columns names columns of a table; give the table with --texts FILE."]

    @property
    def prompts(self) -> tuple[str | None, str | None]:
        """How T1 and T2 are read; None as the model reads any text."""
        return self.prompt_1, self.prompt_2

    @property
    def null_names(self) -> tuple[str, ...]:
        """File names in analysis/nulls, in the order in which they are measured."""
        if self.nulls in ("all", "none"):
            return tuple(variants.names(NULLS)) if self.nulls == "all" else ()
        return tuple(name.replace("-", "_") for name in split_list((self.nulls,)))

    @property
    def column_names(self) -> dict[str, str]:
        """Names of the columns of a table of texts, by role."""
        return column_names(self.columns)

    @property
    def failing(self) -> frozenset[str]:
        """Outcomes of the verdict that end the command with exit code 1."""
        return frozenset(name.replace("no-better", "no better than shuffled") for name in split_list(self.fail_on))


def _null_faults(names: tuple[str, ...]) -> list[str]:
    known = variants.names(NULLS)
    unknown = [name for name in names if name not in known]
    if not unknown:
        return []
    shown = [name.replace("_", "-") for name in (unknown[0], *known)]
    return [f"--nulls names '{shown[0]}'. {did_you_mean(shown[0], [*shown[1:], 'all', 'none'])}"]


def _layer_faults(spec: str) -> list[str]:
    if spec in ("all", "last") or all(is_whole(n) and whole_number(n) >= 0 for n in spec.split(",")):
        return []
    return [f"--layers is '{spec}'; give all, last, or a list such as 0,3,6."]
