"""Logs of a run: `metrics.csv`, `episodes.csv`, `evaluations.csv` and TensorBoard events."""

import collections
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from agents.evaluation.results import Evaluation
from agents.learning.metrics import GUARD_COUNTS, Metrics, TrainMetrics
from agents.runs.event_files import EventFiles
from agents.runs.tables import Table
from envs.vector import processes

_ROLLOUT = (
    'steps', 'frames', 'wall_seconds', 'steps_per_second', 'episodes', 'episode_return',
    'episode_score', 'episode_length', 'episode_value', 'episode_progress', 'episode_completed',
)  # fmt: skip
_RUN = ('learning_rate', *GUARD_COUNTS, 'rss_mb', 'restarts')
METRICS = (*_ROLLOUT, *TrainMetrics._fields, *_RUN)
EPISODES = (
    'step', 'env', 'level', 'return', 'score', 'length', 'frames', 'value', 'progress',
    'terminated', 'truncated',
)  # fmt: skip
EVALUATIONS = ('step', 'mode', 'episodes', 'mean_score', 'standard_error', 'mean_return')
# These depend on the machine, not on the algorithm: they differ between two equal runs.
MACHINE_METRICS = ('wall_seconds', 'steps_per_second', 'rss_mb', 'restarts')
# `progress` and `completed` are known only in levels that have an end.
_EPISODE_MEANS = ('return', 'score', 'length', 'value', 'progress', 'completed')
_WINDOW = 100  # Number of the latest episodes that `episode_return` and its like average.


class Logger:
    """Collects the results of updates and episodes, and writes them at the end of a log period.

    Args:
        run_dir: Directory of the run.
        steps: Step of the checkpoint that the run continues from, 0 for a new run.
        last: Steps of the last row (`log`) and the last evaluation (`evaluation`) at that
            checkpoint; later rows are dropped, since they will be written again.
        fields: Names of the metrics that the agent's updates return.
    """

    def __init__(
        self,
        run_dir: str,
        steps: int = 0,
        last: Mapping[str, int] | None = None,
        fields: tuple[str, ...] = TrainMetrics._fields,
    ) -> None:
        last, self._fields = last or {'log': steps, 'evaluation': steps}, fields
        columns = (*_ROLLOUT, *fields, *_RUN)
        self._metrics = Table(os.path.join(run_dir, 'metrics.csv'), columns, last['log'])
        self._episodes = Table(os.path.join(run_dir, 'episodes.csv'), EPISODES, steps)
        evaluations = os.path.join(run_dir, 'evaluations.csv')
        self._evaluations = Table(evaluations, EVALUATIONS, last['evaluation'])
        self._events = EventFiles(run_dir)
        self._recent: list[dict[str, Any]] = []  # Episodes since the previous row.
        self._levels: set[str] = set()  # Levels played so far.
        self._updates: list[tuple[float, ...]] = []
        self._window: collections.deque[dict[str, Any]] = collections.deque(maxlen=_WINDOW)
        self._num_episodes, self._wall_before = 0, 0.0
        self._start = self._last_time = time.monotonic()
        self._last_step = steps  # At the previous row; speed is that of this session alone.

    def note(self, metrics: Metrics | None, episodes: Iterable[dict[str, Any]]) -> None:
        """Records an update, if one was made, and the episodes that ended in its rollout."""
        if metrics and metrics.is_finite:
            self._updates.append(tuple(metrics))
        for episode in episodes:
            self._num_episodes += 1
            self._window.append(episode)
            self._episodes.write(episode)
            self._recent.append(episode)
            self._levels.add(episode['level'])

    def write(
        self, steps: int, frames: int, learning_rate: float, counts: Mapping[str, int]
    ) -> dict[str, Any]:
        """Writes the row of the log period that ends here, and returns it.

        `counts` has the counts that the run keeps: `restarts` and those of `GUARD_COUNTS`.
        """
        now = time.monotonic()
        rate = (steps - self._last_step) / max(now - self._last_time, 1e-9)
        self._last_time, self._last_step = now, steps
        row = {
            'steps': steps,
            'frames': frames,
            'wall_seconds': round(self._wall_before + now - self._start, 2),
            'steps_per_second': round(rate, 1),
            'episodes': self._num_episodes,
            **{f'episode_{key}': _mean(self._window, key) for key in _EPISODE_MEANS},
            **self._means(),
            'learning_rate': learning_rate,
            'rss_mb': round(processes.resident_mb([os.getpid()]), 1),
            **counts,
        }
        self._updates = []
        self._metrics.write(row)
        self._write_events(row)
        self._write_part_events(steps)
        return row

    def _means(self) -> dict[str, float | str]:
        """Mean metrics of the period's updates; '' for each metric if no update was made."""
        if not self._updates:
            return dict.fromkeys(self._fields, '')
        means = np.mean(self._updates, axis=0)
        return dict(zip(self._fields, means.tolist(), strict=True))

    def write_alarm(self, step: int, text: str) -> None:
        """Writes an alarm to TensorBoard's text page."""
        self._events.text('guard/alarm', step, text)

    def write_evaluation(self, step: int, evaluation: Evaluation) -> None:
        """Writes the result of an evaluation during training."""
        result = {
            'step': step,
            'mode': evaluation.mode,
            'episodes': len(evaluation.episodes),
            'mean_score': evaluation.mean_score,
            'standard_error': evaluation.standard_error,
            'mean_return': evaluation.mean_return,
        }
        self._evaluations.write(result)
        prefix = f'eval/{evaluation.mode}_mean'
        means = {'score': evaluation.mean_score, 'return': evaluation.mean_return}
        values = {f'{prefix}_{name}': mean for name, mean in means.items()}
        self._events.scalars('', step, values)

    def write_text(self, name: str, content: Mapping[str, Any]) -> None:
        """Writes a table of names and values to TensorBoard's text page."""
        rows = ''.join(f'| {key} | `{value}` |\n' for key, value in content.items())
        # After the last row that is kept: from its first step on, a file replaces earlier ones.
        step = self._last_step + 1 if self._last_step else 0
        self._events.text(name, step, f'| name | value |\n| --- | --- |\n{rows}')

    def flush(self) -> None:
        """Hands everything to the operating system."""
        for table in (self._metrics, self._episodes, self._evaluations):
            table.flush()
        self._events.flush()

    def close(self) -> None:
        """Writes what is waiting and closes the files."""
        for table in (self._metrics, self._episodes, self._evaluations):
            table.flush()
        self._events.close()

    def state(self) -> dict[str, Any]:
        """Returns the state that the next rows depend on."""
        return {
            'window': list(self._window),
            'updates': [list(update) for update in self._updates],
            'recent': self._recent,
            'levels': sorted(self._levels),
            'num_episodes': self._num_episodes,
            'wall_seconds': self._wall_before + time.monotonic() - self._start,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `state` returned."""
        self._window.extend(state['window'])
        # Updates that told of other metrics make no mean with those to come.
        known = [tuple(u) for u in state['updates'] if len(u) == len(self._fields)]
        self._updates = known
        self._recent, self._levels = list(state['recent']), set(state['levels'])
        self._num_episodes = int(state['num_episodes'])
        self._wall_before = float(state['wall_seconds'])

    def _write_events(self, row: dict[str, Any]) -> None:
        means = (f'episode_{key}' for key in _EPISODE_MEANS)
        groups = {'rollout': ('episodes', *means),
                  'time': ('frames', *MACHINE_METRICS),
                  'train': (*self._fields, 'learning_rate'),
                  'guard': GUARD_COUNTS}  # fmt: skip
        named = [(f'{group}/{key}', row[key]) for group in groups for key in groups[group]]
        known = {name: float(value) for name, value in named if value != ''}
        self._events.scalars('', row['steps'], known)

    def _write_part_events(self, steps: int) -> None:
        """Writes means of each worker and level since the previous row, as runs of their own."""
        parts: dict[str, list[dict[str, Any]]] = {}
        for episode in self._recent:
            if 'worker' in episode:
                parts.setdefault(os.path.join('workers', str(episode['worker'])), []).append(
                    episode
                )
            if len(self._levels) > 1:
                parts.setdefault(os.path.join('levels', episode['level']), []).append(episode)
        self._recent = []
        for part, episodes in parts.items():
            named = [(f'rollout/episode_{key}', _mean(episodes, key)) for key in _EPISODE_MEANS]
            means = {name: float(mean) for name, mean in named if mean != ''}
            self._events.scalars(part, steps, means)


def _mean(episodes: Iterable[Mapping[str, Any]], key: str) -> float | str:
    """Mean over the episodes that have the key; '' if none has it."""
    values = [episode[key] for episode in episodes if key in episode]
    return float(np.mean(values)) if values else ''
