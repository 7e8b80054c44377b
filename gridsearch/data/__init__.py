"""Data sets as arrays, their canonical file, and their splits."""
