"""What the terminal shows: tables, plans, progress, words."""
