"""Planning, driving and executing; the only room that knows Ray."""
