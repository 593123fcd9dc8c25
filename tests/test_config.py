"""Options: read, checked all at once, written and read back, documented once."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import topores.objectives
from topores import variants
from topores.cli import main
from topores.config import ClockConfig, TopologyConfig, TrainConfig
from topores.config.by_variant import PACKAGES, field_names, option_classes
from topores.errors import UsageError
from topores.options import Options, field_docs, whole_number

TEXTS = {"article": "a.txt", "meta_analysis": "b.txt"}
LOREFT = {**TEXTS, "encoder": "loreft"}


@pytest.mark.parametrize(
    ("written", "meant"), [("20", 20), ("1e9", 10**9), (1e9, 10**9), (7, 7), ("1_000", 1000), (10**17 + 1, 10**17 + 1)]
)
def test_whole_numbers(written: object, meant: int) -> None:
    assert whole_number(written) == meant


@pytest.mark.parametrize("written", ["1.5", "many", "", "inf", "nan", True])
def test_what_is_no_whole_number_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"not|could"):
        whole_number(written)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(UsageError) as fault:
        TrainConfig.from_mapping({**TEXTS, "cycles": 0, "temperature": -1, "loss": "infonse", "checkpoints": "often"})
    message = str(fault.value)
    for part in (
        "--cycles is 0; give 1 or more.",
        "--temperature is -1.0",
        "Did you mean 'infonce'?",
        "--checkpoints is 'often'",
    ):
        assert part in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "No texts were given"),
        ({"article": "a.txt"}, "Only one text was given"),
        ({"article": "pairs.jsonl"}, "give it as --pairs pairs.jsonl"),
        ({**TEXTS, "pairs": "p.jsonl"}, "give one or the other"),
        ({**TEXTS, "cycels": 3}, "Did you mean 'cycles'?"),
        ({**TEXTS, "cycles": "1.5"}, "--cycles is '1.5'; give a whole number."),
        ({**TEXTS, "learning_rate": "fast"}, "--learning-rate is 'fast'; give a number."),
        ({**TEXTS, "learning_rate": "nan"}, "--learning-rate is nan"),
        ({**TEXTS, "held_out": 0.9}, "--held-out is 0.9; give a number from 0.0 to 0.5."),
        ({**TEXTS, "weights": "1to1=0,2to2=0,1to2=0,2to1=0"}, "nothing is learned"),
        ({**LOREFT, "positions": "first:0"}, "--positions is 'first:0'; give all, first:K, last:K, or first:K,last:K."),
        ({**LOREFT, "positions": "middle:3"}, "--positions is 'middle:3'; give all"),
        ({**LOREFT, "positions": "first:2,last:97"}, "but no passage has more than 96 tokens; give fewer, or all."),
        ({**TEXTS, "checkpoints": "every:0"}, "--checkpoints is 'every:0'"),
        ({**TEXTS, "rank": 8}, "--rank is an option of --encoder feedback, lora, loreft and oft, not of full;"),
        (
            {**LOREFT, "encoder": "oft", "positions": "all"},
            "is an option of --encoder loreft, not of oft; leave it out.",
        ),
        ({**LOREFT, "rank": 0}, "--rank is 0; give 1 or more."),
        ({**TEXTS, "encoder": "lorefd", "rank": 4}, "No encoder is called 'lorefd'. Did you mean 'loreft'?"),
        ({**TEXTS, "encoder_options": {}}, "No option is called 'encoder_options'."),
    ],
)
def test_what_cannot_be_is_refused(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=r"^[^\n]*$") as fault:
        TrainConfig.from_mapping(options)
    assert message in str(fault.value)


@given(
    cycles=st.integers(1, 10**12),
    temperature=st.floats(1e-3, 10),
    pairs=st.one_of(st.none(), st.just("p.csv")),
    repair=st.booleans(),
)
def test_written_options_are_read_back_the_same(
    cycles: int, temperature: float, pairs: str | None, repair: bool
) -> None:
    source = {"pairs": pairs} if pairs else TEXTS
    options = TrainConfig.from_mapping({**source, "cycles": cycles, "temperature": temperature, "repair": repair})
    assert TrainConfig.from_mapping(options.to_mapping()) == options


def test_topology_options_are_read_back_the_same() -> None:
    options = TopologyConfig.from_mapping({"checkpoint": "runs/a", "texts": ["a.txt", "b.txt"], "layers": "0,3"})
    assert options.checkpoint == ("runs/a",)
    assert TopologyConfig.from_mapping(options.to_mapping()) == options


def test_names_of_before_that_end_a_run_are_read() -> None:
    config = TrainConfig(pairs=Path("p.jsonl"), fail_on=("freeze,collapse", "frozen"))
    assert config.failures == {"stalled", "collapsed"}


def test_dashes_and_underscores_are_the_same() -> None:
    assert TrainConfig.from_mapping({**TEXTS, "batch-size": 7}).batch_size == 7


def every_config() -> list[type[Options]]:
    own = [config for kind in PACKAGES for config in option_classes(kind).values()]
    return [TrainConfig, TopologyConfig, ClockConfig, *own]


@pytest.mark.parametrize("config", every_config(), ids=lambda config: f"{config.__module__}.{config.__name__}")
def test_every_option_is_documented(config: type[Options]) -> None:
    docs = field_docs(config)
    for field in dataclasses.fields(config):
        assert len(docs[field.name]) > 20
        assert docs[field.name].endswith(".")
        assert docs[field.name].split()[0] not in ("Of", "That", "Those")


def test_an_option_has_one_meaning_in_a_flat_mapping() -> None:
    common = {field.name for field in TrainConfig.common_fields()}
    encoders, objectives = ({name for c in option_classes(k).values() for name in field_names(c)} for k in PACKAGES)
    assert not common & encoders
    assert not common & objectives
    assert not encoders & objectives


def test_every_file_of_options_belongs_to_a_variant() -> None:
    for kind, package in PACKAGES.items():
        assert set(variants.names(f"topores.config.{kind}s")) <= set(variants.names(package))


def test_a_mapping_holds_the_options_of_the_chosen_variants_alone() -> None:
    full, loreft = (TrainConfig.from_mapping({**TEXTS, "encoder": name}) for name in ("full", "loreft"))
    assert set(loreft.to_mapping()) - set(full.to_mapping()) == {"rank", "layers", "positions", "cached_views"}
    assert loreft.encoder_options.layers == "last"
    assert TrainConfig.from_mapping({**TEXTS, "encoder": "lora"}).encoder_options.layers == "all"
    assert TrainConfig.from_mapping(loreft.to_mapping()) == loreft


def test_what_a_run_of_before_recorded_of_other_variants_is_dropped() -> None:
    before = {**TEXTS, "encoder": "full", "rank": 8, "layers": None, "positions": "all", "cached_views": 4}
    assert TrainConfig.from_mapping(before, stored=True) == TrainConfig.from_mapping({**TEXTS, "encoder": "full"})
    with pytest.raises(UsageError, match="No option is called 'rang'"):
        TrainConfig.from_mapping({**before, "rang": 3}, stored=True)


def test_an_encoder_may_be_written_with_dashes() -> None:
    dashed = TrainConfig.from_mapping({**TEXTS, "encoder": "relative-rotation", "cached-views": 3})
    assert dashed == TrainConfig.from_mapping({**TEXTS, "encoder": "relative_rotation", "cached_views": 3})


OWN = """
from dataclasses import dataclass
from topores.options import Options

@dataclass(frozen=True)
class Config(Options):
    sharpness: float = 2.0
    \"\"\"How sharp it is, for this test.\"\"\"
"""


@pytest.fixture
def own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An objective that somebody adds as one file, which holds its options."""
    (tmp_path / "sharpened.py").write_text(OWN)
    monkeypatch.setattr(topores.objectives, "__path__", [*topores.objectives.__path__, str(tmp_path)])
    monkeypatch.setattr(
        topores.objectives.__spec__, "submodule_search_locations", topores.objectives.__path__
    )  # where names are looked up before the package is imported
    yield
    sys.modules.pop("topores.objectives.sharpened", None)


@pytest.mark.usefixtures("own_file")
def test_a_variants_own_file_may_hold_its_options() -> None:
    config = TrainConfig.from_mapping({**TEXTS, "objective": "sharpened", "sharpness": "3"})
    assert config.objective_options.sharpness == 3.0
    assert "temperature" not in config.to_mapping()
    assert TrainConfig.from_mapping(config.to_mapping()) == config
    with pytest.raises(UsageError, match="--sharpness is an option of --objective sharpened, not of four_pairings"):
        TrainConfig.from_mapping({**TEXTS, "sharpness": 3})
    shown = CliRunner().invoke(main, ["train", "--help"]).output
    assert "Options of --objective sharpened:" in shown
    assert "How sharp it is, for this test." in shown
    wrong = CliRunner().invoke(main, ["train", "a", "b", "--objective", "sharpened", "--sharpness", "x"])
    assert "--sharpness is 'x'; give a number." in wrong.stderr


def test_help_has_each_option_under_every_variant_that_has_it() -> None:
    shown = CliRunner().invoke(main, ["train", "--help"], terminal_width=200).output
    common, *sections = shown.split("Options of --")
    assert "--rank" not in common
    parts = {part.partition(":")[0]: part for part in sections}
    for kind in PACKAGES:
        for name, config in option_classes(kind).items():
            listed = [line.split()[0] for line in parts.get(f"{kind} {name}", "").splitlines() if line[:4] == "  --"]
            assert listed == [f"--{option.replace('_', '-')}" for option in field_names(config)]
