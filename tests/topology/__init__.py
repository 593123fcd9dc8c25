"""Tests of topores.topology."""
