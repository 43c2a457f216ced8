"""Experiments on what runs survive; the results are in README.md."""
