"""Container limits are respected in both versions of cgroups, and nothing breaks without cgroups."""

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from topores.compute import resources
from topores.compute.resources import available_memory

GB = 2**30


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A machine with 64 GB available, and a folder for its cgroup files."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=64 * GB))
    monkeypatch.setattr(resources, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(resources, "GROUPS", tmp_path / "groups")

    def write(own: str, **files: object) -> None:
        (tmp_path / "own").write_text(own)
        for name, content in files.items():
            place = tmp_path / "groups" / name.replace("__", "/").replace("DOT", ".")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"{content}\n")

    return write


def test_this_machine_has_some_and_no_more_than_it_is_built_with() -> None:
    assert 0 < available_memory() <= psutil.virtual_memory().total


@pytest.mark.usefixtures("groups")
def test_no_control_groups() -> None:
    assert available_memory() == 64 * GB


def test_version_2_within_its_container(groups) -> None:
    groups(
        "0::/\n",
        memoryDOTmax=8 * GB,
        memoryDOTcurrent=3 * GB,
        memoryDOTstat=f"total_inactive_file 5\ninactive_file {GB}",
    )
    assert available_memory() == 6 * GB


def test_version_2_without_a_limit(groups) -> None:
    groups("0::/a\n", a__memoryDOTmax="max", a__memoryDOTcurrent=3 * GB)
    assert available_memory() == 64 * GB


def test_a_group_further_out_limits_too(groups) -> None:
    groups(
        "0::/job/step\n",
        job__step__memoryDOTmax=10 * GB, job__step__memoryDOTcurrent=GB,
        job__memoryDOTmax=12 * GB, job__memoryDOTcurrent=8 * GB,
    )  # fmt: skip
    assert available_memory() == 4 * GB


def test_version_1(groups) -> None:
    groups(
        "5:cpu,cpuacct:/x\n4:memory:/docker/one\n0::/\n",
        memory__docker__one__memoryDOTlimit_in_bytes=4 * GB,
        memory__docker__one__memoryDOTusage_in_bytes=2 * GB,
        memory__docker__one__memoryDOTstat=f"inactive_file 7\ntotal_inactive_file {GB}",
        memory__memoryDOTlimit_in_bytes=2**63 - 4096,
        memory__memoryDOTusage_in_bytes=40 * GB,
    )
    assert available_memory() == 3 * GB


def test_version_1_seen_from_inside_where_only_the_root_is_mounted(groups) -> None:
    groups(
        "4:memory:/docker/one\n",
        memory__memoryDOTlimit_in_bytes=4 * GB, memory__memoryDOTusage_in_bytes=GB,
    )  # fmt: skip
    assert available_memory() == 3 * GB


def test_over_the_limit_nothing_is_left(groups) -> None:
    groups("0::/\n", memoryDOTmax=GB, memoryDOTcurrent=2 * GB)
    assert available_memory() == 0
