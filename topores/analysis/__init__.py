"""Floor 5: states of a space -> clouds -> diagrams and measures -> verdict. Nothing here trains."""
