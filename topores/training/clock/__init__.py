"""Free unit vectors under a contrastive loss: how its margin grows with the logarithm of the cycles."""
