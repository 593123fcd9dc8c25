"""Floor 4: what turns passages into unit rows. One file per way of training a base encoder."""
