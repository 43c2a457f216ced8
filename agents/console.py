"""What a person sees while a run goes on: a progress display on a terminal, else plain lines."""

import time
import types
from collections.abc import Mapping
from typing import Any

import rich.console
import rich.progress
import rich.table

_LINE_SECONDS = 10.0  # Between plain lines, where the output is not a terminal.


def fields(config: Mapping[str, Any]) -> str:
    """`name=value` of every field, for one paragraph."""
    return '  '.join(f'{name}={value}' for name, value in config.items())


class Progress:
    """Shows steps, frames, speed, return and the time left.

    Args:
        total_steps: Agent steps of the whole run.
        steps: Agent steps done before this session.
    """

    def __init__(self, total_steps: int, steps: int = 0) -> None:
        self.console = rich.console.Console(highlight=False)
        self._total_steps, self._first_step = total_steps, steps
        self._start = time.monotonic()
        self._next_line = self._start
        self._bar = rich.progress.Progress(
            rich.progress.TextColumn('{task.description}'),
            rich.progress.BarColumn(bar_width=None),
            rich.progress.TaskProgressColumn(),
            rich.progress.TextColumn('{task.fields[left]} left'),
            console=self.console,
            expand=True,
            disable=not self.console.is_terminal,
        )
        self._task = self._bar.add_task('starting', total=total_steps, completed=steps, left='?')

    def __enter__(self) -> 'Progress':
        """Shows the display."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        """Leaves the last state on the screen."""
        self._bar.stop()

    def update(self, row: Mapping[str, Any]) -> None:
        """Shows a row of metrics.csv."""
        text, left = self.describe(row), self._time_left(row['steps'])
        self._bar.update(self._task, description=text, completed=row['steps'], left=left)
        if not self.console.is_terminal and time.monotonic() >= self._next_line:
            self.print(f'{text}, {left} left')
            self._next_line = time.monotonic() + _LINE_SECONDS

    def print(self, text: str) -> None:
        """A line above the display."""
        self.console.print(text, soft_wrap=not self.console.is_terminal, markup=False)

    def describe(self, row: Mapping[str, Any]) -> str:
        """One line about a row of metrics.csv."""
        reward = row['episode_return']
        shown = f'return {reward:.2f}, score {row["episode_score"]:.1f}' if reward != '' else ''
        return (
            f'{row["steps"]:,} steps ({row["frames"]:,} frames), '
            f'{row["steps_per_second"]:,.0f} steps/s, {shown or "no episode ended yet"}, '
            f'entropy {row["entropy"]:.3f}'
        )

    def _time_left(self, steps: int) -> str:
        done = steps - self._first_step
        seconds = (time.monotonic() - self._start) * (self._total_steps - steps) / max(done, 1)
        minutes, seconds = divmod(int(max(seconds, 0)), 60)
        hours, minutes = divmod(minutes, 60)
        return f'{hours}:{minutes:02}:{seconds:02}' if hours else f'{minutes}:{seconds:02}'
