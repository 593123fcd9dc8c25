"""The tight loop of heads on cached embeddings: a cycle's losses and gradients without a graph, exact."""
