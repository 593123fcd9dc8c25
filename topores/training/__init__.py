"""Floor 5: the loop, its schedule, its evaluation and its state."""
