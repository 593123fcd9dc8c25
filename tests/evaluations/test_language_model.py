"""Evaluations of a language model that says what we tell it to say."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from topores.backbones.language_model import LanguageModel, Marks
from topores.domain import AlignedPairs, Corpus, Passage
from topores.evaluations import copies, exposure, extraction, perplexity
from topores.evaluations._subject import Subject
from topores.text.canaries import Canaries

WORDS = [f"w{number}" for number in range(400)]


class Told(LanguageModel):
    """Its tokens are the numbers of words; it continues by heart what it knows, and else says 399 for ever."""

    marks = Marks(1000, 1001, 1002)

    def __init__(self, known: Sequence[str] = (), costs: dict[str, list[float]] | None = None) -> None:
        nn.Module.__init__(self)
        self.known, self.told = [self.tokens_of(text) for text in known], costs or {}

    def tokens_of(self, text: str) -> list[int]:
        return [int(word[1:]) for word in text.split()]

    def costs(self, texts: Sequence[str]) -> Tensor:
        return torch.tensor([self.told[text] for text in texts])

    def continuations(self, prompts: Sequence[Sequence[int]], count: int) -> list[list[int]]:
        return [self.said(list(prompt[1:]))[:count] for prompt in prompts]

    def said(self, prompt: list[int]) -> list[int]:
        rest = next((text[len(prompt) :] for text in self.known if text[: len(prompt)] == prompt), [])
        return rest + [399] * 60


def text(first: int, count: int) -> str:
    return " ".join(WORDS[first : first + count])


def subject(model: LanguageModel, t1: list[str], t2: list[str], held_out: int, objective: nn.Module) -> Subject:
    sides = [
        tuple(Passage(side, "d", i, 0, 1, one, 5) for i, one in enumerate(texts))
        for side, texts in (("t1", t1), ("t2", t2))
    ]
    n = len(t1)
    pairs = AlignedPairs(np.arange(n), np.arange(n), np.ones(n), np.ones(n), np.ones(n, bool), 1.0)
    split = tuple("held_out" if i >= n - held_out else "train" for i in range(n))
    corpus = Corpus(*sides, pairs, split, split, 1, "texts")
    return Subject(model, objective, corpus, np.zeros((n, 2), np.float32), np.zeros((n, 2), np.float32))


def test_extraction_is_the_share_of_training_passages_said_to_their_end() -> None:
    t1, t2 = [text(0, 40), text(40, 40), text(200, 40)], [text(80, 20), text(120, 60), text(300, 40)]
    asked = subject(Told([t1[0], t2[0]]), t1, t2, 1, nn.Identity())
    # Of 16: 40, 40, 20 and 60 words are long enough; of 32: all but 20; of 50: the 60 words alone.
    assert extraction.measured(asked) == {"extraction_16": 2 / 4, "extraction_32": 1 / 3, "extraction_50": 0.0}


def test_one_wrong_word_is_not_by_heart() -> None:
    passage = text(0, 30)
    wrong = passage.replace("w29", "w300")
    asked = subject(Told([wrong]), [passage, "w1"], [text(60, 30), "w2"], 0, nn.Identity())
    assert extraction.measured(asked)["extraction_16"] == 0


def test_passages_too_short_to_ask_for_are_not_counted() -> None:
    asked = subject(Told(), [text(0, 19)], [text(20, 19)], 0, nn.Identity())
    assert set(extraction.measured(asked).values()) == {None}


def test_copies_are_longest_runs_as_shares_of_the_continuation() -> None:
    class Said(Told):
        def continuations(self, prompts: Sequence[Sequence[int]], count: int) -> list[list[int]]:
            # 2 words of the source, 3 of the training text, 1 of the target, 2 of nothing; forth and back alike.
            assert [prompt[0] for prompt in prompts] == [self.marks.start] * 2
            assert [prompt[-1] for prompt in prompts] == [self.marks.middle] * 2
            assert count == 8
            return [[101, 102, 11, 12, 13, 204, 399, 398], [201, 202, 11, 12, 13, 104, 399, 398]]

    t1, t2 = [text(10, 8), text(100, 8)], [text(20, 8), text(200, 8)]
    asked = subject(Said(), t1, t2, 1, nn.Identity())
    assert copies.measured(asked) == {
        "copied_from_source": 2 / 8, "copied_from_target": 1 / 8, "copied_from_training": 3 / 8,
        "copied_by_target": 0.0,
    }  # fmt: skip


def test_a_run_does_not_go_from_one_training_passage_into_the_next() -> None:
    class Said(Told):
        def continuations(self, prompts: Sequence[Sequence[int]], count: int) -> list[list[int]]:
            del count
            return [[16, 17, 18, 19] for _ in prompts]

    asked = subject(
        Said(), [text(10, 8), text(18, 8), text(100, 4)], [text(300, 8)] * 2 + [text(200, 4)], 1, nn.Identity()
    )
    assert copies.measured(asked)["copied_from_training"] == 2 / 4


@pytest.mark.parametrize(
    ("trained", "others", "bits"),
    [
        ([1.0], [2.0] * 255, 8.0),  # the likeliest of 256
        ([3.0], [2.0] * 255, 0.0),  # the last
        ([2.0], [2.0] * 255, 0.0),  # no surer than any other
        ([2.0], [1.0] * 63 + [2.5] * 192, 2.0),  # the 64th
        ([1.0, 3.0], [2.0] * 255, 4.0),
    ],
)
def test_exposure_is_the_logarithm_of_the_rank(trained: list[float], others: list[float], bits: float) -> None:
    lines = Canaries([f"c{i}" for i in range(len(trained))], [f"o{i}" for i in range(len(others))])
    objective = nn.Identity()
    objective.canaries = lines
    named = zip([*lines.trained, *lines.others], [*trained, *others], strict=True)
    asked = subject(Told(costs={line: [cost, 6.0, 0.0, 0.0] for line, cost in named}), ["w1"], ["w2"], 0, objective)
    assert exposure.why_not(asked) is None
    assert exposure.measured(asked)["exposure"] == pytest.approx(bits)


def test_costs_are_those_of_the_targets_by_token() -> None:
    """Three held-out pairs; another's source makes each token dearer by 1."""
    t1, t2 = ["w1", "w2", "w3"], ["w11 w11", "w12 w12", "w13 w13"]
    told = {
        f"{source}\x1e{target}": [
            9.0,
            1.0,
            len(target.split()) * (1.0 + (source[-1] != target[-1])),
            len(target.split()),
        ]
        for source in (*t1, *t2)
        for target in (*t1, *t2)
    }
    found = perplexity.measured(subject(Told(costs=told), t1, t2, 3, nn.Identity()))
    for pairing in ("1to1", "2to2", "1to2", "2to1"):
        assert found[f"held_out_nll_{pairing}"] == 1.0
        assert found[f"held_out_nll_{pairing}_other"] == 2.0
        assert found[f"train_nll_{pairing}"] is None
