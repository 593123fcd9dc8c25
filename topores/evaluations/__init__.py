"""Floor 4: what is measured of a learner at every logged cycle. One file per evaluation."""
