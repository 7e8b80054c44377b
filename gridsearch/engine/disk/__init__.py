"""What checkpoints and weights take of the disk, and what may go."""
