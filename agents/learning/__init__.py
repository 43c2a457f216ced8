"""The maths of the papers: returns, losses, optimizers, schedules, normalisation, metrics.

Most are functions of their arguments, each with its equation and its source. Begin with `returns`
and `losses`. Nothing in here knows environments, files or networks.
"""
