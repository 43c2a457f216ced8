"""Games as gymnasium environments. Nothing in here imports TensorFlow, or anything of `agents`.

An emulator process imports this package alone, starts in half a second and stays near 60 MB.

    make        begin here: it builds an environment and sets the order of the wrappers
    config      every option of an environment
    game        the interface of a running game, snapshots included
    backends/   stable-retro, ViZDoom, ALE and gymnasium, and descriptions of their games
    wrappers/   transformations between an emulator and an agent, one per class
    vector/     many environments in worker processes, which are replaced when they fail
    doctor      checks of this machine

Only `make` and `doctor` know backends, wrappers and vector at once; these three never import each
other.
"""
