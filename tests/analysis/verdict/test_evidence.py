"""What the verdict's rules are given: the right numbers."""

from topores.analysis.numbers import name_of
from topores.analysis.verdict.evidence import compared_at, replicates_at
from topores.domain import Measurement, NullMeasurement


def number(measure: str, value: float, **place: object) -> Measurement:
    at = {"cycle": 10, "layer": 6, "cloud": "union", "unit": "", **place}
    return Measurement(measure=measure, value=value, **at)  # type: ignore[arg-type]


def test_only_the_union_at_the_last_layer_by_itself_is_compared() -> None:
    measured = [
        number("uniformity", -3.0),
        number("uniformity", -9.0, layer=5),
        number("uniformity", -9.0, cloud="t1"),
        number("uniformity", -9.0, cycle=5),
        number("total_persistence", 4.0, degree=1),
        number("total_persistence", 90.0, degree=0),
        number("total_persistence", 7.0, degree=2),
        number("cluster_gap", 0.4),
        number("change", 0.8, against=0),
        number("change", 0.1, against=5),
        number("betti_curve", 3.0, degree=1, threshold=0.5),
        number("hubness_skewness", 1.0),
    ]
    assert compared_at(measured, 10) == {
        "uniformity": -3.0, "loop_persistence": 4.0, "spanning_tree": 90.0, "cluster_gap": 0.4, "change": 0.8
    }  # fmt: skip
    assert compared_at(measured, 99) == {}


def test_names_tell_degrees_apart() -> None:
    assert name_of(number("total_persistence", 1.0, degree=0)) == "spanning_tree"
    assert name_of(number("total_persistence", 1.0, degree=2)) is None
    assert name_of(number("betti_curve", 1.0, degree=1, threshold=0.1)) is None


def null(kind: str, replicate: int, m: Measurement) -> NullMeasurement:
    return NullMeasurement(kind, replicate, m)


def test_draws_are_told_apart() -> None:
    nulls = [null("shuffled", r, number("rank_me", 50.0 + r, cycle=c)) for r in range(3) for c in (0, 10)]
    nulls += [null("frozen", 0, number("rank_me", 9.0))]
    assert replicates_at(nulls, "shuffled", 10) == [{"rank_me": 50.0}, {"rank_me": 51.0}, {"rank_me": 52.0}]
    assert replicates_at(nulls, "dropout", 10) == []
