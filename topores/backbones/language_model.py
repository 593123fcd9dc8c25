"""An encoder that also predicts tokens: a causal language model, whose rows are the mean of its last hidden states.

What it is trained and asked on is a *concatenation*, the tokens [start] source [middle] target [end]. As a text it is
`concatenation(source, target)`, so that whoever handles texts can handle it.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from topores.backbones.compact_vocabulary import compact
from topores.backbones.encoder import Encoder
from topores.backbones.merging import merge_adapters, merge_in_place
from topores.config import TrainConfig
from topores.domain import Corpus, Side
from topores.modules.heads import with_stock_modules
from topores.text.passages import without_truncation

BETWEEN = "\x1e"
"""Stands between source and target; the record separator of ASCII, which no text that is read contains."""

AROUND = 3
"""Tokens of a concatenation besides source and target."""

AT_ONCE = 32
"""Texts in one pass where no gradient is wanted."""

IGNORED = -100
"""Label of a place whose token is not predicted."""


class Marks(NamedTuple):
    """Ids of the tokens before, between and behind source and target."""

    start: int
    middle: int
    end: int


def concatenation(source: str, target: str) -> str:
    """Source and target as one text; `LanguageModel.token_costs` tells them apart."""
    return f"{source}{BETWEEN}{target}"


class LanguageModel(Encoder):
    """A causal language model as an encoder.

    Args:
        model: A transformer without its head, mean pooling, normalisation; it is trained in place.
        whole: The same transformer with its head: it shares all its weights with `model`.
        compacts: Whether `prepare` cuts the vocabulary down to the tokens of the passages.
    """

    def __init__(self, model: SentenceTransformer, whole: Any, *, compacts: bool, precision: str = "fp32") -> None:
        super().__init__(model, precision=precision, packed=False)
        self.compacts = compacts
        self._tokens: dict[str, list[int]] = {}
        # Not a submodule: its weights are those of `model`, and would be saved twice.
        self._whole = (whole,)
        # A head of its own is one; a tied one is the table of embeddings.
        head = whole.get_output_embeddings()
        self.head = None if head.weight is whole.get_input_embeddings().weight else head

    @property
    def whole(self) -> Any:
        """The language model of transformers, with its head."""
        return self._whole[0]

    @property
    def vocabulary(self) -> int:
        """How many tokens it knows."""
        return int(self.whole.get_input_embeddings().weight.shape[0])

    @property
    def marks(self) -> Marks:
        """The tokenizer's own special tokens, as far as it has them."""
        own = self.tokenizer
        separator = own.sep_token_id if own.sep_token_id is not None else own.eos_token_id
        start = next((i for i in (own.cls_token_id, own.bos_token_id) if i is not None), separator)
        return Marks(start, separator, separator)

    @property
    def side_limit(self) -> int:
        """The most tokens of a source or of a target; the rest of a longer one is not read."""
        return (positions_of(self.whole.config) - AROUND) // 2

    def prepare(self, corpus: Corpus, config: TrainConfig) -> None:  # noqa: ARG002
        """Cut the vocabulary of a model from scratch down to the tokens of all passages, held-out ones included."""
        if not self.compacts:
            return
        found = compact(self.tokenizer, [passage.text for passage in (*corpus.t1, *corpus.t2)])
        if found is None:
            return
        table = self.whole.get_input_embeddings().weight
        with torch.no_grad():
            table[: len(found.kept)] = table[torch.tensor(found.kept, device=table.device)]
        self.whole.resize_token_embeddings(len(found.kept))
        transformer: Any = self.model[0]
        transformer.processor = found.tokenizer
        set_marks(self.whole.config, found.tokenizer)
        self._tokens.clear()
        self.compacts = False

    def tokens_of(self, text: str) -> list[int]:
        """Ids of a source or a target, without special tokens, as far as it is read."""
        if text not in self._tokens:
            ids = without_truncation(self.tokenizer).encode(text, add_special_tokens=False).ids
            self._tokens[text] = list(ids[: self.side_limit])
        return self._tokens[text]

    def token_costs(
        self, texts: Sequence[str], sides: Sequence[Side] | None = None  # noqa: ARG002  as `Views.per_text` calls it
    ) -> Float[Tensor, "texts 4"]:  # fmt: skip
        """Negative log-likelihood of each text's tokens, with gradient.

        Args:
            texts: Concatenations; a text without a target is a source alone.

        Returns:
            By text: the summed cost of the source and of the [middle] after it in nats, how many tokens these are, and
            the same of the target and its [end]. Without a target, [end] counts to the source.
        """
        rows, lengths = zip(*(self._concatenation(text) for text in texts), strict=True)
        device = self.model.device
        ids = pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=self._padding)
        width = torch.tensor([len(row) for row in rows])
        places = torch.arange(ids.shape[1])
        real = (places < width[:, None]).to(device)
        ids = ids.to(device)
        labels = torch.where(real, ids, IGNORED)[:, 1:]
        with self.autocast(enabled=self.training):
            logits = self.whole(input_ids=ids, attention_mask=real.long(), use_cache=False).logits[:, :-1]
        costs = cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="none")
        of_source = (places[1:] <= torch.tensor(lengths)[:, None] + 1).to(device)
        predicted, costs = real[:, 1:], costs.view(labels.shape)
        parts = [(costs * part, part) for part in (predicted & of_source, predicted & ~of_source)]
        return torch.stack([number.sum(dim=1).float() for pair in parts for number in pair], dim=1)

    def costs(self, texts: Sequence[str]) -> Float[Tensor, "texts 4"]:
        """`token_costs` without dropout and gradient, any number of texts."""
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        with still(self):
            parts = [self.token_costs([texts[i] for i in order[at : at + AT_ONCE]]) for at in _starts(len(order))]
        back = torch.tensor(order).argsort()
        return torch.cat(parts).cpu()[back] if parts else torch.zeros(0, 4)

    def continuations(self, prompts: Sequence[Sequence[int]], count: int) -> list[list[int]]:
        """The `count` most probable next tokens after each prompt, each given those before it (greedy decoding)."""
        order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
        found: dict[int, list[int]] = {}
        with still(self):
            for at in _starts(len(order)):
                places = order[at : at + AT_ONCE]
                rows = self._continuation([prompts[place] for place in places], count).tolist()
                found |= dict(zip(places, rows, strict=True))
        return [found[place] for place in range(len(prompts))]

    def _continuation(self, prompts: Sequence[Sequence[int]], count: int) -> Int[Tensor, "prompts count"]:
        # On the left: a padded prompt must end where its continuation begins.
        rows = [torch.tensor(prompt) for prompt in prompts]
        ids = pad_sequence(rows, batch_first=True, padding_value=self._padding, padding_side="left")
        real = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True, padding_side="left")
        ids, mask = ids.to(self.model.device), real.to(self.model.device)
        position, given, state, chosen = (mask.cumsum(dim=1) - 1).clamp(min=0), ids, None, []
        for _ in range(count):
            output = self.whole(
                input_ids=given, attention_mask=mask, position_ids=position, past_key_values=state, use_cache=True
            )
            state, given = output.past_key_values, output.logits[:, -1:].argmax(dim=-1)
            chosen.append(given)
            mask, position = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1), position[:, -1:] + 1
        return torch.cat(chosen, dim=1)

    def _concatenation(self, text: str) -> tuple[list[int], int]:
        """Ids with the marks around them, and how many of them are the source's."""
        source, _, target = text.partition(BETWEEN)
        own, marks = self.tokens_of(source), self.marks
        if not target:
            return [marks.start, *own, marks.end], len(own)
        return [marks.start, *own, marks.middle, *self.tokens_of(target), marks.end], len(own)

    @property
    def _padding(self) -> int:
        return int(self.tokenizer.pad_token_id)

    def plain(self) -> SentenceTransformer:
        return with_stock_modules(merge_adapters(self.model))

    def save(self, folder: Path) -> None:
        """Write a stock folder: sentence-transformers and `AutoModelForCausalLM` of transformers both load it."""
        super().save(folder)
        whole = copy.deepcopy(self.whole)
        merge_in_place(whole)
        # The stock module saves the transformer alone, without its head.
        whole.save_pretrained(folder)


@contextmanager
def still(model: nn.Module) -> Iterator[None]:
    """The model without dropout and gradient within the block, in its mode of before afterwards."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(was_training)


def set_marks(config: Any, tokenizer: Any) -> None:
    """Tell the configuration of a model which tokens are special in its tokenizer."""
    config.pad_token_id = tokenizer.pad_token_id
    config.bos_token_id = next((i for i in (tokenizer.bos_token_id, tokenizer.cls_token_id) if i is not None), None)
    config.eos_token_id = next((i for i in (tokenizer.eos_token_id, tokenizer.sep_token_id) if i is not None), None)


def positions_of(config: Any) -> int:
    """How many tokens a model has positions for; without a limit, more than any passage has."""
    return int(getattr(config, "max_position_embeddings", None) or 1_000_000)


def _starts(count: int) -> range:
    return range(0, count, AT_ONCE)
