"""Playing whole episodes with a policy, and what came out of them.

`play` plays, `results` has the numbers, `report` is what `./run evaluate` does.
"""
