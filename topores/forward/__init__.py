"""Floor 1: how a transformer's forward pass runs: packed layout, cut between layers, fast dropout."""
