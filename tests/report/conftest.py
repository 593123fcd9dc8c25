"""Analyses to render, and the page they give; made once."""

import dataclasses

import pytest

from tests.report.made import make_bare, make_full
from topores.domain import Analysis, Claim, Loop, Measurement, Passage, State, Verdict
from topores.report import render

HOSTILE = (
    "</script><script>document.title='ran'</script><img src=x onerror=alert(1)>\" ' & \u2028\u202e\x00\udc80 ]]><!--"
)
"""Ends scripts, opens images, closes attributes, turns the reading direction, cannot be encoded."""


@pytest.fixture(scope="session")
def full() -> Analysis:
    return make_full()


@pytest.fixture(scope="session")
def bare() -> Analysis:
    return make_bare()


@pytest.fixture(scope="session")
def page(full: Analysis) -> str:
    return render(full)


@pytest.fixture(scope="session")
def bare_page(bare: Analysis) -> str:
    return render(bare)


@pytest.fixture(scope="session")
def hostile(full: Analysis) -> Analysis:
    """The full analysis with `HOSTILE` wherever a user's text, name, path or option stands."""
    corpus = full.corpus
    assert corpus is not None
    cloud = f"t2{HOSTILE}"
    return dataclasses.replace(
        full,
        name=HOSTILE,
        protocol={HOSTILE: HOSTILE, "name": HOSTILE, "metric": HOSTILE},
        states=tuple(State(s.cycle, f"{s.label}{HOSTILE}", s.path / "x") for s in full.states),
        clouds=("t1", cloud, "union"),
        loops=tuple(Loop(m.cycle, m.layer, "t1", m.birth, m.death, m.p, m.members[:1]) for m in full.loops),
        measurements=tuple(_hostile_unit(m) for m in full.measurements),
        verdict=Verdict(HOSTILE, (Claim(HOSTILE, 1.0, None, None),)),
        corpus=dataclasses.replace(corpus, t1=tuple(map(_hostile_passage, corpus.t1))),
        run={
            "options": {"article": HOSTILE, HOSTILE: HOSTILE, "cycles": HOSTILE},
            "versions": {HOSTILE: HOSTILE},
            "device": HOSTILE,
            "seeds": HOSTILE,
            "sha256": {"article": {HOSTILE: HOSTILE}},
            "argv": [HOSTILE, "train", HOSTILE],
            "seconds": HOSTILE,
        },
    )


def _hostile_passage(passage: Passage) -> Passage:
    return dataclasses.replace(passage, document=HOSTILE, text=HOSTILE * 30)


def _hostile_unit(m: Measurement) -> Measurement:
    return dataclasses.replace(m, unit=HOSTILE) if m.measure == "procrustes.angle" else m
