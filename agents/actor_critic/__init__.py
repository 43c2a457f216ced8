"""A2C and A3C: `a2c` and `a3c` read like the papers, `base` has what they share.

The step model, which acts, is in `agents.experience`; `train_model` learns.
"""
