"""The training loop: batches, optimisers, schedules, checkpoints; knows no store and no Ray."""
