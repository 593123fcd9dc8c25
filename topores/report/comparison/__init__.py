"""The page of `topores compare`."""
