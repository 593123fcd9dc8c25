"""Floor 1: files written whole, devices, work in parallel."""
