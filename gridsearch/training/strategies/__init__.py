"""The ways to train several models as one, and one by itself."""
