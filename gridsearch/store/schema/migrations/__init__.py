"""The history of the store's schema, one file a version, read from top to bottom."""
