"""Stable-Baselines3 as a peer: its agents with our settings, in our environments and evaluation.

Begin with `a2c`, which trains and evaluates the peer alone. `robots` and `td3` train ours beside
it, by way of `side_by_side`. `sb3` makes the peer's model from our configuration.
"""
