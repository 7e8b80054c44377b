"""Before a launch: data, models, preflight checks, teachers."""
