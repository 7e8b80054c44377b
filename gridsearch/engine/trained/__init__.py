"""From a trial in the store to its trained model, and what is done with it."""
