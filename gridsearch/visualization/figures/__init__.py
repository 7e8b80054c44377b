"""Figures from records of numbers; pages and notebooks show the same ones."""
