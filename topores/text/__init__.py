"""Floor 2: files to passages, passages to aligned pairs, pairs to batches. No torch here."""

from topores.text.alignment import align_passages
from topores.text.passages import split_passages

__all__ = ["align_passages", "split_passages"]
