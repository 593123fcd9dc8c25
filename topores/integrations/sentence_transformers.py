"""For `SentenceTransformerTrainer`: the four-pairing loss, and a callback and an evaluator for the embedding space.

Needs the extra 'trainer', which installs `datasets`; docs/sentence_transformers.md has an example.
"""

from topores.integrations.four_pairings_loss import FourPairingsLoss
from topores.integrations.topology_callback import TopologyCallback
from topores.integrations.topology_evaluator import TopologyEvaluator

__all__ = ["FourPairingsLoss", "TopologyCallback", "TopologyEvaluator"]
