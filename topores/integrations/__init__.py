"""Floor 6: topores inside the trainers of other libraries."""
