"""What goes wrong with learning, and what is done about it.

`collapse` has the alarms, which know numbers only; `monitor` looks at every update of a run, dumps
those that were skipped, and returns to earlier weights if it was asked to.
"""
