"""What `--checkpoint` may name, and what it says of the rest."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from tests.conftest import WORDS
from tests.model_kinds import PROMPTS, with_bert
from topores.analysis.opening import open_source
from topores.analysis.sources import EncodedSource, Source, chosen_layers
from topores.compute.cache import Cache
from topores.config import TopologyConfig
from topores.errors import InputError, ToporesError, UsageError


def source_of(*checkpoints: Path | str, **options: object):
    return open_source(TopologyConfig.from_mapping({"checkpoint": [str(c) for c in checkpoints], **options}))


def save(path: Path, array: object) -> Path:
    np.save(path, array)
    return path


def test_arrays_are_states_in_the_order_given(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(10, 4))
    source = source_of(save(tmp_path / "before.npy", rows), save(tmp_path / "after.npy", 2 * rows))
    assert [(s.cycle, s.label) for s in source.states] == [(0, "before.npy"), (1, "after.npy")]
    assert source.name == "before"
    assert {name: len(rows) for name, rows in source.clouds.items()} == {"union": 10}
    assert np.array_equal(source.layers_of(source.states[1], "all", None)[0], 2 * rows)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[1.0, 2], [np.nan, 1], [0, np.inf]]), "NaN or infinity in 2 rows, the first is row 1"),
        (np.ones(5), r"has shape \(5,\)"),
        (np.ones((1, 5)), "has 1 rows; give at least 2"),
        (np.array([["a", "b"], ["c", "d"]]), "give numbers as"),
        (np.array([[1.0, 0], [0, 0]]), "Row 1 .* is all zeros"),
    ],
)
def test_arrays_that_cannot_be_used(tmp_path: Path, array: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        source_of(save(tmp_path / "x.npy", array))


def test_an_array_with_pickled_objects_is_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"run": "me"}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read as an array"):
        source_of(tmp_path / "x.npy")


def test_a_truncated_array(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npy", np.ones((100, 10)))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="cannot be read as an array"):
        source_of(path)


def test_arrays_of_different_passages(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(10, 4))
    with pytest.raises(InputError, match="The arrays have 7 and 10 rows"):
        source_of(save(tmp_path / "a.npy", rows), save(tmp_path / "b.npy", rows[:7]))


def test_the_layout_of_a_batch_is_measured(tiny_model: Path, two_texts: tuple[Path, Path]) -> None:
    source = source_of(tiny_model, texts=[str(t) for t in two_texts])
    rows = source.layers_of(source.states[0], "last", None)
    (output,) = rows.values()
    assert source.layout_rounding(source.states[0], output) < 1e-5
    coarse = 3e-2 * np.eye(output.shape[1])[0]  # as another kernel of a GPU in half precision would
    assert source.layout_rounding(source.states[0], output + coarse) == pytest.approx(3e-2, rel=0.3)


def test_arrays_have_no_layout(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(10, 4))
    source = source_of(save(tmp_path / "a.npy", rows))
    assert source.layout_rounding(source.states[0], rows) == 0


def test_a_model_with_two_texts(tiny_model: Path, two_texts: tuple[Path, Path]) -> None:
    source = source_of(tiny_model, texts=[str(t) for t in two_texts])
    assert set(source.clouds) == {"t1", "t2", "union"}
    layers = source.layers_of(source.states[0], "all", None)
    assert sorted(layers) == [0, 1, 2]
    assert all(len(rows) == len(source.clouds["union"]) for rows in layers.values())


def test_no_passage_is_longer_than_the_model_reads(tiny_model: Path, two_texts: tuple[Path, Path]) -> None:
    source = source_of(tiny_model, texts=[str(two_texts[0])], passage_tokens=4000)
    assert source.corpus is not None
    assert 64 < max(p.tokens for p in source.corpus.t1) <= 128


def test_a_model_with_one_text_has_one_cloud(tiny_model: Path, two_texts: tuple[Path, Path]) -> None:
    assert set(source_of(tiny_model, texts=[str(two_texts[0])]).clouds) == {"union"}


def test_a_model_brings_no_texts(tiny_model: Path) -> None:
    with pytest.raises(UsageError, match="has no texts of its own; give them with --texts"):
        source_of(tiny_model)


@pytest.mark.parametrize("name", ["./missing", "/nowhere/at/all", "missing.npy"])
def test_what_is_not_there(name: str) -> None:
    with pytest.raises(InputError, match="does not exist"):
        source_of(name)


def test_a_folder_that_is_neither_run_nor_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is neither a run .* nor a model"):
        source_of(tmp_path)


def test_a_truncated_checkpoint(tmp_path: Path, tiny_model: Path, two_texts: tuple[Path, Path]) -> None:
    broken = Path(shutil.copytree(tiny_model, tmp_path / "broken"))
    weights = next(broken.rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    source = source_of(broken, texts=[str(t) for t in two_texts])
    with pytest.raises(InputError, match="truncated or damaged"):
        source.clouds  # noqa: B018  the passages are read when they are first asked for


def test_layers_come_from_the_cache_until_weights_or_texts_change(
    tmp_path: Path, tiny_model: Path, two_texts: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    cache = Cache(tmp_path / "cache")

    def opened(*texts: Path) -> Source:
        return source_of(model, texts=[str(t) for t in texts])

    source = opened(*two_texts)
    first = source.layers_of(source.states[0], "all", cache)
    monkeypatch.setattr(EncodedSource, "_encode_layers", lambda *_: pytest.fail("encoded again"))
    again = opened(*two_texts)
    assert again.content(cache) == source.content(cache)
    for layer, rows in again.layers_of(again.states[0], "all", cache).items():
        assert np.array_equal(rows, first[layer])
    assert opened(two_texts[0]).content(cache) != source.content(cache)
    before = source.content(cache)
    weights = next(model.rglob("*.safetensors"))
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    changed = opened(*two_texts)
    assert changed.content(cache) != before
    with pytest.raises(pytest.fail.Exception, match="encoded again"):
        changed.layers_of(changed.states[0], "all", cache)


@pytest.mark.parametrize(("spec", "expected"), [("all", [0, 1, 2]), ("last", [2]), ("2,0", [0, 2]), ("1", [1])])
def test_chosen_layers(spec: str, expected: list[int]) -> None:
    assert chosen_layers(spec, 3) == expected


def test_a_layer_that_is_not_there() -> None:
    with pytest.raises(ToporesError, match="--layers names 7, but the encoder has layers 0 to 6"):
        chosen_layers("0,7", 7)


@pytest.fixture(scope="module")
def prompted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model with prompts, and a table of pairs."""
    folder = tmp_path_factory.mktemp("prompted")
    rows = [{"article": " ".join(WORDS[i : i + 6]), "meta_analysis": " ".join(WORDS[i : i + 5])} for i in range(20)]
    (folder / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return with_bert(folder / "model", prompts=PROMPTS), folder / "pairs.jsonl"


def test_a_model_given_directly_takes_prompts(prompted: tuple[Path, Path], tmp_path: Path) -> None:
    model, pairs = prompted
    source = source_of(model, texts=[str(pairs)], prompt_1="query", prompt_2="far :")
    cache = Cache(tmp_path)
    rows = source.layers_of(source.states[0], "last", cache)[2]
    plain = SentenceTransformer(str(model), device="cpu")
    asked = [plain.encode_query(p.text) for p in source.corpus.t1]
    told = [plain.encode(p.text, prompt="far :") for p in source.corpus.t2]
    expected = np.stack([*asked, *told])
    assert np.abs(rows - expected / np.linalg.norm(expected, axis=1, keepdims=True)).max() < 1e-5
    # The cache keeps rows of other prompts apart, and so do the results of an analysis.
    other = source_of(model, texts=[str(pairs)])
    assert np.abs(other.layers_of(other.states[0], "last", cache)[2] - rows).max() > 1e-2
    assert other.content(cache) != source.content(cache)


def test_prompts_are_for_models_that_bring_none(prompted: tuple[Path, Path], tmp_path: Path) -> None:
    model, pairs = prompted
    (tmp_path / "one.txt").write_text("\n".join(" ".join(WORDS[i : i + 6]) for i in range(20)), encoding="utf-8")
    array = save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(10, 4)))
    with pytest.raises(
        UsageError, match=r"--prompt-1 says how a model reads --texts, but '.*x.npy' is an array; leave"
    ):
        source_of(array, prompt_1="query")
    with pytest.raises(UsageError, match=r"--prompt-2 is 'query', but --texts has one text; leave it out"):
        _ = source_of(model, texts=[str(tmp_path / "one.txt")], prompt_2="query").corpus
    with pytest.raises(
        UsageError, match=r"--prompt-2 is 'corpus', but .* has no prompt or route of that name \(its pro"
    ):
        _ = source_of(model, texts=[str(pairs)], prompt_2="corpus").corpus


def test_a_run_has_prompts_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(
        UsageError, match=r"--prompt-2 says how a model .*, but '.*' is a run, which has its own; leave"
    ):
        source_of(tmp_path, prompt_2="")
