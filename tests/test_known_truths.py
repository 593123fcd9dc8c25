"""Verdicts on runs that are known to be true, permuted, frozen, collapsed, or of a text with itself."""

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from topores import analyse, train
from topores.analysis.gain import Gain, gain_of
from topores.commands.demo import sample_texts
from topores.domain import Verdict
from topores.errors import InputError
from topores.runs import Run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("packaged_encoder")]

Pairs = Sequence[tuple[str, str]]


@pytest.fixture(scope="module")
def true(tmp_path_factory: pytest.TempPathFactory) -> Run:
    with resources.as_file(sample_texts()) as texts:
        return train(
            article=texts / "article.md", meta_analysis=texts / "meta_analysis.md", encoder="loreft", cycles=200,
            device="cpu", output=tmp_path_factory.mktemp("truths") / "true",
        )  # fmt: skip


@pytest.fixture(scope="module")
def pairs(true: Run) -> Pairs:
    """The pairs of the sample texts, each passage once."""
    corpus, found = true.corpus, {}
    for one, other in zip(corpus.pairs.t1.tolist(), corpus.pairs.t2.tolist(), strict=True):
        if one not in found and other not in found.values():
            found[one] = other
    return [(corpus.t1[one].text, corpus.t2[other].text) for one, other in found.items()]


def judged(run: Run) -> Verdict:
    return analyse(run.folder, nulls="shuffled,dropout,resample").verdict


def trained_on(pairs: Pairs, folder: Path, **more: Any) -> Run:
    file = folder / "pairs.jsonl"
    lines = [json.dumps({"article": one, "meta_analysis": other}) for one, other in pairs]
    file.write_text("\n".join(lines), encoding="utf-8")
    return train(pairs=file, encoder="linear", cycles=40, device="cpu", output=folder / "run", **more)


def gain(run: Run) -> Gain:
    found = gain_of(run, run.metrics[-1]["cycle"])
    assert found is not None
    assert found.over.shuffled is not None
    return found


def test_true_pairs_are_learned(true: Run) -> None:
    found, verdict = gain(true), judged(true)
    assert found.over.untrained.low > 0
    assert found.over.shuffled.low > 0
    assert verdict.outcomes == ("learned",)
    assert "the encoder learned: unseen partners gain +" in verdict.sentence


def test_permuted_pairs_are_not(pairs: Pairs, tmp_path: Path) -> None:
    moved = [other for _, other in pairs]
    run = trained_on(list(zip((one for one, _ in pairs), moved[7:] + moved[:7], strict=True)), tmp_path)
    found, verdict = gain(run), judged(run)
    assert found.over.untrained.low < 0 < found.over.untrained.high
    assert found.over.shuffled.low < 0 < found.over.shuffled.high
    assert not {"learned", "learned at first", "learned, then lost", "learned, then memorised"} & {*verdict.outcomes}
    assert "the encoder learned" not in verdict.sentence


def test_a_learning_rate_of_nothing_is_frozen(pairs: Pairs, tmp_path: Path) -> None:
    run = trained_on(pairs, tmp_path, learning_rate=1e-30)
    assert gain(run).over.untrained[:3] == pytest.approx((0, 0, 0), abs=1e-9)
    verdict = judged(run)
    assert verdict.outcome == "frozen"
    assert "nothing changed: every passage is where it was" in verdict.sentence


def test_a_text_with_itself_has_nothing_to_gain(pairs: Pairs, tmp_path: Path) -> None:
    """Each passage with its own words, second half first: equal texts are no pair of a file."""
    with pytest.raises(InputError, match="the two texts are identical"):
        trained_on([(one, one) for one, _ in pairs], tmp_path)
    run = trained_on([(one, _halves_exchanged(one)) for one, _ in pairs], tmp_path)
    found, verdict = gain(run), judged(run)
    assert found.before == 1.0
    assert found.over.untrained.high == pytest.approx(0, abs=1e-9)
    assert verdict.outcomes == ("no gain",)
    assert "memorised" not in verdict.sentence


def _halves_exchanged(text: str) -> str:
    words = text.split()
    return " ".join([*words[len(words) // 2 :], *words[: len(words) // 2]])


def test_a_space_in_one_place_collapsed(two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path) -> None:
    run = train(
        article=two_texts[0], meta_analysis=two_texts[1], model=str(tiny_model), passage_tokens=16, batch_size=16,
        device="cpu", encoder="full", learning_rate=3e-2, cycles=12, output=tmp_path / "run",
    )  # fmt: skip
    verdict = judged(run)
    assert verdict.outcome == "collapsed"
    assert "the space collapsed (uniformity " in verdict.sentence
    assert str(verdict.headline) == "The space collapsed"
