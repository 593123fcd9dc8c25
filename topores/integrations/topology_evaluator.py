"""A Trainer evaluator: retrieval of partners, and measures of the embedding space."""

import csv
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import SentenceEvaluator

from topores.integrations.fixed_texts import FixedTexts, geometry
from topores.text.retrieval import partner_ranks

logger = logging.getLogger(__name__)


class TopologyEvaluator(SentenceEvaluator):
    """Retrieval of held-out partners in both directions, and the geometry and topology of their union.

    Calling it returns mrr_1to2, mrr_2to1, recall_at_1_1to2, recall_at_1_2to1, mean_mrr (the primary metric), and the
    measures of `fixed_texts.geometry`, each prefixed with the name and '_'. Each text that has a partner is a query,
    and all texts of the other side are candidates. Ties get their mean rank, so that a collapsed space scores at chance
    level. A model without finite embeddings scores 0, and its measures are NaN.

    Args:
        texts_1: T1's texts.
        texts_2: T2's texts, aligned with texts_1 by row unless `pairs` is given.
        pairs: Index pairs of aligned texts, if they are not aligned by row; a text may have several partners or none.
        name: Prefix of each metric, and part of the name of the CSV file.
        max_degree: Highest degree of homology.
        batch_size: Texts per encoding batch.
        write_csv: Append a row to topology_evaluation_<name>_results.csv if the Trainer gives a folder.

    Raises:
        ValueError: Texts, pairs or `max_degree` are not valid.
    """

    def __init__(
        self,
        texts_1: Sequence[str],
        texts_2: Sequence[str],
        pairs: Sequence[Sequence[int]] | None = None,
        *,
        name: str = "",
        max_degree: int = 1,
        batch_size: int = 32,
        write_csv: bool = True,
    ) -> None:
        super().__init__()
        if max_degree < 0:
            raise ValueError(f"max_degree is {max_degree}; give 0 (clusters), 1 (loops) or 2 (voids)")
        self.texts = FixedTexts(texts_1, texts_2, pairs)
        self.name, self.max_degree, self.batch_size, self.write_csv = name, max_degree, batch_size, write_csv
        self.csv_file = "_".join(part for part in ("topology_evaluation", name, "results.csv") if part)
        self.primary_metric = "mean_mrr"

    def __call__(  # type: ignore[override]  # of all models, those that embed texts
        self, model: SentenceTransformer, output_path: str | None = None, epoch: int | float = -1, steps: int = -1
    ) -> dict[str, float]:
        """Metrics of the model, by name; also appended to the CSV file in `output_path`, if one is given."""
        rows_1, rows_2 = self.texts.rows(model, self.batch_size)
        metrics = {
            **self._retrieval(rows_1, rows_2),
            **geometry(rows_1, rows_2, self.texts.pairs, self.max_degree),
        }
        if output_path is not None and self.write_csv:
            _add_row(Path(output_path) / self.csv_file, {"epoch": epoch, "steps": steps, **metrics})
        metrics = self.prefix_name_to_metrics(metrics, self.name)
        logger.info(", ".join(f"{name} {value:.4g}" for name, value in metrics.items()))
        # Declared as an int, but the Trainer passes fractional epochs.
        self.store_metrics_in_model_card_data(model, metrics, epoch, steps)  # type: ignore[arg-type]
        return metrics

    def _retrieval(
        self, rows_1: Float[np.ndarray, "texts_1 dim"], rows_2: Float[np.ndarray, "texts_2 dim"]
    ) -> dict[str, float]:
        belongs = np.zeros((len(rows_1), len(rows_2)), dtype=bool)
        belongs[tuple(self.texts.pairs.T)] = True
        similarity = rows_1 @ rows_2.T
        found: dict[str, float] = {}
        for direction, rank in (
            ("1to2", partner_ranks(similarity, belongs)),
            ("2to1", partner_ranks(similarity.T, belongs.T)),
        ):
            found[f"mrr_{direction}"] = float((1 / rank).mean())
            found[f"recall_at_1_{direction}"] = float((rank <= 1).mean())
        return {"mean_mrr": (found["mrr_1to2"] + found["mrr_2to1"]) / 2, **found}

    def get_config_dict(self) -> dict[str, Any]:
        """The sizes, for the model card."""
        return {
            "texts_1": len(self.texts.texts_1),
            "texts_2": len(self.texts.texts_2),
            "pairs": len(self.texts.pairs),
            "max_degree": self.max_degree,
        }


def _add_row(path: Path, row: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row)
        if is_new:
            writer.writeheader()
        writer.writerow(row)
