"""What may be trained as one, in which strategy, and the proof that it gets what it gets alone."""
