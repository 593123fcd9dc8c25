"""What the analysis says in words, and what it rests on."""
