"""Topology and geometry of a point cloud: numpy in, numpy out."""

from typing import TYPE_CHECKING, Any

from topores.topology.cyclic_order import CyclicOrder, cyclic_order
from topores.topology.diagrams import bottleneck_distance, wasserstein_distance
from topores.topology.distances import angles, pairwise_distances
from topores.topology.engines import choose_engine
from topores.topology.estimates import Trial, estimate, plan_that_fits, trial
from topores.topology.even_ring import ratio_of_even_ring
from topores.topology.gaussian_like import GaussianLike, gaussian_like
from topores.topology.homology import Filtration, persistent_homology
from topores.topology.loops import representative_loop
from topores.topology.matched_spectrum import matched_spectrum_p_values
from topores.topology.measures.alignment import alignment
from topores.topology.measures.betti_curve import betti_curve
from topores.topology.measures.cluster_gap import cluster_gap
from topores.topology.measures.hubness_skewness import hubness_skewness
from topores.topology.measures.intrinsic_dimension import intrinsic_dimension
from topores.topology.measures.landscape import landscape
from topores.topology.measures.linear_cka import linear_cka
from topores.topology.measures.linear_probe_auc import linear_probe_auc
from topores.topology.measures.maximum_likelihood_dimension import maximum_likelihood_dimension
from topores.topology.measures.modality_gap import modality_gap
from topores.topology.measures.persistence_entropy import persistence_entropy
from topores.topology.measures.persistent_homology_dimension import persistent_homology_dimension
from topores.topology.measures.procrustes import procrustes
from topores.topology.measures.rank_me import rank_me
from topores.topology.measures.rtd import rtd
from topores.topology.measures.rtd_spanning_tree import rtd_spanning_tree
from topores.topology.measures.total_persistence import total_persistence
from topores.topology.measures.uniformity import uniformity
from topores.topology.movement import MovementFrom, change_between_texts, split_movement
from topores.topology.paired_spectrum import PairedGaussianLike, TwoTexts, one_to_one
from topores.topology.rotations import BestTurn, best_turn, relative_rotation_angles, rotation_angles
from topores.topology.significance import BarSignificance, bar_significance, holm, universal_p_values
from topores.topology.sliced import sliced_wasserstein_matrix
from topores.topology.spanning_tree import minimum_spanning_tree
from topores.topology.stability import loop_stability
from topores.topology.subsamples import SubsamplePlan, sampled_homology
from topores.topology.vineyard import FollowedStep, Vine, follow_bars, follow_step, join_steps, sure_shares

if TYPE_CHECKING:
    from topores.topology.analyzer import TopologyAnalyzer

__all__ = [
    "BarSignificance",
    "BestTurn",
    "CyclicOrder",
    "Filtration",
    "FollowedStep",
    "GaussianLike",
    "MovementFrom",
    "PairedGaussianLike",
    "SubsamplePlan",
    "TopologyAnalyzer",
    "Trial",
    "TwoTexts",
    "Vine",
    "alignment",
    "angles",
    "bar_significance",
    "best_turn",
    "betti_curve",
    "bottleneck_distance",
    "change_between_texts",
    "choose_engine",
    "cluster_gap",
    "cyclic_order",
    "estimate",
    "follow_bars",
    "follow_step",
    "gaussian_like",
    "holm",
    "hubness_skewness",
    "intrinsic_dimension",
    "join_steps",
    "landscape",
    "linear_cka",
    "linear_probe_auc",
    "loop_stability",
    "matched_spectrum_p_values",
    "maximum_likelihood_dimension",
    "minimum_spanning_tree",
    "modality_gap",
    "one_to_one",
    "pairwise_distances",
    "persistence_entropy",
    "persistent_homology",
    "persistent_homology_dimension",
    "plan_that_fits",
    "procrustes",
    "rank_me",
    "ratio_of_even_ring",
    "relative_rotation_angles",
    "representative_loop",
    "rotation_angles",
    "rtd",
    "rtd_spanning_tree",
    "sampled_homology",
    "sliced_wasserstein_matrix",
    "split_movement",
    "sure_shares",
    "total_persistence",
    "trial",
    "uniformity",
    "universal_p_values",
    "wasserstein_distance",
]


def __getattr__(name: str) -> Any:
    """Import the scikit-learn estimator on first use: importing scikit-learn takes a second."""
    if name == "TopologyAnalyzer":
        from topores.topology.analyzer import TopologyAnalyzer

        return TopologyAnalyzer
    raise AttributeError(f"module 'topores.topology' has no attribute '{name}'")
