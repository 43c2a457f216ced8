"""Wrappers: one transformation per class, between an emulator and an agent.

Each takes part in `snapshot()` and `restore()`. Begin with `base`. Their order is not decided here,
but in `envs.make`.
"""
