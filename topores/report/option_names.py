"""Options of a training run in words, in the language of the page."""

from topores.report.html.safe import escape_html
from topores.report.language import later, say

NAMES = (
    later("article"), later("meta analysis"), later("pairs"), later("model"), later("reader"), later("prompt 1"),
    later("prompt 2"), later("pooling"), later("dropout"), later("encoder"),
    later("rank"), later("layers"), later("positions"), later("cached views"),
    later("transfer"), later("transfer steps"), later("decay"), later("feedback"), later("passes"),
    later("train layers"), later("write rate"), later("read strength"), later("retention"),
    later("start"), later("depth"), later("width"), later("heads"), later("lora rank"), later("canaries"),
    later("canary weight"), later("objective"), later("loss"),
    later("cycles"),
    later("batch size"), later("micro batch size"), later("precision"), later("learning rate"), later("weight decay"),
    later("temperature"), later("learn temperature"), later("temperature bounds"), later("weights"),
    later("passage tokens"), later("held out"), later("folds"), later("columns"), later("embargo"),
    later("checkpoints"), later("keep"),
    later("stop at turn"), later("repair"), later("fail on"), later("track"), later("seed"), later("device"),
)  # fmt: skip
"""Options of `topores train`, as English words."""


def option_name(name: str) -> str:
    """An option as HTML; an unknown one as it is spelt."""
    words = name.replace("_", " ")
    return escape_html(say(words)) if words in NAMES else f"<code>{escape_html(name)}</code>"
