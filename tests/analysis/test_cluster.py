"""A whole analysis on a Dask cluster of two processes is that of this machine's threads, to the bit."""

import logging
from pathlib import Path

import numpy as np
import pytest

from topores import analyse

distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install 'topores[dask]'")


@pytest.mark.slow
def test_two_worker_processes_give_the_bits_of_threads(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    before = draw.normal(size=(150, 24))
    for name, rows in (("before", before), ("after", before + 0.3 * draw.normal(size=before.shape))):
        np.save(tmp_path / f"{name}.npy", rows)
    states = [tmp_path / "before.npy", tmp_path / "after.npy"]
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(**settings, host="127.0.0.1", silence_logs=logging.CRITICAL) as cluster:
        for options in (
            {"max_degree": 2, "resamples": 3, "nulls": "resample"},
            {"max_points": 100, "subsample_size": 50, "subsamples": 4},
        ):
            here = analyse(*states, cache="none", **options)
            there = analyse(*states, cache="none", scheduler=cluster.scheduler_address, **options)
            # As text, which tells every float64 apart, and in which NaN equals NaN.
            assert [repr(m) for m in there.measurements] == [repr(m) for m in here.measurements]
            assert there.diagrams.keys() == here.diagrams.keys()
            assert all(np.array_equal(there.diagrams[place], here.diagrams[place]) for place in here.diagrams)
            assert repr(there.nulls) == repr(here.nulls)
            assert there.loops == here.loops
            assert there.tracks == here.tracks
            assert there.verdict == here.verdict
