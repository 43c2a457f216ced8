"""An experiment: how noisy the gradients are that a policy is improved by.

`.venv/bin/python -m research.gradient_variance` runs it. `options` has its flags, `estimates` the
estimators and their statistics, `picture` draws them.
"""
