"""The command that the report gives makes the same analysis: its options are those that it was made with."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from topores.analysis.analyse import chosen_options
from topores.config import TopologyConfig
from topores.domain import Analysis, State
from topores.report.language import speaking
from topores.report.run.rerun import analysis_command

RUN = ("topores", "topology", "--checkpoint", "runs/closed_loop")


def made_by(analysis: Analysis, **options: Any) -> Analysis:
    """The analysis as if it had been made with these options."""
    chosen = chosen_options(TopologyConfig(checkpoint=("runs/closed_loop",), **options))
    return dataclasses.replace(analysis, protocol={**analysis.protocol, "options": json.loads(json.dumps(chosen))})


def read(command: list[str]) -> TopologyConfig:
    """The options of a command, as the command line reads them."""
    from topores.cli import topology

    found = topology.make_context("topology", command[2:]).params
    known = {field.name for field in dataclasses.fields(TopologyConfig)}
    return TopologyConfig.from_mapping(
        {name: value for name, value in found.items() if name in known and value not in (None, ())}
    )


@pytest.mark.parametrize(
    "options",
    [
        {"metric": "euclidean", "max_degree": 2, "layers": "0,3,6", "seed": 7},
        {"resamples": 50, "max_degree": 0, "layers": "last"},
        {"max_points": 700, "subsamples": 5, "subsample_size": 200},
        {"nulls": "none"},
        {"nulls": "all", "seed": 1},
        {"nulls": "dropout,matched-spectrum,random-text", "resamples": 3, "seed": 12},
        {"passage_tokens": 48, "repair": True},
    ],
)
def test_the_same_options_come_out_of_the_command(full: Analysis, options: dict[str, Any]) -> None:
    command = analysis_command(made_by(full, **options))
    assert tuple(command[:4]) == RUN
    assert read(command) == TopologyConfig(checkpoint=("runs/closed_loop",), **options)


def test_by_default_there_is_no_option(full: Analysis) -> None:
    assert tuple(analysis_command(made_by(full))) == RUN


def test_what_keeps_no_options_has_no_command(full: Analysis) -> None:
    for protocol in ({}, {"options": None}, {"options": "--seed 1; rm -r ."}):
        assert analysis_command(dataclasses.replace(full, protocol=protocol)) == []


def test_options_that_decide_nothing_are_left_out() -> None:
    config = TopologyConfig(checkpoint=("a",), lang="ru", cache="none", figures=True, seed=3, texts=(Path("b.txt"),))
    assert chosen_options(config) == {"seed": 3, "texts": ["b.txt"]}


def test_a_russian_report_asks_for_a_russian_one(full: Analysis) -> None:
    with speaking("ru"):
        assert tuple(analysis_command(made_by(full))) == (*RUN, "--lang", "ru")


def test_a_part_of_the_states_is_named_one_by_one(full: Analysis) -> None:
    plain = made_by(full)
    lone = dataclasses.replace(plain, states=plain.states[-1:])
    assert analysis_command(lone)[2:] == ["--checkpoint", str(full.states[-1].path)]
    first = dataclasses.replace(plain, states=plain.states[:2])
    assert analysis_command(first)[2::2] == 2 * ["--checkpoint"]


def test_arrays_are_named_and_models_on_texts_of_which_no_file_is_known_have_no_command(bare: Analysis) -> None:
    plain = made_by(bare, metric="euclidean", layers="last")
    assert analysis_command(plain) == [
        "topores", "topology", "--checkpoint", "points.npy", "--layers", "last", "--metric", "euclidean",
    ]  # fmt: skip
    model = State(0, "all-MiniLM-L6-v2", Path("all-MiniLM-L6-v2"))
    assert analysis_command(dataclasses.replace(plain, states=(model,))) == []
    with_texts = dataclasses.replace(made_by(bare, texts=(Path("a b.txt"), Path("c.md"))), states=(model,))
    assert analysis_command(with_texts)[2:] == [
        "--checkpoint", "all-MiniLM-L6-v2", "--texts", "a b.txt", "--texts", "c.md",
    ]  # fmt: skip
