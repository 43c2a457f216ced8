"""Alarms for learning that goes wrong, and the answers to them.

`collapse` has the alarms, which know numbers only; `monitor` looks at every update of a run, dumps
those that were skipped, and returns to earlier weights if it was asked to.
"""
