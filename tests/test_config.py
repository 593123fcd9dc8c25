"""Options: read, checked all at once, written and read back, documented once."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topores.config import TopologyConfig, TrainConfig
from topores.errors import UsageError
from topores.options import field_docs, whole_number

TEXTS = {"article": "a.txt", "meta_analysis": "b.txt"}


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
        ({**TEXTS, "positions": "first:0"}, "--positions is 'first:0'; give all, first:K, last:K, or first:K,last:K."),
        ({**TEXTS, "positions": "middle:3"}, "--positions is 'middle:3'; give all"),
        ({**TEXTS, "positions": "first:2,last:97"}, "but no passage has more than 96 tokens; give fewer, or all."),
        ({**TEXTS, "checkpoints": "every:0"}, "--checkpoints is 'every:0'"),
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


def test_dashes_and_underscores_are_the_same() -> None:
    assert TrainConfig.from_mapping({**TEXTS, "batch-size": 7}).batch_size == 7


@pytest.mark.parametrize("config", [TrainConfig, TopologyConfig])
def test_every_option_is_documented(config: type) -> None:
    docs = field_docs(config)
    for field in dataclasses.fields(config):
        assert len(docs[field.name]) > 20
        assert docs[field.name].endswith(".")
