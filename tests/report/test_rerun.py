"""The command that the report gives makes the same analysis: its options are those that it was made with."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from topores.analysis.analyse import protocol_name
from topores.config import TopologyConfig
from topores.domain import Analysis, State
from topores.report.language import speaking
from topores.report.rerun import analysis_command

RUN = ("topores", "topology", "--checkpoint", "runs/closed_loop")


def made_by(analysis: Analysis, **options: Any) -> Analysis:
    """The analysis as if it had been made with these options."""
    name = protocol_name(TopologyConfig(checkpoint=("runs/closed_loop",), **options))
    return dataclasses.replace(analysis, protocol={**analysis.protocol, "name": name})


def read(command: list[str]) -> TopologyConfig:
    """The options of a command, as the command line reads them."""
    names, values = command[2::2], command[3::2]
    whole = {f.name for f in dataclasses.fields(TopologyConfig) if f.type in ("int", int)}
    found: dict[str, Any] = {"checkpoint": ()}
    for name, value in zip(names, values, strict=True):
        option = name.removeprefix("--").replace("-", "_")
        many = (*found["checkpoint"], value) if option == "checkpoint" else None
        found[option] = many or (int(value) if option in whole else value)
    return TopologyConfig.from_mapping(found)


@pytest.mark.parametrize(
    "options",
    [
        {"metric": "euclidean", "max_degree": 2, "layers": "0,3,6", "seed": 7},
        {"resamples": 50, "max_degree": 0, "layers": "last"},
        {"max_points": 700, "subsamples": 5, "subsample_size": 200},
        {"nulls": "none"},
        {"nulls": "all", "seed": 1},
        {"nulls": "dropout,matched-spectrum,random-text", "resamples": 3, "seed": 12},
    ],
)
def test_the_same_options_come_out_of_the_command(full: Analysis, options: dict[str, Any]) -> None:
    command = analysis_command(made_by(full, **options))
    assert tuple(command[:4]) == RUN
    assert len(command) == 4 + 2 * len(options)
    assert read(command) == TopologyConfig(checkpoint=("runs/closed_loop",), **options)


def test_by_default_there_is_no_option(full: Analysis) -> None:
    assert tuple(analysis_command(made_by(full))) == RUN


def test_what_is_no_name_of_a_protocol_gives_no_command(full: Analysis) -> None:
    for name in ("", "angle-degree1", "angle-degree1-all; rm -r .", "angle-degree1-all-seed1-more"):
        assert analysis_command(dataclasses.replace(full, protocol={"name": name})) == []


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
    assert analysis_command(bare) == [
        "topores", "topology", "--checkpoint", "points.npy", "--metric", "euclidean", "--layers", "last",
    ]  # fmt: skip
    model = State(0, "all-MiniLM-L6-v2", Path("all-MiniLM-L6-v2"))
    assert analysis_command(dataclasses.replace(bare, states=(model,))) == []
