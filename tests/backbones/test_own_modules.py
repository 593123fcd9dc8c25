"""Folders that name modules of topores: what is loaded, what is refused, and that no code of a folder ever runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Router

from topores.backbones.loading import load_base, open_model
from topores.backbones.own_modules import own_modules
from topores.errors import InputError
from topores.modules.loreft import LoReFT

OWN = "topores.modules.loreft.LoReFT"


def moved(head: LoReFT) -> LoReFT:
    torch.nn.init.normal_(head.source.weight, generator=torch.Generator().manual_seed(0))
    return head


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    """A checkpoint with one module of topores; its prompts are kept too."""
    transformer, pooling, last = list(open_model(str(tiny_model), "cpu").model)
    model = SentenceTransformer(
        modules=[transformer, pooling, moved(LoReFT(32, 4)), last], device="cpu", prompts={"ask": "deaths "}
    )
    model.save(str(tmp_path / "own"), create_model_card=False)
    return tmp_path / "own"


def edited(folder: Path, **entry: str) -> Path:
    """`folder`, the entry of its own module changed."""
    listed = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    listed[2] |= entry
    (folder / "modules.json").write_text(json.dumps(listed), encoding="utf-8")
    return folder


@pytest.fixture
def trap(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that appears if any code that lies in the folder is run; the folder is where Python looks, too."""
    sprung = tmp_path / "sprung"
    code = f"from pathlib import Path\nPath({str(sprung)!r}).touch()\nfrom topores.modules.loreft import LoReFT\n"
    for place in ("evil.py", "x.py", "topores.py", "topores/__init__.py", "topores/modules/__init__.py",
                  "topores/modules/evil.py", "topores/modules/loreft.py", "topores.modules.x/evil.py"):  # fmt: skip
        for root in (folder, folder / "2_LoReFT", tmp_path):
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(folder))
    return sprung


def test_it_loads_as_sentence_transformers_loads_it(folder: Path) -> None:
    ours = load_base(str(folder), "cpu")
    theirs = SentenceTransformer(str(folder), device="cpu", trust_remote_code=True)
    assert not ours.training
    assert [type(module) for module in ours] == [type(module) for module in theirs]
    assert list(ours.named_children())[2][0] == list(theirs.named_children())[2][0]
    assert ours.prompts == theirs.prompts
    assert ours.prompts["ask"] == "deaths "
    assert ours.similarity_fn_name == theirs.similarity_fn_name
    texts = ["a", "the trial"]
    assert np.array_equal(ours.encode(texts, prompt_name="ask"), theirs.encode(texts, prompt_name="ask"))


@pytest.mark.parametrize(
    "kind",
    [
        "topores.modules.loreft.os.system", "topores.modules.x.os.system", "topores.modules.loreft.torch.nn.Linear",
        "topores.modules.evil.LoReFT", "topores.modules.loreft.Nothing", "topores.modules.loreft.linear",
        "topores.modules.loreft.Dense", "topores.modules.heads.BySide", "topores.encoders.lora.LoraConfig",
    ],
)  # fmt: skip
def test_what_this_version_lacks_is_one_line(folder: Path, trap: Path, kind: str) -> None:
    with pytest.raises(InputError) as refused:
        load_base(str(edited(folder, type=kind)), "cpu")
    message = str(refused.value)
    assert f"names the module '{kind}', which topores " in message
    assert message.endswith("does not have; install the version of topores that wrote it.")
    assert "\n" not in message
    assert not trap.exists()


@pytest.mark.parametrize(
    "kind",
    [
        "topores.modulesevil.X", "topores.modules", "topores.commands.export.Exported", "evil.LoReFT", "x.LoReFT",
        "./evil.LoReFT", "../evil.LoReFT", "topores.modules.x--evil.LoReFT", "topores.modules/evil.LoReFT",
        "topores.modules..evil.LoReFT", "someone/model--evil.LoReFT", "os.system", "", ".", "topores",
    ],
)  # fmt: skip
def test_what_is_foreign_is_refused(folder: Path, trap: Path, kind: str) -> None:
    with pytest.raises(InputError, match="which is part of neither sentence-transformers nor topores"):
        load_base(str(edited(folder, type=kind)), "cpu")
    assert not trap.exists()


def test_one_module_of_topores_vouches_for_no_other(folder: Path, trap: Path) -> None:
    listed = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    listed[1]["type"] = "evil.LoReFT"
    (folder / "modules.json").write_text(json.dumps(listed), encoding="utf-8")
    with pytest.raises(InputError, match=r"names the module 'evil\.LoReFT', which is part of neither"):
        load_base(str(folder), "cpu")
    assert not trap.exists()


def test_code_beside_the_weights_is_never_run(folder: Path, trap: Path) -> None:
    assert own_modules(load_base(str(folder), "cpu"))
    assert not trap.exists()


# The second one is the same name to whoever parses it, and another one to whoever searches the text.
@pytest.mark.parametrize("name", ["auto_map", "\\u0061uto_map"])
@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "2_LoReFT/more.json"])
def test_code_that_a_configuration_points_to_is_refused(folder: Path, trap: Path, file: str, name: str) -> None:
    place = folder / file
    known = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    text = json.dumps({**known, "NAME": {"AutoModel": "evil.LoReFT"}}).replace("NAME", name)
    place.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"points to code of its own \(auto_map\); give a model without"):
        load_base(str(folder), "cpu")
    assert not trap.exists()


def test_the_flag_is_not_handed_on(folder: Path, trap: Path) -> None:
    """Told to trust a folder, sentence-transformers would also import what a stock Dense names."""
    activation = {"in_features": 32, "out_features": 32, "bias": True, "activation_function": "evil.LoReFT"}
    dense = folder / "4_Dense"
    dense.mkdir()
    (dense / "config.json").write_text(json.dumps(activation), encoding="utf-8")
    torch_dense = torch.nn.Linear(32, 32).state_dict()
    save_file({f"linear.{name}": tensor for name, tensor in torch_dense.items()}, dense / "model.safetensors")
    listed = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    kind = "sentence_transformers.sentence_transformer.modules.Dense"
    listed.append({"idx": 4, "name": "4", "path": "4_Dense", "type": kind})
    (folder / "modules.json").write_text(json.dumps(listed), encoding="utf-8")
    model = load_base(str(folder), "cpu")
    assert type(model[4].activation_function) is torch.nn.Tanh
    assert not trap.exists()


@pytest.mark.parametrize("path", ["../elsewhere", "/tmp"])
def test_a_module_outside_the_folder_is_refused(folder: Path, path: str) -> None:
    with pytest.raises(InputError, match=r"outside of itself; give a whole model folder\.$"):
        load_base(str(edited(folder, path=path)), "cpu")


def test_own_modules_in_a_router(tiny_model: Path, tmp_path: Path) -> None:
    transformer, pooling, last = list(open_model(str(tiny_model), "cpu").model)
    router = Router({"t1": [moved(LoReFT(32, 4))], "t2": [LoReFT(32, 4)]}, default_route="t2")
    model = SentenceTransformer(modules=[transformer, pooling, router, last], device="cpu")
    model.save(str(tmp_path / "routed"), create_model_card=False)
    ours = open_model(str(tmp_path / "routed"), "cpu")
    assert [type(module) for module in ours.own_modules] == [LoReFT, LoReFT]
    texts = ["a", "the trial"]
    for side in ("t1", "t2"):
        assert np.abs(ours.encode(texts, [side] * 2) - model.encode(texts, task=side)).max() < 1e-6
    # An encoder runs both routes in one batch; its checkpoint has the router again.
    ours.save(tmp_path / "again")
    again = open_model(str(tmp_path / "again"), "cpu")
    assert np.array_equal(again.encode(texts, ["t1", "t2"]), ours.encode(texts, ["t1", "t2"]))
    config = tmp_path / "routed" / "2_Router" / "router_config.json"
    config.write_text(config.read_text(encoding="utf-8").replace(OWN, "evil.LoReFT"), encoding="utf-8")
    with pytest.raises(InputError, match=r"names the module 'evil\.LoReFT', which is part of neither"):
        load_base(str(tmp_path / "routed"), "cpu")


@pytest.mark.slow
def test_without_topores_its_absence_is_said_first(folder: Path, tmp_path: Path) -> None:
    """In a process that finds no topores, and so no metadata of it."""
    encoder = open_model(str(folder), "cpu")
    encoder.plain = lambda: encoder.model  # type: ignore[method-assign]  # with its head, which stock modules replace
    encoder.save(tmp_path / "saved")
    note = (tmp_path / "saved" / "README.md").read_text(encoding="utf-8")
    assert OWN in note
    assert "trust_remote_code=True" in note
    code = (
        "import sys\nfrom importlib import metadata\n"
        "known = metadata.version\n"
        "def version(name):\n"
        "    if name == 'topores': raise metadata.PackageNotFoundError(name)\n"
        "    return known(name)\n"
        "metadata.version = version\nsys.modules['topores'] = None\n"
        "from sentence_transformers import SentenceTransformer\n"
        "SentenceTransformer('saved', device='cpu', trust_remote_code=True)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False, env=dict(os.environ)
    )
    assert run.returncode != 0
    assert "- topores>=" in run.stderr
    assert "load it with trust_remote_code=True" in run.stderr


@pytest.mark.slow
def test_installed_and_not_imported_is_enough(folder: Path) -> None:
    code = (
        "import sys\nfrom sentence_transformers import SentenceTransformer\n"
        "assert not [m for m in sys.modules if m.startswith('topores')]\n"
        "model = SentenceTransformer('own', device='cpu', trust_remote_code=True)\n"
        "assert type(model[2]).__module__ == 'topores.modules.loreft'\n"
        "try: SentenceTransformer('own', device='cpu')\n"
        "except ValueError as fault: assert 'trust_remote_code=True' in str(fault)\n"
        "else: raise AssertionError\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=folder.parent)
