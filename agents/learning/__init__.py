"""The maths of the papers: returns, losses, optimizers, schedules, normalisation.

Functions of their arguments, each with its equation and its source. Begin with `returns` and
`losses`. No environment, no file and no network is known here.
"""
