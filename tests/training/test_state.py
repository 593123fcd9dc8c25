"""The resume state: exact, the newest two kept, a damaged one passed over, no pickle."""

import logging
from pathlib import Path

import pytest
import torch
from torch import nn

from topores.errors import RunError
from topores.training.state import Progress, load_state, save_state


def trained(steps: int, seed: int = 0) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    model = nn.Linear(4, 3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    step(model, optimizer, range(steps))
    return model, optimizer


def step(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
    for i in steps:
        torch.manual_seed(1000 + i)
        model(torch.randn(8, 4)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()


def test_three_steps_saved_and_three_more_equal_six(tmp_path: Path) -> None:
    whole, _ = trained(6)
    half, optimizer = trained(3)
    save_state(tmp_path, half, optimizer, Progress(3, 1.5, [{"loss": 0.1}]))
    resumed, fresh = trained(0, seed=9)
    progress = load_state(tmp_path, resumed, fresh)
    assert (progress.step, progress.seconds, progress.losses) == (3, 1.5, [{"loss": 0.1}])
    step(resumed, fresh, range(3, 6))
    assert torch.equal(resumed.weight, whole.weight)
    assert torch.equal(resumed.bias, whole.bias)


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    model, optimizer = trained(1)
    for i in (1, 2, 10, 3000):
        save_state(tmp_path, model, optimizer, Progress(i))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000000000000010", "step-000000000003000"]


@pytest.mark.parametrize("damage", ["cut", "flip", "progress", "missing"])
def test_a_damaged_newest_state_falls_back_and_says_so(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    older, optimizer = trained(2)
    save_state(tmp_path, older, optimizer, Progress(2))
    newer, optimizer = trained(4)
    save_state(tmp_path, newer, optimizer, Progress(4))
    weights = tmp_path / "step-000000000000004" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    if damage == "cut":
        weights.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        content[-1] ^= 1
        weights.write_bytes(content)
    elif damage == "progress":
        (weights.parent / "progress.json").write_text('{"step": 4', encoding="utf-8")
    else:
        weights.unlink()
    model, optimizer = trained(0)
    with caplog.at_level(logging.WARNING, logger="topores"):
        assert load_state(tmp_path, model, optimizer).step == 2
    assert torch.equal(model.weight, older.weight)
    assert "damaged" in caplog.text


def test_no_state_at_all_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no state that can be read"):
        load_state(tmp_path, *trained(0))


def test_nothing_is_pickled(tmp_path: Path) -> None:
    model, optimizer = trained(1)
    save_state(tmp_path, model, optimizer, Progress(1))
    assert {p.suffix for p in tmp_path.rglob("*") if p.is_file()} == {".safetensors", ".json"}
