"""`topores doctor`: every part is looked at, and one that fails hides no other."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.model_kinds import made, routed
from topores import topology
from topores.backbones import loading
from topores.cli import main
from topores.commands.doctor import run_doctor
from topores.compute import devices
from topores.errors import ToporesError


@pytest.mark.usefixtures("packaged_encoder")
def test_every_check_passes_where_all_is_installed() -> None:
    checks = run_doctor()
    assert [check for check in checks if not check.passed] == []
    assert [check.detail for check in checks if "384 dimensions" in check.detail] != []


def test_a_check_that_fails_is_said_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_device(_: str) -> str:
        raise RuntimeError("driver is too old")

    def no_model(*_: object) -> None:
        raise ToporesError("the model is damaged")

    monkeypatch.setattr(devices, "choose_device", no_device)
    monkeypatch.setattr(loading, "open_model", no_model)
    monkeypatch.setattr(topology, "bottleneck_distance", lambda *_: 0.5)
    failed = {check.name: check.detail for check in run_doctor() if not check.passed}
    assert failed.keys() == {"device", "packaged encoder", "homology engines agree"}
    assert failed["device"] == "RuntimeError: driver is too old"
    assert failed["packaged encoder"] == "the model is damaged"
    assert failed["homology engines agree"].startswith("redzed, ripser and the spanning tree differ by 0.5;")


def test_a_model_and_what_can_be_trained_of_it(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["doctor", str(made("gpt2", tmp_path))])
    assert done.exit_code == 0, done.output
    for said in ("architecture: GPT2Model", "layers: 2", "dropout: yes", "note: its tokenizer has no padding token"):
        assert said in done.stdout
    marks = {line[5:].split(":")[0]: line[:3] for line in done.stdout.splitlines() if "--encoder" in line[:15]}
    assert marks["--encoder lora"] == "ok "
    assert marks["--encoder oft"] == "no "


def test_a_model_that_is_refused(tmp_path: Path) -> None:
    folder = routed(tmp_path, default=None)
    done = CliRunner().invoke(main, ["doctor", str(folder)])
    assert done.exit_code == 3
    assert done.stdout.startswith(f"BAD  model: '{folder}' takes texts by task (document, query)")
    assert done.stdout.count("\n") == 1
