"""Pages that follow a store while it is written to, for the browser on this machine."""
