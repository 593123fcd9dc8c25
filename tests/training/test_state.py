"""The resume state: exact, the newest two kept, a damaged one passed over, no pickle."""

import ast
import hashlib
import json
import logging
import os
import pickle
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import topores
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


def with_frozen(frozen_weight: float) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 3))
    nn.init.constant_(model[0].weight, frozen_weight)
    model[0].requires_grad_(False)
    model.register_buffer("mean", torch.zeros(2))
    return model, torch.optim.AdamW(model[1].parameters(), lr=0.1)


def test_frozen_weights_are_neither_saved_nor_changed(tmp_path: Path) -> None:
    model, optimizer = with_frozen(0.5)
    model.mean.fill_(3.0)
    save_state(tmp_path, model, optimizer, Progress(1))
    saved = load_file(tmp_path / "step-000000000000001" / "weights.safetensors")
    assert sorted(saved) == ["1.bias", "1.weight", "mean"]
    resumed, fresh = with_frozen(0.25)
    nn.init.zeros_(resumed[1].weight)
    load_state(tmp_path, resumed, fresh)
    assert torch.equal(resumed[1].weight, model[1].weight)
    assert resumed.mean.tolist() == [3.0, 3.0]
    assert (resumed[0].weight == 0.25).all()


def test_states_that_hold_frozen_weights_too_are_read(tmp_path: Path) -> None:
    model, optimizer = with_frozen(0.5)
    model[0].requires_grad_(True)
    save_state(tmp_path, model, optimizer, Progress(1))
    resumed, fresh = with_frozen(0.25)
    load_state(tmp_path, resumed, fresh)
    assert (resumed[0].weight == 0.5).all()


def test_a_state_that_lacks_trained_weights_does_not_fit(tmp_path: Path) -> None:
    model, optimizer = with_frozen(0.5)
    save_state(tmp_path, model, optimizer, Progress(1))
    resumed, fresh = with_frozen(0.25)
    resumed[0].requires_grad_(True)
    with pytest.raises(RunError, match=r"its '0.weight' has shape None"):
        load_state(tmp_path, resumed, fresh)


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    model, optimizer = trained(1)
    for i in (1, 2, 10, 3000):
        save_state(tmp_path, model, optimizer, Progress(i))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000000000000010", "step-000000000003000"]


def rewrite(progress: Path, facts: object) -> None:
    progress.write_text(json.dumps(facts), encoding="utf-8")


def facts_of(state: Path) -> dict:
    return json.loads((state / "progress.json").read_text(encoding="utf-8"))


def cut_weights(state: Path) -> None:
    os.truncate(state / "weights.safetensors", 100)


def flip_a_bit_of_the_moments(state: Path) -> None:
    content = bytearray((state / "optimizer.safetensors").read_bytes())
    content[-1] ^= 1
    (state / "optimizer.safetensors").write_bytes(content)


def flip_a_digit_of_the_progress(state: Path) -> None:
    facts = facts_of(state)
    facts["progress"]["seconds"] += 1
    rewrite(state / "progress.json", facts)


def cut_progress(state: Path) -> None:
    os.truncate(state / "progress.json", 30)


def empty_progress(state: Path) -> None:
    os.truncate(state / "progress.json", 0)


def zeroed_progress(state: Path) -> None:
    (state / "progress.json").write_bytes(bytes(200))


def nested_progress(state: Path) -> None:
    (state / "progress.json").write_text("[" * 100_000, encoding="utf-8")


def wrong_hash(state: Path) -> None:
    facts = facts_of(state)
    facts["sha256"]["weights.safetensors"] = "0" * 64
    rewrite(state / "progress.json", facts)


def no_hashes(state: Path) -> None:
    rewrite(state / "progress.json", {**facts_of(state), "sha256": {}})


def missing_progress(state: Path) -> None:
    (state / "progress.json").unlink()


def missing_weights(state: Path) -> None:
    (state / "weights.safetensors").unlink()


def missing_moments(state: Path) -> None:
    (state / "optimizer.safetensors").unlink()


def empty_folder(state: Path) -> None:
    shutil.rmtree(state)
    state.mkdir()


def folders_for_files(state: Path) -> None:
    for file in list(state.iterdir()):
        file.unlink()
        file.mkdir()


def other_shapes(state: Path) -> None:
    model = nn.Linear(5, 3)
    save_state(state.parent, model, torch.optim.AdamW(model.parameters()), Progress(4))


def other_names(state: Path) -> None:
    model = nn.Sequential(nn.Linear(4, 3))
    save_state(state.parent, model, torch.optim.AdamW(model.parameters()), Progress(4))


def other_moments(state: Path) -> None:
    model, other = nn.Linear(4, 3), nn.Linear(7, 3)
    optimizer = torch.optim.AdamW(other.parameters())
    other(torch.ones(1, 7)).sum().backward()
    optimizer.step()
    save_state(state.parent, model, optimizer, Progress(4))


def more_moments(state: Path) -> None:
    model, other = nn.Linear(4, 3), nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3))
    optimizer = torch.optim.AdamW(other.parameters())
    other(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    save_state(state.parent, model, optimizer, Progress(4))


def of_another_version(state: Path) -> None:
    said = {"step": 4, "seconds": 0.0}
    facts = facts_of(state)
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    rewrite(state / "progress.json", {"progress": said, "sha256": {**facts["sha256"], "progress.json": digest}})


DAMAGES = [
    cut_weights, flip_a_bit_of_the_moments, flip_a_digit_of_the_progress, cut_progress, empty_progress, zeroed_progress,
    nested_progress, wrong_hash, no_hashes, missing_progress, missing_weights, missing_moments, empty_folder,
    folders_for_files, other_shapes, other_names, other_moments, more_moments, of_another_version,
]  # fmt: skip
GARBAGE = [None, 3, "text", [], [[]], {}, {"step": 4}, {"progress": [], "sha256": {}}, {"progress": {}, "sha256": 3}]


def two_states(folder: Path) -> tuple[nn.Module, Path]:
    """A state after 2 steps and one after 4: the model of the older one, and the folder of the newer."""
    older, optimizer = trained(2)
    save_state(folder, older, optimizer, Progress(2))
    save_state(folder, *trained(4), Progress(4))
    return older, folder / "step-000000000000004"


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_newest_state_falls_back_and_says_so(
    tmp_path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    older, newest = two_states(tmp_path)
    damage(newest)
    model, optimizer = trained(0)
    with caplog.at_level(logging.WARNING, logger="topores"):
        assert load_state(tmp_path, model, optimizer).step == 2
    assert torch.equal(model.weight, older.weight)
    assert "The newest state is damaged (step-000000000000004: " in caplog.text
    assert "continuing from step-000000000000002." in caplog.text
    # It goes on as from a state that was the newest, and the damaged one is no longer in the way.
    step(model, optimizer, range(2, 3))
    assert torch.equal(model.weight, trained(3)[0].weight)
    save_state(tmp_path, model, optimizer, Progress(3))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000000000000002", "step-000000000000003"]


@pytest.mark.parametrize("facts", GARBAGE, ids=str)
def test_garbage_for_the_progress(tmp_path: Path, facts: object) -> None:
    _, newest = two_states(tmp_path)
    rewrite(newest / "progress.json", facts)
    assert load_state(tmp_path, *trained(0)).step == 2


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_without_a_whole_state_it_is_one_line_and_nothing_is_changed(
    tmp_path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    _, newest = two_states(tmp_path)
    shutil.rmtree(tmp_path / "step-000000000000002")
    damage(newest)
    model, optimizer = trained(1)
    before, moments = deepcopy(model.state_dict()), deepcopy(optimizer.state_dict())
    with pytest.raises(RunError, match=r"has no readable state \(step-0+4: .*\); train the run again") as fault:
        load_state(tmp_path, model, optimizer)
    assert fault.value.exit_code == 4
    assert "\n" not in str(fault.value)
    assert caplog.text == ""
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in before)
    assert torch.equal(optimizer.state_dict()["state"][0]["exp_avg"], moments["state"][0]["exp_avg"])


def test_a_state_that_counts_on_lost_lines_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save_state(tmp_path, *trained(2), Progress(2, logged=3))
    save_state(tmp_path, *trained(4), Progress(4, logged=5))
    for logged, expected in ((None, 4), (7, 4), (5, 4), (4, 2), (3, 2)):
        assert load_state(tmp_path, *trained(0), logged=logged).step == expected
    assert "metrics.jsonl holds 4 of the 5 lines" in caplog.text
    with pytest.raises(RunError, match="holds 2 of the 5 lines"):
        load_state(tmp_path, *trained(0), logged=2)


def test_numbers_come_back_to_the_last_bit(tmp_path: Path) -> None:
    progress = Progress(3, 1 / 3, [{"loss": 0.1 + 0.2, "loss_1to1": 1e-323}, {"loss": 1e308}], 7)
    save_state(tmp_path, *trained(1), progress)
    assert load_state(tmp_path, *trained(0)) == progress


def test_weights_shared_by_two_layers(tmp_path: Path) -> None:
    def tied(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
        model[1].weight = model[0].weight
        return model

    model, other = tied(0), tied(1)
    save_state(tmp_path, model, torch.optim.AdamW(model.parameters()), Progress(1))
    load_state(tmp_path, other, torch.optim.AdamW(other.parameters()))
    assert torch.equal(other[1].weight, model[0].weight)
    assert other[1].weight is other[0].weight


def test_no_state_at_all_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has no readable state"):
        load_state(tmp_path, *trained(0))


def test_nothing_is_pickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a pickle is read or written")

    # Others derive from this class when they are imported: it stays one.
    monkeypatch.setattr(pickle, "Unpickler", type("Refused", (pickle.Unpickler,), {"load": refuse}))
    for module, name in ((torch, "load"), (torch, "save"), (pickle, "load"), (pickle, "loads"), (pickle, "dumps")):
        monkeypatch.setattr(module, name, refuse)
    save_state(tmp_path, *trained(1), Progress(1))
    load_state(tmp_path, *trained(0))
    assert {p.suffix for p in tmp_path.rglob("*") if p.is_file()} == {".safetensors", ".json"}


UNPICKLES = {
    "torch.load", "torch.save", "joblib.load", "joblib.dump", "yaml.load", "yaml.unsafe_load", "yaml.full_load",
    "pd.read_pickle", "pandas.read_pickle",
}  # fmt: skip


@pytest.mark.parametrize("module", sorted(Path(topores.__file__).parent.rglob("*.py")), ids=lambda path: path.stem)
def test_no_module_of_the_package_can_read_a_pickle(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.split(".")[0] for name in names} & {
            "pickle",
            "cPickle",
            "dill",
            "cloudpickle",
            "shelve",
            "marshal",
        }
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            of_tensors = any(ast.unparse(word) == "weights_only=True" for word in node.keywords)
            assert called not in UNPICKLES or (called == "torch.load" and of_tensors)
            allowed = [word.value for word in node.keywords if word.arg == "allow_pickle"]
            assert all(isinstance(value, ast.Constant) and value.value is False for value in allowed)
