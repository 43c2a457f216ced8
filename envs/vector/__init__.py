"""Many environments that step together in worker processes, and what keeps these alive.

Begin with `subproc_vec_env`. Which game is played is not known here: environments come as functions
that make them.
"""
