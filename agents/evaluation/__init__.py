"""Evaluation of a policy over whole episodes.

`play` plays the episodes, `results` computes the numbers, `report` does what `./run evaluate` asks.
"""
