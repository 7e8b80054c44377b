"""Jobs against each other: what differs in them, the cells that they share, the best of each."""
