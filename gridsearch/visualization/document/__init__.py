"""A job as one document: its parts, the sections that say what the numbers allow, and a writer for each format."""
