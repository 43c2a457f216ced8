"""Acting, and recording what happened: step model, runner, episodes, replay memory, noise.

Begin with `runner`, which makes the rollouts of A2C and A3C; `actor` is the interface of everything
that acts. Nothing in here learns.
"""
