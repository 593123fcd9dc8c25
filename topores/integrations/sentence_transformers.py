"""For those who train with `SentenceTransformerTrainer`: the four-pairing loss, and two ways to watch the space.

Needs the extra 'trainer', which brings the library `datasets`; docs/sentence_transformers.md has an example.
"""

from topores.integrations.four_pairings_loss import FourPairingsLoss
from topores.integrations.topology_callback import TopologyCallback
from topores.integrations.topology_evaluator import TopologyEvaluator

__all__ = ["FourPairingsLoss", "TopologyCallback", "TopologyEvaluator"]
