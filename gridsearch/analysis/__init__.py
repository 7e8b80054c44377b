"""From the store to DataFrames, and from DataFrames to small frozen records of numbers."""
