"""The training loop: packs, their members, one epoch after another."""
