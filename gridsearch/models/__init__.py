"""Architectures, one family per file, and the registry that finds them."""
