"""The transactions that change a store."""
