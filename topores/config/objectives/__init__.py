"""Options of objectives: one file per objective that has any, under the objective's name, and free of torch."""
