"""The page of a run, or of any other states of a space."""
