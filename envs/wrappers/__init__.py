"""Wrappers: one transformation per class, between an emulator and an agent.

Each of them takes part in `snapshot()` and `restore()`. Begin with `base`. Their order is decided
in `envs.make`.
"""
