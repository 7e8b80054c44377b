"""A launch: packs, the driver that hands them out and records, and signs of life."""
