"""One file for each version of the schema; a released file never changes."""
