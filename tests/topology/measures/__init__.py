"""Tests of topores.topology.measures."""
