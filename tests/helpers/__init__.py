"""Helpers of tests: games of scripted frames, launched scripts, comparisons of runs. No tests."""
