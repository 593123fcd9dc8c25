"""The ladder: a null that fails is named, and costs no other."""

import logging
from types import ModuleType
from typing import Any

import pytest

from topores import variants
from topores.analysis.ladder import FAILED, measured_nulls
from topores.analysis.nulls._ground import Ground
from topores.analysis.parts import Parts
from topores.domain import Measurement, NullMeasurement
from topores.errors import ResourceError

ONE = NullMeasurement("good", 0, Measurement(0, 0, "union", "rank_me", 3.0, ""))


def null(found: Any, reason: str | None = None) -> ModuleType:
    def measurements(_ground: Any) -> Any:
        yield ONE
        if isinstance(found, BaseException):
            raise found

    module = ModuleType("null")
    vars(module).update(NAME="Some null", why_not=lambda _ground: reason, measurements=measurements)
    return module


def with_nulls(monkeypatch: pytest.MonkeyPatch, **nulls: ModuleType) -> tuple[str, ...]:
    monkeypatch.setattr(variants, "load", lambda _package, name: nulls[name])
    return tuple(nulls)


def test_one_that_fails_and_one_that_cannot_be_are_named_and_the_others_stand(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, absent = null(ValueError("no\nsuch layer.")), null(None, "the encoder has no dropout")
    names = with_nulls(monkeypatch, bad=bad, absent=absent, good=null(None))
    parts = Parts()
    with caplog.at_level(logging.WARNING):
        found = measured_nulls(Ground.__new__(Ground), names, parts, asked=False)
    assert found.measurements == (ONE,)
    assert parts.missing == {"The null 'Some null'": f"{FAILED} (ValueError: no such layer)"}
    assert found.left_out == {"bad": f"{FAILED} (ValueError: no such layer)", "absent": "the encoder has no dropout"}
    assert [r.message for r in caplog.records] == [f"The null 'bad' is left out: {FAILED} (ValueError: no such layer)."]


def test_a_full_disk_ends_the_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    names = with_nulls(monkeypatch, bad=null(ResourceError("The disk is full.")))
    with pytest.raises(ResourceError):
        measured_nulls(Ground.__new__(Ground), names, Parts(), asked=True)
