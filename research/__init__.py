"""Experiments and benchmarks: scripts, and the results that they produced. See README.md.

peers/               agents of Stable-Baselines3, alone and beside ours
agreement/           single updates of ours against single updates of theirs
gradient_variance/   how noisy policy gradients are, by estimator
benchmarks/          agent steps per second, and where the time goes
reliability/         what runs survive: kills, chaos, full disks, long times
plots                learning curves from run directories
thresholds.sh        trains several seeds of a game and evaluates them
results/, media/     what these commands wrote; films
"""
