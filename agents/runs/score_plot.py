"""The scores of a run's training episodes as a picture, `score.png`: each one, and their mean.

TensorBoard shows more; this can be looked at, and sent, without anything.
"""

import csv
import math
import os

import cv2
import numpy as np

_WIDTH, _HEIGHT = 960, 540  # Pixels
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 30, 50, 60  # Margins
_WINDOWS = 5, 100  # Episodes that the mean is over: a tenth of all, but at least and at most.
_INK, _GRID, _DOTS, _LINE = (60, 60, 60), (225, 225, 225), (205, 180, 150), (180, 90, 20)  # BGR
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def write(run_dir: str) -> None:
    """Writes `score.png` beside `episodes.csv`; nothing if no episode has ended.

    Raises:
        OSError: It cannot be written.
    """
    with open(os.path.join(run_dir, 'episodes.csv'), newline='') as file:
        rows = [(int(row['step']), float(row['score'])) for row in csv.DictReader(file)]
    if not rows:
        return
    steps, scores = np.array(rows).T
    name = os.path.basename(os.path.normpath(run_dir))
    _, content = cv2.imencode('.png', draw(steps, scores, name))
    partial = os.path.join(run_dir, 'score.png.partial')
    with open(partial, 'wb') as out:
        out.write(content.tobytes())
    os.replace(partial, os.path.join(run_dir, 'score.png'))


def running_means(scores: np.ndarray, window: int) -> np.ndarray:
    """Of each score and of up to `window` - 1 before it, `[E]`."""
    sums = np.concatenate([[0.0], np.cumsum(scores)])
    ends = np.arange(1, len(scores) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def draw(steps: np.ndarray, scores: np.ndarray, title: str = '') -> np.ndarray:
    """The picture, `uint8[540, 960, 3]`, BGR.

    Args:
        steps: Agent steps at which the episodes ended, `[E]`, rising.
        scores: Of the episodes, `[E]`.
        title: Above it.
    """
    picture = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    x_ticks = ticks(0.0, float(steps.max()))
    y_ticks = ticks(float(scores.min()), float(scores.max()))
    left, right, bottom, top = _LEFT, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM, _TOP
    for at, tick in zip(_pixels(x_ticks, x_ticks, left, right).tolist(), x_ticks, strict=True):
        cv2.line(picture, (at, bottom), (at, top), _GRID)
        _text(picture, _number(tick), (at, bottom + 20), 0.5)
    for at, tick in zip(_pixels(y_ticks, y_ticks, bottom, top).tolist(), y_ticks, strict=True):
        cv2.line(picture, (left, at), (right, at), _GRID)
        _text(picture, _number(tick), (left - 8, at + 5), 0.5, align=1.0)
    x, window = _pixels(steps, x_ticks, left, right), int(np.clip(len(steps) // 10, *_WINDOWS))
    for dot in zip(x.tolist(), _pixels(scores, y_ticks, bottom, top).tolist(), strict=True):
        cv2.circle(picture, dot, 2, _DOTS, cv2.FILLED, cv2.LINE_AA)
    means = _pixels(running_means(scores, window), y_ticks, bottom, top)
    cv2.polylines(picture, [np.stack([x, means], axis=1)], False, _LINE, 2, cv2.LINE_AA)
    legend = f'agent steps; score of an episode (dots), mean of the last {window} (line)'
    _text(picture, title, ((left + right) // 2, 30), 0.6)
    _text(picture, legend, ((left + right) // 2, _HEIGHT - 12), 0.5)
    return picture


def ticks(low: float, high: float) -> np.ndarray:
    """Five to ten round numbers, of which the first is at most `low` and the last at least `high`.

    If these are equal, room is made around them.
    """
    if high <= low:
        low, high = low - 1.0, high + 1.0
    size = 10.0 ** math.floor(math.log10((high - low) / 4.0))
    step = next(m * size for m in (5, 2, 1) if m * size <= (high - low) / 4.0)
    return step * np.arange(math.floor(low / step), math.ceil(high / step) + 1)


def _pixels(values: np.ndarray, known: np.ndarray, first: int, last: int) -> np.ndarray:
    """Where values stand if the first tick is at the pixel `first` and the last one at `last`."""
    shares = (values - known[0]) / (known[-1] - known[0])
    return (first + shares * (last - first)).round().astype(np.int32)


def _number(value: float) -> str:
    for unit, size in (('M', 1e6), ('k', 1e3)):
        if abs(value) >= size:
            return f'{value / size:g}{unit}'
    return f'{value:.6g}'


def _text(
    picture: np.ndarray, text: str, at: tuple[int, int], size: float, align: float = 0.5
) -> None:
    """Text that begins at `at`, or is centred there, or ends there: `align` is 0, 0.5 or 1."""
    (width, _), _ = cv2.getTextSize(text, _FONT, size, 1)
    start = round(at[0] - align * width), at[1]
    cv2.putText(picture, text, start, _FONT, size, _INK, 1, cv2.LINE_AA)
