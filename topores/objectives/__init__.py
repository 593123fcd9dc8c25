"""Floor 4: what turns views into a loss. One file per objective."""
