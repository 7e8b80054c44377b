"""Jobs, spaces, trials and their identity, before any data or model is known."""
