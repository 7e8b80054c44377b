"""From the store to data frames to small records of numbers."""
