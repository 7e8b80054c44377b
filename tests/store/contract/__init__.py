"""The contract of a store as tests, a file for each of its sections.

A store passes when a subclass of `StoreContract` (`suite.py`) with its own `store` fixture passes. Each test ends
with `verify() == []`, which the fixture of the subclass must check.
"""
