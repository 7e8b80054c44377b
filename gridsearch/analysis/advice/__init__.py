"""What to do next, by rules that each look for one thing in a job."""
