"""Everything around a training: the loop, resuming, tables, TensorBoard, the display, signals.

Begin with `train`, then read `opening` and `run`. They know an algorithm only as an `agents.agent`;
no algorithm imports them.
"""
