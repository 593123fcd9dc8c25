"""topores: train a sentence encoder on two fixed texts, and see what happens to the topology of its space.

from topores import train, analyse, load_run

run = train(article="article.md", meta_analysis="meta_analysis.md", cycles=20, output="runs/mine")
analysis = analyse(run.folder)
print(analysis.verdict.sentence)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from topores.api import analyse, load_run, train

__all__ = ["analyse", "load_run", "train"]


def __getattr__(name: str) -> Any:
    """The three functions, imported when first asked for, so that `topores --help` loads no torch."""
    if name in __all__:
        from topores import api

        return getattr(api, name)
    raise AttributeError(f"module 'topores' has no attribute '{name}'")
