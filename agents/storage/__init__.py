"""Files that outlive the process: run directories, checkpoints, saved policies.

Files of older versions become those of today in `migrations`, with `old_states`, alone. What comes
from others is checked before it is loaded: see `model_checks`. No file is a pickle.
"""
