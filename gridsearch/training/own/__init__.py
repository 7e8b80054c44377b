"""Trainings of the user's own: a function that is called with a trial."""
