"""Draws every picture of HillHopper and lays out its acts, as C tables. NumPy only."""
