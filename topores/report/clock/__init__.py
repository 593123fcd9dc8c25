"""The page of `topores clock`."""
