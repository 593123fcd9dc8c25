"""The ladder of nulls: one file per null, each the same measurement where the effect cannot be.

A null's file has `TOLD` (what it is, in words), `why_not(source)` (why it cannot be drawn there, or None) and
`measurements(ground)`, which yields what it measures by the protocol of the analysis.
"""
