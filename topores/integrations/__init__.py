"""topores within other people's trainers."""
