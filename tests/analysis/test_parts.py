"""An analysis that loses one part keeps the rest, and says what is missing."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from topores.analysis import analyse
from topores.analysis.maps import MapMaker
from topores.analysis.nulls import resample
from topores.analysis.parts import Parts
from topores.cli import main
from topores.errors import Interrupted, ResourceError, UsageError

ROWS = np.random.default_rng(0).normal(size=(24, 6))


def fail(*_: object, **__: object) -> None:
    raise RuntimeError("it broke\nin two lines")


BREAKING = {
    "The tracks of loops": (analyse, "tracks_of"),
    "The map": (MapMaker, "maps"),
    "The list of neighbours": (MapMaker, "neighbours"),
    "The list of loops": (analyse, "most_significant_loops"),
    "The outline of loops (0.npy)": (analyse, "outlines_of"),
    "The significance of loops (1.npy)": (analyse, "smallest_p"),
    "The null 'Half of the passages'": (resample, "measurements"),
}


@pytest.mark.slow
@pytest.mark.parametrize("part", BREAKING)
def test_one_part_is_lost_alone(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*BREAKING[part], fail)
    for place in range(2):
        np.save(tmp_path / f"{place}.npy", ROWS + place * ROWS[::-1])
    given = [option for place in range(2) for option in ("--checkpoint", str(tmp_path / f"{place}.npy"))]
    report = ["--output", str(tmp_path / "r.html"), "--cache", "none", "--json"]
    done = CliRunner().invoke(main, ["topology", *given, *report])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert "it broke in two lines" in found["missing"][part]
    assert found["verdict"]
    assert "it broke in two lines" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert json.loads(next(tmp_path.rglob("protocol.json")).read_text())["fingerprint"] is None


def test_what_is_missing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    parts = Parts()
    with caplog.at_level(logging.WARNING):
        assert parts.run("The map", fail, 7) == 7
    assert "The map is missing, and the rest is kept (RuntimeError: it broke in two lines)." in caplog.text


@pytest.mark.parametrize("fault", [UsageError, ResourceError, Interrupted])
def test_what_the_user_can_mend_is_not_swallowed(fault: type[Exception]) -> None:
    def refuse() -> None:
        raise fault("said")

    with pytest.raises(fault, match="said"):
        Parts().run("The map", refuse, None)
