import dataclasses

from tests.report.reading import Page, values
from topores.domain import PAIRINGS, Analysis
from topores.report.language import speaking
from topores.report.run.sections import language_model, logged, losses

LINES = tuple(
    {
        "cycle": cycle, "loss": 6.0 - cycle, **{f"token_loss_{name}": 5.0 for name in PAIRINGS},
        **{f"held_out_nll_{name}": 4.0 + cycle for name in PAIRINGS},
        **{f"train_nll_{name}": 3.0 for name in PAIRINGS}, "extraction_16": 0.5 * cycle, "extraction_50": None,
        "copied_from_training": 0.5,
    }
    for cycle in range(3)
)  # fmt: skip


def trained(full: Analysis) -> Analysis:
    return dataclasses.replace(full, metrics=LINES)


def test_runs_of_other_objectives_have_no_such_section(full: Analysis, bare: Analysis) -> None:
    assert language_model.render(full) == language_model.render(bare) == ""


def test_it_says_what_the_terminal_says(full: Analysis) -> None:
    words = Page(f"<div>{language_model.render(trained(full))}</div>").all("li")[0].words
    assert words == "It chokes: it says its training texts by heart, and gets worse on unseen ones."
    with speaking("ru"):
        words = Page(f"<div>{language_model.render(trained(full))}</div>").all("li")[0].words
    assert words.startswith("Модель захлебнулась")


def test_costs_are_drawn_as_means_of_the_pairings_and_what_was_not_logged_is_not(full: Analysis) -> None:
    lines = [e.words for e in Page(f"<div>{language_model.render(trained(full))}</div>").all("polyline")]
    assert lines == [
        "Held-out token cost", "Training token cost", "Extraction from 16 tokens", "Copied from a training text",
        "Loss",
    ]  # fmt: skip


def test_every_number_stands_in_the_table(full: Analysis) -> None:
    shown = values(language_model.render(trained(full)))
    assert shown[: len(shown) // 3][0] == 0.0
    assert set(shown) >= {4.0, 5.0, 6.0, 3.0, 0.5}


def test_no_other_section_shows_them_again(full: Analysis) -> None:
    assert losses.render(trained(full)) == ""
    assert "extraction" not in logged.render(trained(full)).lower()
