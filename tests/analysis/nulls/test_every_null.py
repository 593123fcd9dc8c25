"""Each rung of the ladder on a tiny run: what it measures, that it is the same each time, and that it is a null."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from topores import analyse, train, variants
from topores.analysis.ladder import NULLS, description_of, name_of, nulls_in_order
from topores.domain import Analysis, Measurement
from topores.errors import UsageError
from topores.runs import Run
from topores.text.shuffling import with_random_tokens

ALL = variants.names(NULLS)
RUNS = ("frozen", "shuffled")
"""Nulls that are trained runs; the others are drawn from rows."""


@pytest.fixture(scope="module")
def run(two_texts: tuple[Path, Path], tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(
        article=two_texts[0], meta_analysis=two_texts[1], model=str(tiny_model), passage_tokens=16, batch_size=16,
        device="cpu", cycles=2, learning_rate=1e-3, null="shuffled,frozen", seeds=2, checkpoints="0,1,2",
        output=tmp_path_factory.mktemp("nulls") / "run",
    )  # fmt: skip


@pytest.fixture(scope="module")
def analysis(run: Run) -> Analysis:
    return analyse(run.folder, cache="none", nulls="all")


def of(analysis: Analysis, null: str) -> list[Measurement]:
    return [n.measurement for n in analysis.nulls if n.null == null]


def values(analysis: Analysis, null: str, measure: str, **place: Any) -> list[float]:
    wanted = {"cloud": "union", "against": None, **place}
    return [
        m.value
        for m in of(analysis, null)
        if m.measure == measure and all(getattr(m, name) == value for name, value in wanted.items())
    ]


def test_the_quick_tests_draw_from_an_encoder_too(
    two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path
) -> None:
    """The slow tests below ask more, of every null; here what an encoder draws differs from the run, or is the run."""
    run = train(
        article=two_texts[0], meta_analysis=two_texts[1], model=str(tiny_model), passage_tokens=16, batch_size=16,
        device="cpu", cycles=1, learning_rate=1e-3, checkpoints="0,1", output=tmp_path / "run",
    )  # fmt: skip
    found = analyse(run.folder, cache="none", layers="last", nulls="reencode,random-text,untrained")
    own = found.value("uniformity", 1, found.layers[-1], "union")
    assert values(found, "reencode", "uniformity") == [own]
    assert set(values(found, "reencode", "change", cycle=1, against=1)) == {0.0}
    for name in ("random_text", "untrained"):
        drawn = values(found, name, "uniformity", cycle=1)
        assert len(set(drawn)) == 3
        assert own not in drawn
    assert not values(found, "random_text", "alignment")


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_a_null_is_told_measured_and_shown(name: str, analysis: Analysis) -> None:
    assert description_of(name) == description_of(name).strip(" .")
    assert name in nulls_in_order()
    assert name_of(name)
    found = of(analysis, name)
    assert {"t1", "t2", "union"} == {m.cloud for m in found}
    assert {m.layer for m in found} == {analysis.layers[-1]}
    assert {"total_persistence", "uniformity", "rank_me", "modality_gap"} <= {m.measure for m in found}
    assert not any(m.measure == "betti_curve" for m in found)
    # Runs beside the run are measured as it is; of draws the linear probe is left out.
    assert any(m.measure == "linear_probe_auc" for m in found) == (name in RUNS)


@pytest.mark.slow
def test_the_same_command_draws_the_same(run: Run, analysis: Analysis) -> None:
    again = analyse(run.folder, cache="none", nulls="dropout,resample,random-text,untrained,matched-spectrum")
    for name in ("dropout", "resample", "random_text", "untrained", "matched_spectrum"):
        assert of(again, name) == of(analysis, name)
    other = analyse(run.folder, cache="none", nulls="dropout,resample", seed=1)
    for name in ("dropout", "resample"):
        assert values(other, name, "uniformity") != values(analysis, name, "uniformity")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reencode", "frozen"])
def test_where_nothing_happens_every_change_is_exactly_nothing(name: str, analysis: Analysis) -> None:
    changes = [m for m in of(analysis, name) if m.against is not None]
    zero = {"change", "bottleneck_distance", "wasserstein_distance", "rtd_spanning_tree", "rtd"}
    assert zero <= {m.measure for m in changes}
    assert {m.value for m in changes if m.measure in zero} == {0.0}
    assert max(m.value for m in changes if m.measure == "procrustes.residual") < 1e-7


@pytest.mark.slow
def test_a_reencoded_state_has_the_numbers_of_the_run(analysis: Analysis) -> None:
    last = analysis.layers[-1]
    assert values(analysis, "reencode", "uniformity") == [analysis.value("uniformity", 2, last, "union")]


@pytest.mark.slow
def test_dropout_moves_each_passage_and_its_views_differ(analysis: Analysis) -> None:
    for cycle in (0, 2):
        moved = values(analysis, "dropout", "change", cycle=cycle, against=cycle)
        assert len(moved) == 6
        assert min(moved) > 0.01
        assert len(set(values(analysis, "dropout", "uniformity", cycle=cycle))) == 6


@pytest.mark.slow
def test_halves_are_halves_of_each_text_at_both_ends_and_only_their_diagrams_are_compared(analysis: Analysis) -> None:
    assert len(values(analysis, "resample", "rank_me", cycle=0)) == 20
    changes = {m.measure for m in of(analysis, "resample") if m.against is not None}
    assert changes == {"bottleneck_distance", "wasserstein_distance"}
    whole = analysis.value("total_persistence", 0, analysis.layers[-1], "union", degree=0)
    halves = values(analysis, "resample", "total_persistence", cycle=0, degree=0)
    assert whole is not None
    assert 0.4 < np.mean(halves) / whole < 0.65


@pytest.mark.slow
def test_untrained_and_random_text_have_no_pairs_to_speak_of(analysis: Analysis) -> None:
    own = analysis.value("alignment", 2, analysis.layers[-1], "union")
    assert own is not None
    assert not values(analysis, "random_text", "alignment")
    assert len(set(values(analysis, "untrained", "alignment"))) == 3
    assert own not in values(analysis, "untrained", "alignment")


@pytest.mark.slow
def test_random_texts_are_the_same_tokens(run: Run, tiny_model: Path) -> None:
    from topores.backbones.loading import open_model

    tokenizer = open_model(str(tiny_model), "cpu").tokenizer
    made = with_random_tokens(run.corpus, tokenizer, seed=0)

    def count_in_words(passages: Any) -> list[int]:
        return sorted(i for p in passages for i in tokenizer(p.text, add_special_tokens=False)["input_ids"])

    for before, after in ((run.corpus.t1, made.t1), (run.corpus.t2, made.t2)):
        assert len(before) == len(after)
        assert count_in_words(before) == count_in_words(after)
        assert sum(b.text != a.text for b, a in zip(before, after, strict=True)) > len(before) / 2
    assert with_random_tokens(run.corpus, tokenizer, seed=0) == made
    assert with_random_tokens(run.corpus, tokenizer, seed=1) != made


@pytest.mark.slow
def test_arrays_have_what_needs_no_encoder_and_the_rest_is_named_if_it_was_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    points = np.random.default_rng(0).normal(size=(2, 40, 8))
    for name, rows in zip("ab", points, strict=True):
        np.save(tmp_path / f"{name}.npy", rows)
    caplog.set_level(logging.INFO, logger="topores")
    files = [tmp_path / "a.npy", tmp_path / "b.npy"]
    found = analyse(*files, cache="none")
    drawn = {n.null for n in found.nulls}
    assert {"resample", "matched_spectrum"} <= drawn
    assert not drawn & {"dropout", "frozen", "random_text", "shuffled", "untrained"}
    assert "left out" not in caplog.text
    assert drawn <= {n.null for n in analyse(*files, cache="none", nulls="all").nulls}
    analyse(*files, cache="none", nulls="dropout,shuffled")
    assert "The null 'dropout' is left out: the points are an array" in caplog.text
    assert (
        "The null 'shuffled' is left out: it is trained beside a run of topores train, and these states are none"
        in caplog.text
    )


def test_large_clouds_are_spared(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(80, 8)))
    options = {"cache": "none", "max_points": 50, "subsample_size": 20, "subsamples": 3}
    found = analyse(tmp_path / "a.npy", nulls="resample,matched-spectrum", **options)
    assert found.nulls == ()
    assert "a cloud has 80 points, and nulls are drawn for 50 at most" in caplog.text


def test_unknown_nulls_are_named() -> None:
    with pytest.raises(UsageError, match=r"--nulls names 'droput'. Did you mean 'dropout'\?"):
        analyse("x", nulls="resample,droput")


@pytest.mark.slow
def test_none_measures_none(run: Run) -> None:
    assert analyse(run.folder, cache="none", nulls="none", layers="last").nulls == ()
