"""Encoders that train a head on pooled embeddings. The frozen layers run once per passage and dropout mask."""

import json
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize
from torch import Tensor, nn
from torch.nn.functional import normalize

from topores.backbones.base import base_of
from topores.backbones.dropout_views import batches_by_length, begin_view, draw_views, key_of
from topores.backbones.encoder import Encoder
from topores.compute.cache import Cache
from topores.compute.memory import keep_freed_memory
from topores.compute.resources import available_memory
from topores.config import TrainConfig
from topores.domain import Corpus, Passage, Side
from topores.errors import ResourceError
from topores.forward.settings import with_modules
from topores.modules.heads import affine

log = logging.getLogger(__name__)

LEARNING_RATE = 1e-3
BATCH_SIZE = 1024

Reading = tuple[str, str, str]
"""All that decides the row of a text: its prompt, its side where the base treats the sides differently, and itself."""


class HeadEncoder(Encoder):
    """An encoder whose only trained part is a head on the pooled embedding.

    `prepare` computes the pooled embedding of each passage once without dropout and under `cached_views` dropout
    masks. After that, a view is one of these cached views passed through the head. A text that was not prepared passes
    through all layers.

    Args:
        base: Its weights are frozen.
        head: A sentence-transformers module that changes 'sentence_embedding' (texts, dim), given also 'from_t1'
            (texts,) where sides are known. It is inserted before the base's final normalisation, if there is one.
    """

    # Weight decay would pull towards 0; the neutral map is the identity.
    decays = False

    # The frozen layers run once for all folds and nulls, and the rest of a run takes seconds.
    usual_folds = 5

    def __init__(self, base: SentenceTransformer, head: nn.Module, *, precision: str = "fp32") -> None:
        modules = list(base)
        after = [modules.pop()] if isinstance(modules[-1], Normalize) else []
        for parameter in base.parameters():
            parameter.requires_grad = False
        below, model = with_modules(base, modules), with_modules(base, [*modules, head, *after])
        model.eval()
        super().__init__(model, precision=precision)
        # In a tuple, so that torch does not register these modules twice: they are parts of `model` already.
        self._frozen = (Encoder(below, precision=precision),)
        self._place: dict[Reading, int] = {}
        self._views = self._clean = torch.empty(0)
        self._prepared: tuple[object, ...] | None = None
        self._whole: Path | None = None

    @property
    def head(self) -> nn.Module:
        """What is trained."""
        modules = list(self.model)
        return modules[-2] if isinstance(modules[-1], Normalize) else modules[-1]

    def prepare(self, corpus: Corpus, config: TrainConfig) -> None:
        """Compute the pooled embeddings of all passages, or read them from the cache.

        Raises:
            ResourceError: They do not fit in memory.
        """
        passages = (*corpus.t1, *corpus.t2)
        first: dict[Reading, Passage] = {}
        for reading, passage in zip(self._readings(*_columns(passages)), passages, strict=True):
            first.setdefault(reading, passage)
        readings, (texts, sides) = list(first), _columns(list(first.values()))
        dim = int(self.model.get_embedding_dimension() or 0)
        count = config.encoder_options.cached_views
        needed = (count + 1) * len(texts) * dim * 4
        if needed > available_memory():
            raise ResourceError(
                f"{count} views of {len(texts)} passages need {needed / 2**30:.1f} GB, and "
                f"{available_memory() / 2**30:.1f} GB are available; give fewer --cached-views."
            )
        asked = (tuple(readings), count, config.seed)
        if asked == self._prepared:
            return
        frozen, cache = self._frozen[0], Cache()
        key = key_of(
            frozen, frozen.state_dict().items(), model=repr(frozen.model),
            what="pooled views", readings=readings, views=count, seed=config.seed,
        )  # fmt: skip
        kept = cache.get(key)
        if kept is None:
            log.info(
                "The frozen layers encode %d passages %d times, once for the whole run (%.1f MB).",
                len(texts), count + 1, needed / 2**20,
            )  # fmt: skip
            views = _all_views(frozen, texts, sides, config)
            kept = {"views": views, "clean": _pooled(frozen.eval(), texts, sides).cpu().numpy()}
            cache.put(key, kept)
        self._place = {reading: place for place, reading in enumerate(readings)}
        self._views = torch.from_numpy(kept["views"]).to(self.model.device)
        self._clean = torch.from_numpy(kept["clean"]).to(self.model.device)
        self._prepared = asked

    def forward(self, texts: Sequence[str], sides: Sequence[Side] | None = None) -> Float[Tensor, "texts dim"]:
        """One view of each text, with gradient to the head; a text given twice gets two different cached views.

        In evaluation mode, the rows are those without dropout.
        """
        places = self._places(texts, sides)
        if places is None:
            return super().forward(texts, sides)
        pooled = self._views[self.draw_views(texts), places] if self.training else self._clean[places]
        return self._apply_head(pooled, sides)

    def _rows_of(
        self, texts: Sequence[str], sides: Sequence[Side] | None, *, layers: bool
    ) -> list[Float[np.ndarray, "texts _"]]:
        places = self._places(texts, sides)
        if layers or places is None:
            return super()._rows_of(texts, sides, layers=layers)
        return [self._apply_head(self._clean[places], sides).cpu().numpy()]

    def save(self, folder: Path) -> None:
        """Write a folder that `SentenceTransformer(folder)` loads.

        All but the head is frozen, so the first folder is written whole, and later ones take it over from there.
        """
        if self._whole is None or not self._whole.is_dir():
            super().save(folder)
            return
        plain = list(self.plain())
        place = len(plain) - (2 if isinstance(plain[-1], Normalize) else 1)
        path = json.loads((self._whole / "modules.json").read_text(encoding="utf-8"))[place]["path"]
        shutil.copytree(self._whole, folder, copy_function=_link_weights, ignore=_top_level(self._whole, path))
        (folder / path).mkdir(exist_ok=True)
        head: Any = plain[place]  # a module of sentence-transformers, whatever its class
        head.save(str(folder / path), safe_serialization=True)

    def note_complete(self, folder: Path) -> None:
        self._whole = self._whole or folder

    def _apply_head(
        self, pooled: Float[Tensor, "texts dim"], sides: Sequence[Side] | None
    ) -> Float[Tensor, "texts dim"]:
        features = {"sentence_embedding": pooled, **self.side_features(sides)}
        return normalize(self.head(features)["sentence_embedding"].float(), dim=-1)

    def draw_views(self, texts: Sequence[str], generator: torch.Generator | None = None) -> Tensor:
        """Draw a cached view for each text, by torch's own generator if none is given."""
        return draw_views(texts, len(self._views), generator).to(self.model.device)

    def bank(self, texts: Sequence[str], sides: Sequence[Side] | None = None) -> Float[Tensor, "views texts dim"]:
        """Cached views of prepared texts, before the head."""
        return self._views[:, self._places(texts, sides)]

    def clean(self, texts: Sequence[str], sides: Sequence[Side] | None = None) -> Float[Tensor, "texts dim"]:
        """Rows of prepared texts without dropout, before the head."""
        return self._clean[self._places(texts, sides)]

    def _readings(self, texts: Sequence[str], sides: Sequence[Side] | None) -> list[Reading]:
        prompts = self.prompts_of(sides, len(texts))
        known = sides if sides is not None and self.by_side else [""] * len(texts)
        return list(zip(prompts, known, texts, strict=True))

    def _places(self, texts: Sequence[str], sides: Sequence[Side] | None) -> Int[Tensor, " texts"] | None:
        """Where each text is among the prepared ones; None if one is not."""
        readings = self._readings(texts, sides)
        if not all(reading in self._place for reading in readings):
            return None
        return torch.tensor([self._place[reading] for reading in readings], device=self.model.device)


def _link_weights(source: str, target: str) -> None:
    """Weights that stay as they are once on the disk; small files are copied, for somebody may edit them."""
    if source.endswith(".safetensors"):
        try:
            os.link(source, target)
        except OSError:  # a file system without hard links
            shutil.copy2(source, target)
    else:
        shutil.copy2(source, target)


def _top_level(top: Path, name: str) -> Callable[[str, list[str]], list[str]]:
    """For `shutil.copytree`: leave out one folder of the top level."""
    return lambda folder, names: [n for n in names if Path(folder) == top and n == name]


def with_head(
    config: TrainConfig,
    device: str,
    make: Callable[[int], nn.Module],
    kind: type[HeadEncoder] = HeadEncoder,
    *,
    cannot_change: str,
) -> HeadEncoder:
    """The base model of `config` with a head on its pooled embedding.

    Args:
        make: Creates the head, given the number of dimensions.
        kind: Class of the encoder.
        cannot_change: What the algebra of the head rules out.

    Raises:
        InputError: The model is neither installed nor reachable, or damaged.
    """
    keep_freed_memory()
    base = _with_its_first_columns(base_of(config, device))
    # A generator of its own: earlier draws of the process must not decide where training starts.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        head = make(int(base.get_embedding_dimension() or 0)).to(device)
    encoder = kind(base, head, precision=config.precision)
    encoder.cannot_change = cannot_change
    return encoder


def _with_its_first_columns(base: SentenceTransformer) -> SentenceTransformer:
    """`base` with its truncation as a module before the final normalisation: a head works on what is kept."""
    kept = base.truncate_dim
    base.truncate_dim = None
    whole = int(base.get_embedding_dimension() or 0)
    base.truncate_dim = kept
    if kept is None or kept >= whole:
        return base
    modules = list(base)
    after = [modules.pop()] if isinstance(modules[-1], Normalize) else []
    keep = affine(torch.eye(kept, whole)).to(base.device)
    return with_modules(base, [*modules, keep, *after])


def _columns(passages: Sequence[Passage]) -> tuple[list[str], list[Side]]:
    return [p.text for p in passages], [p.side for p in passages]


@torch.inference_mode()
def _all_views(
    frozen: Encoder, texts: Sequence[str], sides: Sequence[Side], config: TrainConfig
) -> Float[np.ndarray, "views texts dim"]:
    frozen.train()
    views = []
    for view in range(config.encoder_options.cached_views):
        begin_view(config.seed, view)
        views.append(_pooled(frozen, texts, sides).cpu().numpy())
    frozen.eval()
    return np.stack(views)


@torch.inference_mode()
def _pooled(frozen: Encoder, texts: Sequence[str], sides: Sequence[Side]) -> Float[Tensor, "texts dim"]:
    """Pooled embeddings from the frozen layers in their current mode, not normalised."""
    batches = batches_by_length(texts)
    rows = torch.cat([frozen.pooled_rows([texts[i] for i in own], [sides[i] for i in own]) for own in batches])
    return rows[torch.tensor(np.argsort(np.concatenate(batches)), device=rows.device)]
