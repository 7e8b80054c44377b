"""The parts of a recipe: optimisers, schedules, losses, augmentation, normalization, random draws."""
