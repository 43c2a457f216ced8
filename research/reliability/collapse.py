"""Makes A2C collapse on purpose, and shows what becomes of it with `--on_collapse`.

    .venv/bin/python -m research.reliability.collapse --seeds=0,1,2

The learning rate is far too high and gradients are not clipped; the rest is the game's preset. Each
seed is trained with `warn` and with `rollback`; runs that are there already are not repeated. A
table tells what was reached, a picture shows score and entropy over time.
"""

import csv
import os
import subprocess
import sys

import matplotlib
import numpy as np
from absl import flags

from envs.fields import require
from launch.common import script

matplotlib.use('Agg')
from matplotlib import pyplot  # noqa: E402  The backend is chosen first.

MODES = ('warn', 'rollback')
_WRONG = ('--max_grad_norm=0', '--lr_schedule=constant', '--rollback_lr_factor=0.05')
_GAMES = {  # The presets learn with 5e-4 and 1e-3.
    'VizdoomBasic-v1': ('--learning_rate=5e-3', '--eval_period=4000'),
    'CartPole-v1': ('--learning_rate=0.1', '--entropy_cost=0', '--eval_period=5000'),
}

_GAME = flags.DEFINE_enum('game', 'VizdoomBasic-v1', list(_GAMES), 'Game.')
_SEEDS = flags.DEFINE_list('seeds', ['0'], 'Seeds, comma-separated.')
_TOTAL_STEPS = flags.DEFINE_integer('total_steps', 60_000, 'Agent steps of each run.')
_RUNS = flags.DEFINE_string('runs', 'runs/collapse', 'Directory of the run directories.')
_OUT = flags.DEFINE_string('out', 'collapse.png', 'Picture to write.')

Table = list[dict[str, str]]


def train(mode: str, seed: str) -> str:
    """Trains a run unless it is there; returns its directory."""
    run_dir = os.path.join(_RUNS.value, f'{_GAME.value}-{mode}-{seed}')
    if not os.path.exists(os.path.join(run_dir, 'model', 'final')):
        options = {
            'game': _GAME.value,
            'seed': seed,
            'total_steps': _TOTAL_STEPS.value,
            'on_collapse': mode,
            'log_period': 1000,
            'run_dir': run_dir,
        }
        named = [f'--{name}={value}' for name, value in options.items()]
        command = [sys.executable, '-m', 'launch.train_a2c', *named, *_WRONG, *_GAMES[_GAME.value]]
        print(' '.join(command[1:]), flush=True)
        # A run that ends because it cannot be rescued is a result, too.
        require(subprocess.run(command).returncode in (0, 2), f'{run_dir}: the training failed')
    return run_dir


def read(run_dir: str, name: str) -> Table:
    """The rows of a table of a run."""
    with open(os.path.join(run_dir, f'{name}.csv'), newline='') as file:
        return list(csv.DictReader(file))


def column(rows: Table, name: str) -> np.ndarray:
    """Numbers; NaN where there is none."""
    return np.array([float(row[name] or 'nan') for row in rows])


def summary(run_dir: str) -> str:
    """The result of a run, as a row."""
    metrics, evaluations = read(run_dir, 'metrics'), read(run_dir, 'evaluations')
    alarms = [row['steps'] for row in metrics if row['collapse_alarms'] != '0']
    scores = column(evaluations, 'mean_score')
    entropy, last = column(metrics, 'entropy'), metrics[-1]
    return (
        f'{os.path.basename(run_dir):<32} {alarms[0] if alarms else "-":>11} '
        f'{last["rollbacks"]:>9} {np.nanmin(entropy):>14.4f} {entropy[-1]:>12.4f} '
        f'{scores.max():>10.1f} {scores[-3:].mean():>12.1f} {float(last["learning_rate"]):>10.2g}'
    )


def draw(run_dirs: dict[str, list[str]]) -> None:
    """Score and entropy of all runs over agent steps; a colour for each mode."""
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), layout='constrained')
    for color, (mode, directories) in zip(('C3', 'C0'), run_dirs.items(), strict=True):
        for i, run_dir in enumerate(directories):
            rows, label = read(run_dir, 'metrics'), mode if i == 0 else None
            steps = column(rows, 'steps')
            axes[0].plot(steps, column(rows, 'episode_score'), color=color, label=label)
            axes[1].plot(steps, np.maximum(column(rows, 'entropy'), 1e-6), color=color)
    axes[0].set(xlabel='agent steps', ylabel='score, mean of 100 episodes', title=_GAME.value)
    axes[1].set(xlabel='agent steps', ylabel='entropy', yscale='log')
    axes[0].legend()
    figure.savefig(_OUT.value, dpi=110)


def main() -> None:
    """Trains, prints a table and draws a picture."""
    run_dirs: dict[str, list[str]] = {mode: [] for mode in MODES}
    for seed in _SEEDS.value:
        for mode in MODES:
            run_dirs[mode].append(train(mode, seed))
    print(
        f'{"run":<32} {"first alarm":>11} {"rollbacks":>9} {"lowest entropy":>14} '
        f'{"last entropy":>12} {"best score":>10} {"last 3 evals":>12} {"last rate":>10}'
    )
    for directories in run_dirs.values():
        for run_dir in directories:
            print(summary(run_dir))
    draw(run_dirs)


if __name__ == '__main__':
    script.start(main)
