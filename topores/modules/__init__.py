"""Floor 2: the modules that a checkpoint's modules.json may name, and nothing else.

`SentenceTransformer(checkpoint, trust_remote_code=True)` imports them from here, so a class keeps its name and place as
long as checkpoints that name it shall load. Each public class saves and loads by itself (tests/modules). A module that
the packed layout may run is `Packable`; one that stock modules can stand for has `stock()`.
"""
