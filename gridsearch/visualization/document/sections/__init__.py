"""The sections of a document, a file each: what the numbers allow to be said, and nothing else."""
