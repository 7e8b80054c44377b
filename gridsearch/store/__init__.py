"""The store of results; the only room with SQL."""
