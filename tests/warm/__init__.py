"""Processes without imports to wait for: copies of one that has made them."""
