"""Games as gymnasium environments. Nothing in here imports TensorFlow, or anything of `agents`.

An emulator process imports this package alone, starts in half a second and stays near 60 MB.

    make        begin here: a configuration becomes an environment; the order of the wrappers
    config      every option of an environment
    game        what a backend must offer, snapshots included
    backends/   stable-retro, ViZDoom, ALE and gymnasium, and what is known of their games
    wrappers/   what stands between an emulator and an agent, one transformation per class
    vector/     many environments in worker processes, which are replaced when they fail
    doctor      checks of this machine

`make` and `doctor` are the only modules that know backends, wrappers and vector at once; these
three never import each other.
"""
