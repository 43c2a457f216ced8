"""Kills a training again and again, resumes it, and compares it with one that ran in peace.

    .venv/bin/python -m research.reliability.kills --kills=100 --game=HillHopper-Genesis

Each kill is SIGKILL to the learner at a random moment, be it in its start, a rollout, an update,
an evaluation or while it saves. After each: no process and no file in /dev/shm is left, and the
newest checkpoint that can be read is no older than before. At the end weights, optimizer, random
generators, environments and tables must be the same to the last bit.
"""

import pathlib
import random
import shutil
import sys
import tempfile
import time

from absl import app, flags

from agents.storage import checkpoints
from tests.helpers import launching, runs

_GAME = flags.DEFINE_string('game', 'HillHopper-Genesis', 'Game that is trained with A2C.')
_KILLS = flags.DEFINE_integer('kills', 100, 'Number of kills.', lower_bound=1)
_TOTAL_STEPS = flags.DEFINE_integer('total_steps', 20_000, 'Agent steps.', lower_bound=1)
_SECONDS = flags.DEFINE_float(
    'seconds', 12.0, 'Longest time from a start to its kill, seconds.', lower_bound=0.0
)
_SEED = flags.DEFINE_integer('seed', 0, 'Of the moments.')
_FLAGS = flags.DEFINE_multi_string('flag', [], 'A flag of the training, as in --flag=--num_envs=2.')

_TRAINING = (
    '--preset=none', '--network=a3c', '--num_envs=4', '--unroll_length=10', '--log_period=200',
    '--checkpoint_period=400', '--eval_period=4000', '--eval_episodes=2', '--max_episode_steps=300',
    '--sticky_actions=0.25',
)  # fmt: skip


def _start(folder: pathlib.Path, run_dir: pathlib.Path) -> launching.Script:
    if (run_dir / 'config.json').exists():
        return launching.Script(folder, 'train_a2c', f'--run_dir={run_dir}', '--resume')
    own = [f'--game={_GAME.value}', f'--total_steps={_TOTAL_STEPS.value}', f'--run_dir={run_dir}']
    return launching.Script(folder, 'train_a2c', *_TRAINING, *own, *_FLAGS.value)


def _newest_step(run_dir: pathlib.Path) -> int:
    tree = checkpoints.load_latest(str(run_dir / 'checkpoints'))
    return tree['agent']['num_steps'] if tree else 0


def _kill_once(folder: pathlib.Path, run_dir: pathlib.Path, seconds: float) -> str:
    """Starts, waits and kills; what was wrong after it, or '' (or 'finished')."""
    before = _newest_step(run_dir)
    script = _start(folder, run_dir)
    deadline = time.monotonic() + seconds
    shared: set[str] = set()
    while script.process.poll() is None and time.monotonic() < deadline:
        shared |= script.shared_memory()
        time.sleep(min(0.5, max(0.0, deadline - time.monotonic())))
    if script.process.poll() is not None:
        code, _, err = script.wait()
        return 'finished' if code == 0 else f'exit code {code}: {err}'
    script.process.kill()
    script.wait()
    if left := launching.wait_for_the_end_of(script):
        return f'processes left: {left}'
    if files := [path for path in shared if pathlib.Path(path).exists()]:
        return f'files left: {files}'
    after = _newest_step(run_dir)
    return '' if after >= before else f'checkpoint of step {before} lost, {after} is the newest'


def _differences(folder: pathlib.Path, run_dir: pathlib.Path) -> list[str]:
    """Lets a run finish, and compares it with the one in peace."""
    code, _out, err = _start(folder, run_dir).wait(seconds=24 * 3600)
    if code != 0:
        return [f'the last resume of {run_dir.name} failed: {err}']
    difference = runs.difference_of_runs(run_dir, folder / 'whole')
    return [f'{run_dir.name} differs: {difference}'] if difference else []


def main(_: list[str]) -> None:
    """Runs both trainings; the exit code is 1 if anything differs."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='kills-'))
    moments = random.Random(_SEED.value)
    code, _out, err = _start(folder, folder / 'whole').wait(seconds=24 * 3600)
    if code != 0:
        sys.exit(f'the training in peace failed: {err}')
    problems, kills, num_runs = [], 0, 1
    while kills < _KILLS.value:
        run_dir = folder / f'killed-{num_runs}'
        problem = _kill_once(folder, run_dir, moments.uniform(0.0, _SECONDS.value))
        if problem == 'finished':  # Before its kill: it is compared, and another one begins.
            problems += _differences(folder, run_dir)
            num_runs += 1
            continue
        kills += 1
        problems += [f'kill {kills}: {problem}'] if problem else []
        print(f'kill {kills}: run {num_runs}, step {_newest_step(run_dir)}', problem, flush=True)
    problems += _differences(folder, folder / f'killed-{num_runs}')
    print(f'{kills} kills of {num_runs} runs, {len(problems)} problems', *problems, sep='\n')
    shutil.rmtree(folder)
    sys.exit(1 if problems else 0)


if __name__ == '__main__':
    app.run(main)
