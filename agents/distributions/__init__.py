"""What the first output of a network means: a distribution over actions, or the action itself.

Begin with `base`. Nothing in here knows how an action is made good or bad: see `agents.learning`.
"""
