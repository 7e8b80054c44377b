"""Job files, search spaces, trial configurations and their identity; knows no other room."""
