"""Floor 8: one file per command, the whole flow on one screen."""
