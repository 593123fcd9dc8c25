"""The ladder of nulls: one file per null, each the same measurement where the effect cannot be present.

A null's file has `TOLD` (what it is, in words), `why_not(ground)` (why it is not possible there, or None) and
`measurements(ground)`, which yields its numbers by the protocol of the analysis.
"""
