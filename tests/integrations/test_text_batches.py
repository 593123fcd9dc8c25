"""Equal texts are found in every batch layout, and batches are joined only if no embedding changes."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from topores.integrations.text_batches import NO_TOKEN, join_batches, negatives, tokens


def padded(texts: list[list[int]], *, left: bool) -> dict[str, torch.Tensor]:
    width = max(map(len, texts))
    gaps = [width - len(text) for text in texts]
    # Padding is 7, which is a token too.
    ids = [[7] * gap + text if left else text + [7] * gap for gap, text in zip(gaps, texts, strict=True)]
    mask = [[0] * g + [1] * len(t) if left else [1] * len(t) + [0] * g for g, t in zip(gaps, texts, strict=True)]
    return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}


def end_to_end(texts: list[list[int]], *, marks_the_end: bool) -> dict[str, torch.Tensor]:
    ends = torch.tensor([0, *(len(text) for text in texts)]).cumsum(0)
    flat = torch.tensor([token for text in texts for token in text])
    return {"input_ids": flat[None], "cu_seq_lens_q": ends} if marks_the_end else {
        "input_ids": flat, "offsets": ends[:-1]
    }  # fmt: skip


TEXTS = st.lists(st.lists(st.sampled_from([3, 5, 7]), min_size=1, max_size=3), min_size=1, max_size=5)


@given(TEXTS)
def test_every_layout_gives_the_same_tokens(texts: list[list[int]]) -> None:
    width = max(map(len, texts))
    expected = torch.tensor([text + [NO_TOKEN] * (width - len(text)) for text in texts])
    layouts = [
        padded(texts, left=True),
        padded(texts, left=False),
        end_to_end(texts, marks_the_end=True),
        end_to_end(texts, marks_the_end=False),
    ]
    assert all(torch.equal(tokens(layout), expected) for layout in layouts)


@given(TEXTS, st.randoms(use_true_random=False))
def test_negatives_are_neither_equal_texts_nor_partners_of_equal_texts(one: list[list[int]], draw) -> None:
    two = [draw.choice(one) if draw.random() < 0.5 else [*text, 9] for text in one]
    found = negatives(tokens(padded(one, left=True)), tokens(padded(two, left=False)))
    both = one + two
    belong = [(a, b) for a, b in zip(one, two, strict=True)]
    for i, a in enumerate(both):
        for j, b in enumerate(both):
            assert found[i, j].item() != (a == b or (a, b) in belong or (b, a) in belong)


def test_joined_only_where_each_row_stays_what_it_was() -> None:
    a, b = padded([[3], [5, 3]], left=False), padded([[7, 7], [3]], left=False)
    assert join_batches([a, b])["input_ids"].tolist() == [[3, 7], [5, 3], [7, 7], [3, 7]]
    longer = padded([[7, 7, 3], [3]], left=False)
    assert join_batches([a, longer]) is None
    assert join_batches([a, {"input_ids": a["input_ids"]}]) is None
    assert join_batches([end_to_end([[3], [5]], marks_the_end=True)] * 2) is None
    assert join_batches([end_to_end([[3], [5]], marks_the_end=False)] * 2) is None
    assert join_batches([a | {"image": torch.zeros(3, 2)}] * 2) is None
    assert join_batches([a | {"prompt_length": 2}, b | {"prompt_length": 3}]) is None
    assert join_batches([a | {"prompt_length": torch.tensor([2, 2])}] * 2)["prompt_length"].tolist() == [2, 2]
    assert join_batches([a | {"modality": "text"}, b | {"modality": "text"}])["modality"] == "text"
