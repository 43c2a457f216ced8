"""Doom's engine as a process: what it leaves behind, how it dies, why it cannot start."""

import glob
import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest
import vizdoom

from envs.backends import vizdoom_engine
from envs.backends.vizdoom_game import VizdoomGame


def play(game, num_tics=5):
    """Shoots at the wall, and sees the last picture."""
    for _ in range(num_tics):
        game.advance(2)
    return game.screen().tobytes()


def children(process_id):
    """Process ids of the direct children."""
    found = []
    for path in glob.glob('/proc/[0-9]*/stat'):
        try:
            with open(path) as file:
                fields = file.read().rpartition(')')[2].split()
        except OSError:  # Ended since.
            continue
        if int(fields[1]) == process_id:
            found.append(int(path.split('/')[2]))
    return found


def is_alive(process_id):
    try:
        with open(f'/proc/{process_id}/stat') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def shared_memory(instance_id):
    """The files of an engine in shared memory."""
    return glob.glob(f'/dev/shm/*{instance_id}*')


def test_games_leave_nothing_behind(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    engines_before = set(children(os.getpid()))
    games = [VizdoomGame('VizdoomBasic-v1') for _ in range(2)]
    engines = set(children(os.getpid())) - engines_before
    assert len(engines) == 2
    # Nothing from the start on, so a kill leaves nothing either.
    assert not list(tmp_path.iterdir())
    assert not any(shared_memory(game._engine._doom.get_instance_id()) for game in games)
    traces = []
    for game in games:
        game.reset(seed=0)
        traces.append([play(game) for _ in range(10)])
    assert traces[0] == traces[1]
    games[0].close()
    games[0].close()
    games[1].reset()  # Closing one does not touch the other,
    play(games[1])
    del games[1], game  # which ends with its last reference.
    assert not any(map(is_alive, engines))
    assert not list(tmp_path.iterdir())
    output = capfd.readouterr()
    assert output.out == output.err == ''


def test_a_dead_engine_is_an_error():
    known = set(children(os.getpid()))
    game = VizdoomGame('VizdoomBasic-v1')
    game.reset(seed=0)
    (engine,) = set(children(os.getpid())) - known
    os.kill(engine, signal.SIGKILL)
    with pytest.raises(Exception, match='[Vv]i[Zz][Dd]oom'):
        play(game)
    game.close()
    VizdoomGame('VizdoomBasic-v1').close()


@pytest.mark.parametrize('signal_number', [signal.SIGKILL, signal.SIGTERM])
def test_engines_die_with_their_process(signal_number, tmp_path):
    code = (
        'import time; from envs.backends.vizdoom_game import VizdoomGame; '
        'game = VizdoomGame("VizdoomBasic-v1"); game.reset(seed=0); game.render(); '
        'print(*[e._doom.get_instance_id() for e in (game._engine, game._camera)], flush=True); '
        'time.sleep(60)'
    )
    environment = {**os.environ, 'PYTHONPATH': os.getcwd(), 'TMPDIR': str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, '-c', code], stdout=subprocess.PIPE, cwd=tmp_path, env=environment
    )
    instance_ids = process.stdout.readline().split()
    engines = children(process.pid)
    assert len(engines) == 2 and all(map(is_alive, engines))  # The agent's and the camera.
    process.send_signal(signal_number)
    process.wait()
    deadline = time.monotonic() + 2
    while any(map(is_alive, engines)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_alive, engines))
    assert process.stdout.read() == b''  # No engine holds the pipe.
    process.stdout.close()
    assert not any(shared_memory(instance_id.decode()) for instance_id in instance_ids)
    assert len(instance_ids) == 2 and not list(tmp_path.iterdir())


def test_says_why_an_engine_cannot_start(tmp_path, monkeypatch):
    monkeypatch.setattr(vizdoom, 'exe_path', str(tmp_path / 'vizdoom'))
    with pytest.raises(RuntimeError, match='install vizdoom again'):
        VizdoomGame('VizdoomBasic-v1')
    monkeypatch.undo()
    monkeypatch.setattr(vizdoom_engine, '_SHARED_MEMORY_BYTES', 2**60)
    with pytest.raises(RuntimeError, match='/dev/shm'):
        VizdoomGame('VizdoomBasic-v1')
