"""Reading a store; what is read is checked."""
