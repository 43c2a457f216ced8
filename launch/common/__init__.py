"""Code that the commands share.

`script` runs a command, `config_flags` makes its flags from configurations, `help_screen` prints
them, and `training` adds presets and resuming to the commands that train.
"""
