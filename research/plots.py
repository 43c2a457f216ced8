"""Draws learning curves from run directories.

    .venv/bin/python -m research.plots --runs='runs/a2c-*' --labels=a2c --out=curve.png

A curve is the mean over the runs of a label; the band is the smallest and the largest run. Each run
is the mean score of its episodes in windows of agent steps.
"""

import csv
import glob
import os

import matplotlib
import numpy as np
from absl import flags

from envs.config import require
from launch import script

matplotlib.use('Agg')
from matplotlib import pyplot  # noqa: E402  The backend is chosen first.

_RUNS = flags.DEFINE_list('runs', [], 'A pattern of run directories per label.')
_LABELS = flags.DEFINE_list('labels', [], 'A label per pattern.')
_OUT = flags.DEFINE_string('out', 'curve.png', 'Picture to write.')
_TITLE = flags.DEFINE_string('title', '', 'Title of the picture.')
_WINDOW = flags.DEFINE_integer('window', 0, 'Agent steps per point; 0: a fortieth of the run.')
_LINE = flags.DEFINE_float('line', None, 'A horizontal line to compare with.')


def curve(run_dir: str, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps and mean raw score of the episodes that ended in each window."""
    with open(os.path.join(run_dir, 'episodes.csv'), newline='') as file:
        rows = [(int(row['step']), float(row['score'])) for row in csv.DictReader(file)]
    steps, scores = (np.array(column) for column in zip(*rows, strict=True))
    window = window or max(int(steps[-1]) // 40, 1)
    bins = steps // window
    points = np.unique(bins)
    return (points + 0.5) * window, np.array([scores[bins == b].mean() for b in points])


def main() -> None:
    """Draws a picture."""
    require(len(_RUNS.value) == len(_LABELS.value) > 0, '--runs and --labels go in pairs')
    figure, axes = pyplot.subplots(figsize=(7, 4), layout='constrained')
    for pattern, label in zip(_RUNS.value, _LABELS.value, strict=True):
        directories = sorted(glob.glob(pattern))
        require(bool(directories), f'--runs: nothing matches {pattern}')
        curves = [curve(directory, _WINDOW.value) for directory in directories]
        num_points = min(len(steps) for steps, _ in curves)
        steps = curves[0][0][:num_points]
        scores = np.array([scores[:num_points] for _, scores in curves])
        (line,) = axes.plot(steps, scores.mean(axis=0), label=f'{label} ({len(curves)} runs)')
        axes.fill_between(
            steps, scores.min(axis=0), scores.max(axis=0), alpha=0.2, color=line.get_color()
        )
    if _LINE.value is not None:
        axes.axhline(_LINE.value, color='gray', linestyle='--', linewidth=1)
    axes.set(xlabel='agent steps', ylabel='score per episode', title=_TITLE.value)
    axes.legend()
    figure.savefig(_OUT.value, dpi=110)


if __name__ == '__main__':
    script.start(main)
