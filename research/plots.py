"""Draws learning curves from run directories.

    .venv/bin/python -m research.plots --runs='runs/a2c-*' --labels=a2c --out=curve.png

A curve is the mean over the runs of a label; the band is the smallest and the largest run. Each run
is the mean score of its episodes in windows of agent steps, or, with `--per_env`, of episodes that
each environment has played: the curves of A3C's workers on top of each other.
"""

import collections
import csv
import glob
import os

import matplotlib
import numpy as np
from absl import flags

from envs.fields import require
from launch.common import script

matplotlib.use('Agg')
from matplotlib import pyplot  # noqa: E402  The backend is chosen first.

_RUNS = flags.DEFINE_list('runs', [], 'A pattern of run directories per label.')
_LABELS = flags.DEFINE_list('labels', [], 'A label per pattern.')
_OUT = flags.DEFINE_string('out', 'curve.png', 'Picture to write.')
_TITLE = flags.DEFINE_string('title', '', 'Title of the picture.')
_VALUE = flags.DEFINE_enum('value', 'score', ['score', 'return'], 'What is averaged.')
_PER_ENV = flags.DEFINE_boolean('per_env', False, 'Over the episodes of each environment.')
_WINDOW = flags.DEFINE_integer(
    'window', 0, 'Agent steps, or episodes, per point; 0: a fortieth of the run.'
)
_LINE = flags.DEFINE_float('line', None, 'A horizontal line to compare with.')


def read(run_dir: str) -> tuple[np.ndarray, np.ndarray]:
    """Step, or number in its environment, and value of every episode of a run."""
    path = os.path.join(run_dir, 'episodes.csv')
    require(os.path.exists(path), f'--runs: {run_dir} has no episodes.csv')
    with open(path, newline='') as file:
        rows = list(csv.DictReader(file))
    require(bool(rows), f'--runs: no episode has ended in {run_dir}')
    places, played = [], collections.Counter[str]()
    for row in rows:
        places.append(played[row['env']] if _PER_ENV.value else int(row['step']))
        played[row['env']] += 1
    return np.array(places), np.array([float(row[_VALUE.value]) for row in rows])


def curves(runs: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Places, and a row of mean values per run; NaN where no episode ended in a window.

    The last window is not a whole one and is left out.
    """
    end = max(int(places.max()) for places, _ in runs)
    window = _WINDOW.value or max(end // 40, 1)
    num_points = max(end // window, 1)
    means = np.full((len(runs), num_points), np.nan)
    for row, (places, values) in zip(means, runs, strict=True):
        for point in range(num_points):
            inside = places // window == point
            if inside.any():
                row[point] = values[inside].mean()
    filled = ~np.isnan(means).all(axis=0)
    return ((np.arange(num_points) + 0.5) * window)[filled], means[:, filled]


def main() -> None:
    """Draws a picture."""
    require(len(_RUNS.value) == len(_LABELS.value) > 0, '--runs and --labels go in pairs')
    figure, axes = pyplot.subplots(figsize=(7, 4), layout='constrained')
    for pattern, label in zip(_RUNS.value, _LABELS.value, strict=True):
        directories = sorted(glob.glob(pattern))
        require(bool(directories), f'--runs: nothing matches {pattern}')
        steps, means = curves([read(directory) for directory in directories])
        count = f'{len(directories)} run' + ('s' if len(directories) > 1 else '')
        (line,) = axes.plot(steps, np.nanmean(means, axis=0), label=f'{label} ({count})')
        axes.fill_between(
            steps,
            np.nanmin(means, axis=0),
            np.nanmax(means, axis=0),
            alpha=0.2,
            color=line.get_color(),
        )
    if _LINE.value is not None:
        axes.axhline(_LINE.value, color='gray', linestyle='--', linewidth=1)
    axes.set(
        xlabel='episodes per environment' if _PER_ENV.value else 'agent steps',
        ylabel=f'{_VALUE.value} per episode',
        title=_TITLE.value,
    )
    axes.legend()
    figure.savefig(_OUT.value, dpi=110)


if __name__ == '__main__':
    script.start(main)
