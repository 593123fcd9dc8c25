"""Floor 1: how a transformer computes: the packed layout, where its layers are cut, its dropout."""
