"""Trains for an hour and watches whether anything grows: memory, open files, threads.

    .venv/bin/python -m research.reliability.soak --minutes=60 --game=VizdoomBasic-v1

Every 10 s it reads the resident memory of the learner and of all its workers with their engines,
and the learner's open files and threads, and writes them to a CSV file. It tells the slopes of the
least squares lines through what came after the warm-up.
"""

import csv
import os
import pathlib
import signal
import tempfile
import time

import numpy as np
from absl import app, flags

from tests.helpers import launching

_GAME = flags.DEFINE_string('game', 'HillHopper-Genesis', 'Game that is trained with A2C.')
_MINUTES = flags.DEFINE_float('minutes', 60.0, 'Length, minutes.', lower_bound=0.0)
_WARM_UP = flags.DEFINE_float('warm_up_minutes', 10.0, 'Not counted, minutes.', lower_bound=0.0)
_PERIOD = flags.DEFINE_float('period_seconds', 10.0, 'Between two looks, seconds.')
_CSV = flags.DEFINE_string('csv', '', 'File for what was seen; empty: none.')
_FLAGS = flags.DEFINE_multi_string('flag', [], 'A flag of the training, as in --flag=--seed=1.')

_COLUMNS = ('minutes', 'learner_mb', 'workers_mb', 'files', 'threads', 'processes')


def _look(script: launching.Script, start: float) -> dict[str, float]:
    learner = script.process.pid
    others = [pid for pid in script.members() if pid != learner]
    return {
        'minutes': (time.monotonic() - start) / 60,
        'learner_mb': _resident_mb(learner),
        'workers_mb': sum(map(_resident_mb, others)),
        'files': len(os.listdir(f'/proc/{learner}/fd')),
        'threads': len(os.listdir(f'/proc/{learner}/task')),
        'processes': len(others),
    }


def _resident_mb(pid: int) -> float:
    try:
        pages = int(pathlib.Path(f'/proc/{pid}/statm').read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


def _slope(seen: list[dict[str, float]], column: str) -> float:
    """Per hour."""
    hours = np.array([look['minutes'] / 60 for look in seen])
    return float(np.polyfit(hours, [look[column] for look in seen], 1)[0])


def main(_: list[str]) -> None:
    """Trains, looks, and tells."""
    with tempfile.TemporaryDirectory(prefix='soak-') as name:
        folder = pathlib.Path(name)
        run_dir = f'--run_dir={folder / "run"}'
        steps = '--total_steps=1000000000'
        script = launching.Script(
            folder, 'train_a2c', f'--game={_GAME.value}', run_dir, steps, *_FLAGS.value
        )
        metrics = folder / 'run' / 'metrics.csv'
        try:
            script.wait_until(
                lambda: metrics.exists() and metrics.read_text().count('\n') > 1, 3600
            )
            start, seen = time.monotonic(), []
            while script.process.poll() is None and time.monotonic() < start + 60 * _MINUTES.value:
                seen.append(_look(script, start))
                time.sleep(_PERIOD.value)
            code, out, err = script.stop(signal.SIGTERM)
        finally:
            script.process.kill()  # If the above failed.
    print(f'{_GAME.value}: exit code {code}', err, *out.splitlines()[-1:], sep='\n')
    if _CSV.value:
        with open(_CSV.value, 'w', newline='') as file:
            writer = csv.DictWriter(file, _COLUMNS)
            writer.writeheader()
            writer.writerows({k: round(v, 2) for k, v in look.items()} for look in seen)
    counted = [look for look in seen if look['minutes'] >= _WARM_UP.value]
    print('| | first | last | least | most | per hour |\n| --- | --- | --- | --- | --- | --- |')
    for column in _COLUMNS[1:]:
        values = [look[column] for look in counted]
        numbers = [values[0], values[-1], min(values), max(values), _slope(counted, column)]
        print(f'| {column} |', ' | '.join(f'{number:.1f}' for number in numbers), '|')


if __name__ == '__main__':
    app.run(main)
