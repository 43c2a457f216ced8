"""Kills and stops the emulators of a training while it learns, beside one that is left in peace.

    .venv/bin/python -m research.reliability.chaos --minutes=20 --game=HillHopper-Genesis

Two trainings run at the same time and share the cores, so that other work on the machine slows both
alike. One of them has a killer: every 5 s it sends SIGKILL to an emulator chosen at random, every
20 s SIGSTOP to another. Tells steps per second of both, what the training says of its restarts, and
the mean score by steps.
"""

import csv
import os
import pathlib
import random
import shutil
import signal
import tempfile
import time

from absl import app, flags

from tests.helpers import launching

_GAME = flags.DEFINE_string('game', 'HillHopper-Genesis', 'Game that is trained with A2C.')
_MINUTES = flags.DEFINE_float('minutes', 20.0, 'Of chaos, minutes.', lower_bound=0.0)
_KILL_SECONDS = flags.DEFINE_float('kill_seconds', 5.0, 'Between two kills, seconds.')
_STOP_SECONDS = flags.DEFINE_float('stop_seconds', 20.0, 'Between two stops, seconds.')
_FLAGS = flags.DEFINE_multi_string('flag', [], 'A flag of the training.')

_ROWS = 8  # Of the table of scores.


def _emulators(script: launching.Script) -> list[int]:
    """Ids of the processes that play: those that lead a group of their own."""
    leaders = []
    for pid in script.members():
        try:
            stat = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
        except OSError:
            continue
        if int(stat[2]) == pid and pid != script.process.pid:  # Field: process group.
            leaders.append(pid)
    return leaders


def _disturb(script: launching.Script, until: float) -> tuple[int, int]:
    """Kills and stops until the time has come; how many of each."""
    chance, kills, stops = random.Random(0), 0, 0
    next_kill = time.monotonic() + _KILL_SECONDS.value
    next_stop = time.monotonic() + _STOP_SECONDS.value
    while (now := time.monotonic()) < until and script.process.poll() is None:
        if now >= next_kill and (pids := _emulators(script)):
            kills += _send(chance.choice(pids), signal.SIGKILL)
            next_kill += _KILL_SECONDS.value
        if now >= next_stop and (pids := _emulators(script)):
            stops += _send(chance.choice(pids), signal.SIGSTOP)
            next_stop += _STOP_SECONDS.value
        time.sleep(0.05)
    return kills, stops


def _send(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


class _Training:
    """A training of its own, in a folder.

    Args:
        folder: Of all trainings.
        name: Of this one.
    """

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self.name, self._metrics = name, folder / name / 'metrics.csv'
        self.script = launching.Script(
            folder,
            'train_a2c',
            f'--game={_GAME.value}',
            f'--run_dir={folder / name}',
            '--total_steps=100000000',
            '--lr_schedule=constant',
            '--eval_period=0',
            f'--max_restarts={10 * 3600 // max(1, int(_KILL_SECONDS.value))}',
            *_FLAGS.value,
        )

    def wait_for_its_first_rows(self) -> None:
        """Until emulators have started and the first updates are made."""
        self.script.wait_until(
            lambda: self._metrics.exists() and self._metrics.read_text().count('\n') > 2, 600
        )

    def end(self) -> dict[str, list[float]]:
        """Asks it to end; the columns of its metrics.csv."""
        code, _, err = self.script.stop(signal.SIGTERM)
        print(f'{self.name}: exit code {code}, {err.count(chr(10))} lines of warnings, the last:')
        print(*err.splitlines()[-3:], sep='\n', flush=True)
        with open(self._metrics, newline='') as file:
            rows = list(csv.DictReader(file))
        columns = ('steps', 'wall_seconds', 'episode_score', 'restarts')
        return {key: [float(row[key] or 'nan') for row in rows] for key in columns}


def main(_: list[str]) -> None:
    """Trains twice at the same time and tells what came of it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='chaos-'))
    trainings = [_Training(folder, name) for name in ('peace', 'chaos')]
    for training in trainings:
        training.wait_for_its_first_rows()
    kills, stops = _disturb(trainings[1].script, time.monotonic() + 60 * _MINUTES.value)
    print(f'{kills} kills, {stops} stops')
    results = {training.name: training.end() for training in trainings}
    speeds = {}
    for name, columns in results.items():
        steps, seconds = columns['steps'], columns['wall_seconds']
        speeds[name] = (steps[-1] - steps[0]) / (seconds[-1] - seconds[0])
        print(f'{name}: {speeds[name]:.0f} steps/s, {columns["restarts"][-1]:.0f} restarts')
    print(f'ratio {speeds["chaos"] / speeds["peace"]:.2f}')
    print('| steps | score in peace | in chaos |\n| --- | --- | --- |')
    common = int(min(columns['steps'][-1] for columns in results.values()))
    for step in range(common // _ROWS, common + 1, common // _ROWS):
        scores = [_score_at(columns, step) for columns in results.values()]
        print(f'| {step:,} | {scores[0]:.0f} | {scores[1]:.0f} |')
    shutil.rmtree(folder)


def _score_at(columns: dict[str, list[float]], step: int) -> float:
    """The mean score of the last 100 episodes by then."""
    return next(
        s for n, s in zip(columns['steps'], columns['episode_score'], strict=True) if n >= step
    )


if __name__ == '__main__':
    app.run(main)
