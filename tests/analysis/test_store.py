"""The verdict on disk: English for whoever reads the file, and phrases for the report."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from topores.analysis.store import PROTOCOL, read_results, write_results
from topores.domain import Analysis, Claim, Measurement, State, Verdict
from topores.phrases import Count, Phrase, join_phrases

SENTENCE = Phrase(
    "{span} {told}.",
    span=Phrase("From {first} to {last}", first="{a}.npy", last=Phrase("cycle {n:,}", n=1200)),
    told=join_phrases(
        "; ",
        [
            Phrase("{loops} turned", loops=Count(1, "loop")),
            Phrase("a cluster was lost (p = {p:.2g})", p=np.float64(0.0123)),
        ],
    ),
)
ENGLISH = "From {a}.npy to cycle 1,200 1 loop turned; a cluster was lost (p = 0.012)."
VERDICT = Verdict(
    SENTENCE,
    (
        Claim(Phrase("change of {measure}", measure=Phrase("RankMe")), 2.0, 1.0, None),
        Claim("as it is", 1.0, None, None),
    ),
    "learned",
    "turned",
    Phrase("{n} loops gained", n=2),
)


def analysis(verdict: Verdict) -> Analysis:
    square = np.array([[0.0, 1.0], [0.0, np.inf]])
    return Analysis(
        name="points", protocol={"metric": "angle"}, states=(State(0, "points.npy", Path("points.npy")),), layers=(0,),
        clouds=("union",), diagrams={(0, 0, "union", 0): square},
        measurements=(Measurement(0, 0, "union", "uniformity", -2.25, ""),), loops=(), verdict=verdict,
    )  # fmt: skip


def kept(folder: Path) -> dict[str, Any]:
    return json.loads((folder / PROTOCOL).read_text(encoding="utf-8"))


def replaced(folder: Path, verdict: dict[str, Any]) -> Verdict:
    """What is read where other facts of the verdict stand."""
    facts = {**kept(folder), "verdict": verdict}
    (folder / PROTOCOL).write_text(json.dumps(facts), encoding="utf-8")
    return read_results(folder, None).verdict


def test_phrases_are_read_back_as_phrases(tmp_path: Path) -> None:
    write_results(analysis(VERDICT), tmp_path)
    found = read_results(tmp_path, None).verdict
    assert found == VERDICT
    assert isinstance(found.sentence, Phrase)
    assert found.sentence.template == "{span} {told}."
    assert found.sentence.values["span"].values["last"].values == {"n": 1200}
    assert isinstance(found.sentence.values["told"].values["part_0"].values["loops"], Count)
    assert isinstance(found.headline, Phrase)
    assert [isinstance(claim.what, Phrase) for claim in found.claims] == [True, False]


def test_the_file_says_it_in_english(tmp_path: Path) -> None:
    write_results(analysis(VERDICT), tmp_path)
    verdict = kept(tmp_path)["verdict"]
    assert (verdict["sentence"], verdict["headline"]) == (ENGLISH, "2 loops gained")
    assert [claim["what"] for claim in verdict["claims"]] == ["change of RankMe", "as it is"]


def test_older_results_stay_english(tmp_path: Path) -> None:
    write_results(analysis(VERDICT), tmp_path)
    older = {n: v for n, v in kept(tmp_path)["verdict"].items() if n not in ("phrases", "headline")}
    found = replaced(tmp_path, older)
    assert (found.sentence, found.headline) == (ENGLISH, "")
    assert not isinstance(found.sentence, Phrase)
    assert [claim.what for claim in found.claims] == ["change of RankMe", "as it is"]


@pytest.mark.parametrize(
    "phrase",
    [
        {"template": "Something else.", "values": {}},
        {"template": "{a.__class__}", "values": {"a": 1}},
        {"template": "{a:999999999999}", "values": {"a": 1}},
        {"template": "{a}", "values": {}},
        {"template": "{", "values": {}},
        {"template": 3, "values": None},
        [],
        None,
    ],
)
def test_a_phrase_that_says_anything_else_is_not_believed(tmp_path: Path, phrase: Any) -> None:
    write_results(analysis(VERDICT), tmp_path)
    verdict = kept(tmp_path)["verdict"]
    verdict["phrases"]["sentence"] = phrase
    found = replaced(tmp_path, verdict)
    assert found.sentence == ENGLISH
    assert not isinstance(found.sentence, Phrase)
