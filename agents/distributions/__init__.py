"""The meaning of a network's first output: a distribution over actions, or the action itself.

Begin with `base`, the interface, and `factory`, which picks the distribution for an action space, a
training or a saved model. Whether an action was good or bad is decided elsewhere, in
`agents.learning`.
"""
