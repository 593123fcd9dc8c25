"""What several commands can be told."""

DEVICES = ("auto", "cpu", "cuda", "mps")
PAIR_FILES = (".jsonl", ".csv", ".parquet")
