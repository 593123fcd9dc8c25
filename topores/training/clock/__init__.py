"""Free unit vectors trained with a contrastive loss: their margin grows with the logarithm of the cycles."""
