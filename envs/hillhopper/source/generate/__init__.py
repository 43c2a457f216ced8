"""Draws every picture of HillHopper and lays out its acts, as tables in C, using only NumPy."""
