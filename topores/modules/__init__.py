"""Floor 2: what a checkpoint's modules.json may name, and nothing else."""
