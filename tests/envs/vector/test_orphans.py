"""Leftovers of dead runs are found and removed, and nothing of a run that lives."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envs import doctor
from envs.config import EnvConfig
from envs.make import make_vec_env
from envs.vector import orphans
from tests.helpers import launching, paths

DOOM = EnvConfig('VizdoomBasic-v1')
# A learner, as far as its workers know: prints their ids and that of their forkserver.
LEARNER = """
import multiprocessing.forkserver, sys
from envs.config import EnvConfig
from envs.make import make_vec_env
if __name__ == '__main__':
    envs = make_vec_env(EnvConfig('VizdoomBasic-v1', envs_per_process=1), range(2))
    envs.reset(seed=0)
    forkserver = multiprocessing.forkserver._forkserver._forkserver_pid
    print(forkserver, *envs.worker_pids, flush=True)
    sys.stdin.read()
"""
# A program that does not look after its engine.
CARELESS = """
import os, sys, vizdoom
game = vizdoom.DoomGame()
game.load_config(os.path.join(vizdoom.scenarios_path, 'basic.cfg'))
game.set_window_visible(False)
game.init()
print(game.get_instance_id(), flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def running(folder, script):
    """A process of a script, and what it prints first."""
    (folder / 'script.py').write_text(script)
    variables = {**os.environ, 'PYTHONPATH': str(paths.ROOT)}
    pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, 'stderr': subprocess.DEVNULL}
    command = [sys.executable, 'script.py']
    with subprocess.Popen(command, cwd=folder, env=variables, text=True, **pipes) as process:
        try:
            yield process, process.stdout.readline().split()
        finally:
            process.kill()


@pytest.fixture
def live():
    """A run that goes on: its workers, their engines and the rest."""
    envs = make_vec_env(DOOM, range(2))
    envs.reset(seed=0)
    yield envs
    envs.step(envs.action_space.sample())  # Nothing has happened to it.
    assert envs.num_restarts == 0
    envs.close()


def children_of(pid):
    """Ids of a process's children, whatever they are."""
    lists = Path(f'/proc/{pid}/task').glob('*/children')  # Any thread may have started them.
    return [int(child) for one in lists for child in one.read_text().split()]


def is_alive(pid):
    with contextlib.suppress(OSError):
        return ') Z ' not in Path(f'/proc/{pid}/stat').read_text()
    return False


def shared_memory_of(instance):
    return sorted(Path('/dev/shm').glob(f'ViZDoom*{instance}'))


def make_old(paths, seconds=7200):
    for path in paths:
        os.utime(path, (time.time() - seconds,) * 2)


def test_nothing_of_a_live_run_is_a_leftover(live, tmp_path):
    found = orphans.find(str(tmp_path))
    workers = live.worker_pids
    engines = [engine for pid in workers for engine in children_of(pid)]
    assert len(engines) == 2 and not {*workers, *engines, os.getpid()} & set(found.processes)


def test_workers_and_engines_of_a_dead_learner_are_ended(live, tmp_path):
    """They would end by themselves; stopped, they cannot."""
    with running(tmp_path, LEARNER) as (learner, printed):
        forkserver, *workers = map(int, printed)
        engines = [engine for pid in workers for engine in children_of(pid)]
        ours = {forkserver, *workers, *engines}
        assert len(ours) == 5 and not ours & set(orphans.find(str(tmp_path)).processes)
        for pid in (*workers, forkserver):
            os.kill(pid, signal.SIGSTOP)
        assert not ours & set(orphans.find(str(tmp_path)).processes)
        learner.kill()
        learner.wait()
        assert ours <= set(orphans.find(str(tmp_path)).processes)
        check = doctor._leftovers(str(tmp_path), clean=False)
        assert all(f'process {pid}' in check.found for pid in ours)
        assert check.advice == './run doctor --clean removes them'
        assert forkserver in orphans.clean(str(tmp_path)).processes
    assert not any(map(is_alive, ours))
    assert not ours & set(orphans.find(str(tmp_path)).processes)


def test_an_engine_and_its_shared_memory_are_removed(live, tmp_path):
    """ViZDoom alone leaves both if its program is killed."""
    with running(tmp_path, CARELESS) as (program, (instance,)):
        [engine] = children_of(program.pid)
        files = shared_memory_of(instance)
        make_old(files)
        before = orphans.find(str(tmp_path))
        assert engine not in before.processes and len(files) == 3
        assert not {*map(str, files)} & set(before.shared_memory)  # They are in use.
        program.kill()
        program.wait()
        assert is_alive(engine)
        code, out, err = launching.run(tmp_path, 'doctor', '--clean')
    assert (code, err) == (0, '')
    assert f'process {engine}' in out and all(str(file) in out for file in files)
    assert not is_alive(engine) and shared_memory_of(instance) == []


def test_new_shared_memory_is_left_alone(tmp_path):
    """An engine that is just starting has made it and not yet mapped it."""
    path = Path('/dev/shm', f'ViZDoomSM{os.getpid()}test')
    path.touch()
    try:
        assert str(path) not in orphans.clean(str(tmp_path)).shared_memory and path.exists()
        make_old([path])
        assert str(path) in orphans.find(str(tmp_path)).shared_memory
        assert str(path) in orphans.clean(str(tmp_path)).shared_memory and not path.exists()
    finally:
        path.unlink(missing_ok=True)


@pytest.fixture
def run_dir(tmp_path):
    """A run with a half-written file of each kind, of this version and older ones, all old."""
    run = tmp_path / 'runs' / 'one'
    names = [
        'config.json.partial', 'metrics.csv.partial', 'checkpoints/step-000000005.zip.partial',
        'model/best/partial.keras', 'model/best/recipe.json.partial', 'videos/a.mp4.partial.mp4',
        'config.partial.json', 'model/best/model.partial.keras', 'videos/a.partial.mp4',
    ]  # fmt: skip
    others = 'config.json', 'metrics.csv', 'model/best/model.keras', 'partial', 'a.partial.b.txt'
    for name in (*others, *names):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text('')
    make_old(run / name for name in (*others, *names))
    return run, sorted(str(run / name) for name in names)


@pytest.mark.parametrize('folder', ['.', 'runs', 'runs/one'])
def test_half_written_files_of_runs_are_removed(tmp_path, run_dir, folder):
    run, names = run_dir
    folder = str(tmp_path / folder)
    assert orphans.find(folder).partial == names
    assert orphans.clean(folder).partial == names
    left = {str(path.relative_to(run)) for path in run.rglob('*') if path.is_file()}
    models = {'model/best/model.keras'}
    assert left == {'config.json', 'metrics.csv', 'partial', 'a.partial.b.txt', *models}


def test_files_of_a_run_that_goes_on_are_left_alone(tmp_path, run_dir):
    run, _ = run_dir
    handle = os.open(run, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    assert orphans.clean(str(tmp_path)).partial == []
    os.close(handle)


def test_what_was_written_a_moment_ago_or_is_of_no_run_is_left_alone(tmp_path, run_dir):
    run, names = run_dir
    (tmp_path / 'mine.partial').write_text('')
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'config.json').write_text('')
    (tmp_path / 'other' / 'mine.partial').write_text('')
    make_old(tmp_path.rglob('mine.partial'))
    make_old([names[0]], seconds=60)
    assert orphans.find(str(tmp_path)).partial == names[1:]
