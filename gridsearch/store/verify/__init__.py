"""Checking every invariant of a store."""
