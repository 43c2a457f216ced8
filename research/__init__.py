"""Experiments and benchmarks: scripts, and the results that they produced."""
