"""Vector environments that step in worker processes, and the code that keeps workers alive.

Start reading at `subproc_vec_env`. This package does not know which game is played: it is given
functions that make the environments.
"""
