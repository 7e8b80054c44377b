"""Search strategies as pure functions: results in, configurations out."""
