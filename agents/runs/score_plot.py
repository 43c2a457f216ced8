"""Plots the scores of a run's training episodes, `score.png`: each score and a running mean.

TensorBoard shows more, but a picture can be looked at, and sent, without any program.
"""

import contextlib
import csv
import io
import logging
import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from envs import files

if TYPE_CHECKING:  # Matplotlib takes most of a second to import; only the end of a run needs it.
    from matplotlib.figure import Figure

_SIZE, _DPI = (9.6, 5.4), 100  # Inches and pixels per inch: 960 x 540 pixels
_WINDOWS = 5, 100  # Least and most episodes of the running mean; a tenth of all in between.
_DOTS, _LINE, _GRID = '#96b4cd', '#145ab4', '#e1e1e1'


def write(run_dir: str) -> None:
    """Writes `score.png` beside `episodes.csv`, or nothing if no episode has ended.

    Raises:
        OSError: The picture cannot be drawn or written.
    """
    with open(os.path.join(run_dir, 'episodes.csv'), newline='') as file:
        rows = [(int(row['step']), float(row['score'])) for row in csv.DictReader(file)]
    if not rows:
        return
    steps, scores = np.array(rows).T
    name = os.path.basename(os.path.normpath(run_dir))
    try:
        content = png(steps, scores, name)
    except Exception as error:  # A picture is no reason for a training to fail.
        raise OSError(f'score.png cannot be drawn: {error}') from error
    files.write_atomically(os.path.join(run_dir, 'score.png'), content)


def running_means(scores: np.ndarray, window: int) -> np.ndarray:
    """Means of each score and up to `window` - 1 scores before it, `[E]`."""
    sums = np.concatenate([[0.0], np.cumsum(scores)])
    ends = np.arange(1, len(scores) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def png(steps: np.ndarray, scores: np.ndarray, title: str = '') -> bytes:
    """Content of a PNG file of 960 x 540 pixels; the arguments are those of `figure`."""
    out = io.BytesIO()
    with _matplotlib_as_shipped():
        figure(steps, scores, title).savefig(out, format='png')
    return out.getvalue()


def figure(steps: np.ndarray, scores: np.ndarray, title: str = '') -> 'Figure':
    """Draws the scores as dots and their running mean as a line.

    Args:
        steps: Agent steps at which the episodes ended, `[E]`, rising.
        scores: Scores of the episodes, `[E]`.
        title: Text above the plot.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    result = Figure(_SIZE, _DPI, layout='constrained')
    FigureCanvasAgg(result)  # Draws in memory, whether there is a display or not.
    axes = result.subplots()
    window = int(np.clip(len(steps) // 10, *_WINDOWS))
    means = running_means(scores, window)
    axes.plot(steps, scores, '.', color=_DOTS, markersize=5, label='an episode')
    axes.plot(steps, means, color=_LINE, linewidth=2, label=f'mean of the last {window}')
    axes.set(xlabel='agent steps', ylabel='score', xlim=(0, None))
    axes.xaxis.set_major_formatter(EngFormatter(sep=''))
    axes.grid(color=_GRID)
    axes.spines[:].set_color(_GRID)
    axes.legend(loc='lower center', bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    # A directory may have any name: `$` begins no formula, and bytes may be no characters.
    result.suptitle(title.encode(errors='replace').decode(), parse_math=False)
    return result


@contextlib.contextmanager
def _matplotlib_as_shipped() -> Iterator[None]:
    """Uses Matplotlib's own settings, and keeps its warnings off the terminal.

    It warns of a home directory that it cannot write its font list into, and of characters that
    its font lacks.
    """
    logging.getLogger('matplotlib').setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        import matplotlib

        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            yield
