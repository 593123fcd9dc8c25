"""Lists of texts are told from long texts."""

import textwrap

import pytest

from topores.text.one_per_line import is_one_per_line, split_lines

KINDS = {"old": "mill", "new": "inn", "red": "port", "tall": "school", "slow": "farm", "odd": "yard"}
SENTENCES = [
    f"The {kind} clock of the {place} was wound by a neighbour who never told anyone about it."
    for kind, place in KINDS.items()
]
PROSE = " ".join(SENTENCES * 3)


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(SENTENCES),
        "\n".join(SENTENCES) + "\n\n",
        "Is it late?\nIt is not!\n“Go home.”\nYes.\n",
        "Monday\nTuesday\nWednesday\nThursday\nFriday",
        "Weight of hives in winter\nSleep on night ferries\nA trial of salt in bread\nFrost and old bridges",
        "Пчёлы спят.\nЖелезо ржавеет.\nСнег тих.\nХлеб горяч.",
        "蜂は夜に眠る。\n鉄は錆びる。\n雪は静か。\nパンは熱い。",
    ],
)
def test_lists_of_texts(content: str) -> None:
    assert is_one_per_line(content)


@pytest.mark.parametrize(
    "content",
    [
        *(textwrap.fill(PROSE, width) for width in (40, 60, 72, 80, 100)),
        "\n\n".join(SENTENCES),
        PROSE,
        "\n".join([PROSE] * 5),
        "# Bees\n" + "\n".join(SENTENCES),
        "- one.\n- two.\n- three.\n- four.",
        "One.\nTwo.\nThree.",
        "",
        "\n\n\n\n",
    ],
)
def test_long_texts(content: str) -> None:
    assert not is_one_per_line(content)


def test_lines_keep_their_numbers() -> None:
    assert split_lines("a\n\n  b \nc\n") == [("a", 1), ("b", 3), ("c", 4)]
