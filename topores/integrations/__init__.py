"""Floor 6: topores within other people's trainers."""
