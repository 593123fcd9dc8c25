"""Sentences on a language model's run, from lines whose answer is plain."""

from typing import Any

from topores.analysis.by_heart import by_heart, full_extraction, least_cost, overfits

PAIRINGS = ("1to1", "2to2", "1to2", "2to1")


def line(cycle: int, cost: float | None, extraction: float | None = 0.0, *, worth: float = 0.0, **more: Any) -> dict:
    costs = {f"held_out_nll_{name}": cost for name in PAIRINGS}
    others = {f"held_out_nll_{name}_other": None if cost is None else cost + worth for name in PAIRINGS}
    return {"cycle": cycle, "token_loss_1to1": 1.0, **costs, **others, "extraction_16": extraction, **more}


def said(*lines: dict) -> str:
    return "\n".join(by_heart(lines))


def test_other_runs_have_nothing_to_say() -> None:
    assert by_heart([{"cycle": 0, "loss": 1.0, "held_out_mrr_1to2": 0.5}]) == []
    assert by_heart([]) == []


def test_it_chokes() -> None:
    run = [line(0, 6.0), line(10, 4.0, 0.2), line(20, 4.5, 0.95), line(30, 5.25, 0.96)]
    assert (least_cost(run), full_extraction(run), overfits(run)) == ((10, 4.0), 20, True)
    words = said(*run)
    assert words.startswith("It chokes: it says its training texts by heart, and gets worse on unseen ones.")
    assert "The held-out cost is least at cycle 10, 4.00 nats a token, and rises to 5.25 at cycle 30." in words
    assert (
        "Given 16 tokens, it continues 96% of the training passages word for word at cycle 30; 90% are reached at "
        "cycle 20." in words
    )


def test_it_overfits_without_knowing_by_heart() -> None:
    words = said(line(0, 6.0), line(10, 4.0, 0.2), line(20, 4.5, 0.4))
    assert words.startswith("It overfits: it gets worse on unseen texts.")
    assert "continues 40% of the training passages word for word at cycle 20." in words


def test_a_small_rise_is_none() -> None:
    run = [line(0, 6.0), line(10, 4.0), line(20, 4.05)]
    assert not overfits(run)
    assert said(*run).startswith("It neither overfits nor says its training texts by heart yet.")
    assert "least at cycle 10, 4.00 nats a token, and has not risen since." in said(*run)
    assert said(line(0, 4.0, 1.0)).startswith("It says its training texts by heart.")


def test_nothing_held_out_and_nothing_long_enough() -> None:
    nothing_held_out = "Nothing is held out, so nothing shows whether it overfits."
    too_short = "No training passage is long enough to be asked for by its first 16 tokens."
    assert said(line(0, None, None), line(5, None, None)) == f"{nothing_held_out}\n{too_short}"
    assert said(line(5, None, 0.5)).startswith("It does not say its training texts by heart yet.")
    words = said(line(5, 4.0, None))
    assert words.startswith("It does not overfit yet.")
    assert words.endswith(too_short)


def test_what_the_source_is_worth_is_said_at_the_best_cycle_and_across_the_texts() -> None:
    best = line(1, 4.0, worth=0.5) | {"held_out_nll_1to1_other": 9.0, "held_out_nll_2to2_other": 9.0}
    assert "makes unseen targets cheaper by 0.50 nats a token." in said(best, line(2, 5.0, worth=2.0))
    assert "by 0.05 nats a token: it is hardly used." in said(line(1, 4.0, worth=0.05))
    assert "no cheaper than another one: it is not used." in said(line(1, 4.0, worth=-0.01))


def test_it_copies_where_more_is_copied_than_the_subject_makes_common() -> None:
    shares = {"copied_from_source": 0.1, "copied_from_target": 0.1, "copied_by_target": 0.25}
    assert "It copies: on unseen sources, 60% of what it says is one run of a training text" in said(
        line(1, 4.0, copied_from_training=0.6, **shares)
    )
    assert "no more than of what should be said (25%)" in said(line(1, 4.0, copied_from_training=0.28, **shares))


def test_canaries_are_named_where_there_are_some() -> None:
    assert "Exposure of canaries: 7.5 of 8 bits (1.4 by chance)." in said(line(1, 4.0, exposure=7.5))
    assert "canaries" not in said(line(1, 4.0))
