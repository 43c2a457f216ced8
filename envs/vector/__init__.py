"""Many environments that step together in worker processes, and the means to keep these alive.

Begin with `subproc_vec_env`. Nothing in here knows which game is played: environments arrive as
functions that make them.
"""
