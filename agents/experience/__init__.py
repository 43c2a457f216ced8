"""Who acts, and what is remembered of it: step model, runner, episodes, replay memory, noise.

Begin with `runner`, which makes the rollouts of A2C and A3C. Nothing in here learns.
"""
