"""Progress of a run for a person: a live display on a terminal, plain lines elsewhere."""

import time
import types
from collections import deque
from collections.abc import Mapping
from typing import Any

import rich.console
import rich.progress

_LINE_SECONDS = 10.0  # Least time between two plain lines.
_RECENT_ROWS = 20  # The time left follows their speed: steps before learning starts are cheap.


class Progress:
    """Shows steps, frames, speed, return and the time left.

    Args:
        total_steps: Agent steps of the whole run.
        steps: Agent steps taken before this session.

    Attributes:
        console: The console that everything is printed to.
    """

    def __init__(self, total_steps: int, steps: int = 0) -> None:
        self.console = rich.console.Console(highlight=False)
        self._total_steps = total_steps
        self._next_line = time.monotonic()
        self._recent = deque([(self._next_line, steps)], maxlen=_RECENT_ROWS)
        self._bar = rich.progress.Progress(
            rich.progress.BarColumn(bar_width=None),
            rich.progress.TaskProgressColumn(),
            rich.progress.TextColumn('{task.description}'),
            console=self.console,
            expand=True,
            disable=not self.console.is_interactive,
        )
        self._task = self._bar.add_task('starting', total=total_steps, completed=steps)

    def __enter__(self) -> 'Progress':
        """Starts the display."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        """Stops the display and leaves its last state on the screen."""
        self._bar.stop()

    def update(self, row: Mapping[str, Any]) -> None:
        """Shows a row of `metrics.csv`."""
        left = self._time_left(row['steps'])
        self._bar.update(self._task, description=_short(row, left), completed=row['steps'])
        if not self.console.is_interactive and time.monotonic() >= self._next_line:
            self.print(f'{_long(row)}, {left} left')
            self._next_line = time.monotonic() + _LINE_SECONDS

    def print(self, text: str) -> None:
        """Prints a line above the display."""
        self.console.print(text, soft_wrap=not self.console.is_interactive, markup=False)

    def _time_left(self, steps: int) -> str:
        now, (start, first_step) = time.monotonic(), self._recent[0]
        self._recent.append((now, steps))
        seconds = (now - start) * (self._total_steps - steps) / max(steps - first_step, 1)
        minutes, seconds = divmod(int(max(seconds, 0)), 60)
        hours, minutes = divmod(minutes, 60)
        return f'{hours}:{minutes:02}:{seconds:02}' if hours else f'{minutes}:{seconds:02}'


def _short(row: Mapping[str, Any], left: str) -> str:
    """Formats a row of `metrics.csv` for 80 columns, with a dozen to spare for the bar."""
    shown = f'return {row["episode_return"]:.4g}' if row['episode_return'] != '' else 'no return'
    return (
        f'{_count(row["steps"])} steps  {_count(row["frames"])} frames  '
        f'{row["steps_per_second"]:,.0f}/s  {shown}  {left} left'
    )


def _long(row: Mapping[str, Any]) -> str:
    """Formats a row of `metrics.csv` as a plain line."""
    shown = 'no episode has ended yet'
    if row['episode_return'] != '':
        shown = f'return {row["episode_return"]:.2f}, score {row["episode_score"]:.1f}'
    return (
        f'{row["steps"]:,} steps ({row["frames"]:,} frames), '
        f'{row["steps_per_second"]:,.0f} steps/s, {shown}, {_learning(row)}'
    )


def _learning(row: Mapping[str, Any]) -> str:
    """Formats the most telling number about learning: a policy's entropy, or the critic's loss."""
    name = 'entropy' if 'entropy' in row else 'value_loss'
    if row[name] == '':
        return 'no update was made'
    return f'entropy {row[name]:.3f}' if name == 'entropy' else f'value loss {row[name]:.3g}'


def _count(number: int) -> str:
    """Formats a count with three digits and a unit: 999, 1.23k, 80.0k, 10.0M."""
    for unit, size in (('M', 1_000_000), ('k', 1_000)):
        if number >= size:
            value = number / size
            return f'{value:.{2 if value < 10 else 1 if value < 100 else 0}f}{unit}'
    return str(number)
