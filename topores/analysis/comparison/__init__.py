"""Runs side by side: their numbers aligned, grouped by replicate, and judged."""
