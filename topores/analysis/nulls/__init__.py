"""The ladder of nulls: one file per null, each the same measurement where the effect cannot be present.

A null's file has `NAME` and `DESCRIPTION` (what it is, in two words and in a line), `ORDER` (its place in the ladder,
from noise to what is not text at all), `why_not(ground)` (why it is not possible there, or None) and
`measurements(ground)`, which yields its numbers by the protocol of the analysis.
"""
