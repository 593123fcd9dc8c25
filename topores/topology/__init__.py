"""Topology and geometry of a point cloud: numpy in, numpy out."""

from topores.topology.diagrams import bottleneck_distance, wasserstein_distance
from topores.topology.distances import angles, pairwise_distances
from topores.topology.homology import choose_engine, persistent_homology
from topores.topology.loops import representative_loop
from topores.topology.measures.alignment import alignment
from topores.topology.measures.betti_curve import betti_curve
from topores.topology.measures.intrinsic_dimension import intrinsic_dimension
from topores.topology.measures.linear_cka import linear_cka
from topores.topology.measures.modality_gap import modality_gap
from topores.topology.measures.persistence_entropy import persistence_entropy
from topores.topology.measures.persistent_homology_dimension import persistent_homology_dimension
from topores.topology.measures.procrustes import procrustes
from topores.topology.measures.rank_me import rank_me
from topores.topology.measures.rtd import rtd
from topores.topology.measures.total_persistence import total_persistence
from topores.topology.measures.uniformity import uniformity
from topores.topology.significance import universal_p_values
from topores.topology.spanning_tree import minimum_spanning_tree

__all__ = [
    "alignment",
    "angles",
    "betti_curve",
    "bottleneck_distance",
    "choose_engine",
    "intrinsic_dimension",
    "linear_cka",
    "minimum_spanning_tree",
    "modality_gap",
    "pairwise_distances",
    "persistence_entropy",
    "persistent_homology",
    "persistent_homology_dimension",
    "procrustes",
    "rank_me",
    "representative_loop",
    "rtd",
    "total_persistence",
    "uniformity",
    "universal_p_values",
    "wasserstein_distance",
]
