"""Every option of an agent, a run and an evaluation, with its default and help; and the presets.

These classes are the only source of the flags; begin with `actor_critic` and `run`. Nothing in here
imports TensorFlow. Options of the environment are in `envs.config`.
"""
