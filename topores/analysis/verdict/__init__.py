"""The verdict of an analysis: its evidence, its rules and its sentences."""
