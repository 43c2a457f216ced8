"""Workers and their engines end with the learner, whatever ends it, and leave nothing behind."""

import functools
import json
import os
import subprocess
import sys

import pytest

from envs.vector.subproc_vec_env import SubprocVecEnv
from tests.helpers import worker_envs
from tests.helpers.paths import ROOT
from tests.helpers.worker_envs import wait_until_dead

LEARNER = """
import functools, json, os, signal, sys, time
from pathlib import Path
import numpy as np
from tests.helpers import worker_envs
from envs.vector.subproc_vec_env import SubprocVecEnv
from envs.config import EnvConfig

def env_fn(game):
    if game == 'scripted':
        return functools.partial(worker_envs.Trouble, directory=sys.argv[4], engine=True)
    from envs.make import make_env
    return functools.partial(make_env, EnvConfig(game=game))

if __name__ == '__main__':
    game, stuck, end = sys.argv[1], sys.argv[2] == 'stuck', sys.argv[3]
    env = SubprocVecEnv([env_fn(game)] * 2)
    env.reset(seed=0)
    env.step(np.zeros(env._arrays.actions.shape, env._arrays.actions.dtype))
    pids = [pid for family in env.apply(worker_envs.family) for pid in family]
    files = [file for files in env.apply(worker_envs.named_memory) for file in files]
    if stuck:
        env.step_async([3, 3])
    print(json.dumps([pids, files]), flush=True)
    if end == 'exit':
        os._exit(0)
    if end in ('kill', 'term'):
        os.kill(os.getpid(), {'kill': signal.SIGKILL, 'term': signal.SIGTERM}[end])
        time.sleep(100)
    if end == 'raise':
        raise ValueError
"""


def run_learner(tmp_path, *arguments, script=LEARNER):
    path = tmp_path / 'learner.py'
    path.write_text(script)
    command = [sys.executable, '-W', 'error', str(path), *arguments, str(tmp_path)]
    variables = {
        **os.environ,
        'PYTHONPATH': str(ROOT),
        'TMPDIR': str(tmp_path),
    }
    # It returns when nobody holds the pipes any more: neither worker, nor engine, nor forkserver.
    return subprocess.run(
        command, capture_output=True, text=True, timeout=100, env=variables, cwd=tmp_path
    )


@pytest.mark.parametrize(
    'state, end',
    [('idle', end) for end in ('kill', 'term', 'exit', 'normal', 'raise')]
    + [('stuck', 'kill'), ('stuck', 'normal')],
)
def test_workers_and_engines_die_with_the_learner(tmp_path, end, state):
    result = run_learner(tmp_path, 'scripted', state, end)
    pids, files = json.loads(result.stdout)
    assert len(pids) == 4 and not files
    assert wait_until_dead(pids)
    assert len(list(tmp_path.glob('closed-*'))) == 2
    assert bool(result.stderr) == (end == 'raise')


@pytest.mark.parametrize('end', ['kill', 'normal'])
@pytest.mark.parametrize('game', ['VizdoomBasic-v1', 'Airstriker-Genesis'])
def test_games_die_with_the_learner(tmp_path, game, end):
    pytest.importorskip(
        {'V': 'envs.backends.vizdoom_game', 'A': 'envs.backends.retro_game'}[game[0]]
    )
    result = run_learner(tmp_path, game, 'idle', end)
    pids, files = json.loads(result.stdout)
    assert len(pids) == (4 if game.startswith('Vizdoom') else 2)
    assert wait_until_dead(pids)
    assert not [file for file in files if os.path.exists(file)]


LAZY_LAUNCHER = """
import functools
from tests.helpers import worker_envs
from envs.vector.subproc_vec_env import SubprocVecEnv
from tests.helpers.paths import ROOT

def main():
    import tensorflow
    env = SubprocVecEnv([worker_envs.Walk])
    print(env.apply(worker_envs.has_tensorflow))

if __name__ == '__main__':
    main()
"""


def test_workers_do_not_load_tensorflow(tmp_path):
    (tmp_path / 'tensorflow.py').touch()  # The real one takes seconds, and has the same name.
    assert run_learner(tmp_path, script=LAZY_LAUNCHER).stdout == '(False,)\n'


def test_a_genesis_worker_is_small():
    pytest.importorskip('envs.backends.retro_game')
    from envs.config import EnvConfig
    from envs.make import make_env

    env = SubprocVecEnv([functools.partial(make_env, EnvConfig(game='Airstriker-Genesis'))])
    env.reset(seed=0)
    for _ in range(10):
        env.step(env.action_space.sample())
    assert env.apply(worker_envs.has_tensorflow) == (False,)
    assert env.apply(worker_envs.megabytes)[0] < 90
    env.close()
