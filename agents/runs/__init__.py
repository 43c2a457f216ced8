"""What surrounds a training: the loop, resuming, tables, TensorBoard, the display, signals.

Begin with `run`. It knows an algorithm only as an `agents.agent`; no algorithm imports it.
"""
