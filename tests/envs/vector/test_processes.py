"""Facts about processes from /proc, tried on real ones."""

import os
import signal
import subprocess
import sys

import pytest

from envs.vector import processes
from tests.helpers.worker_envs import wait_until_dead

PARENT = """
import subprocess, sys
child = subprocess.Popen(['sleep', '100'], start_new_session=True)
print(child.pid, flush=True)
sys.stdin.read()
child.kill()
child.wait()
"""


@pytest.fixture
def parent():
    """A process with a child in a session of its own; their ids."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, '-c', PARENT], stdin=pipe, stdout=pipe) as process:
        pids = [process.pid, int(process.stdout.readline())]
        yield pids
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert wait_until_dead(pids)


def test_a_family_has_children_of_other_sessions(parent):
    assert processes.family(parent[0]) == parent
    assert set(parent) < set(processes.family(os.getpid()))


def test_memory_is_that_of_all(parent):
    both, one = processes.resident_mb(parent), processes.resident_mb(parent[:1])
    assert 5 < one < both < 100


def test_the_stopped_go_on(parent):
    assert processes.continue_stopped(parent) == []
    for pid in parent:
        os.kill(pid, signal.SIGSTOP)
    while {processes._state(pid) for pid in parent} != {'T'}:
        pass
    assert processes.continue_stopped(parent) == parent
    assert processes.continue_stopped(parent) == []


def test_nothing_is_known_of_those_that_are_gone():
    process = subprocess.Popen(['true'])
    process.wait()
    assert processes.family(process.pid) == [process.pid]
    assert processes.resident_mb([process.pid]) == 0.0
    assert processes.continue_stopped([process.pid]) == []


@pytest.mark.parametrize('state, continued', [('T', True), ('t', False), ('S', False), ('', False)])
def test_a_debugger_keeps_what_it_holds(monkeypatch, state, continued):
    sent = []
    monkeypatch.setattr(processes, '_state', lambda pid: state)
    monkeypatch.setattr(processes.os, 'kill', lambda *arguments: sent.append(arguments))
    assert processes.continue_stopped([7]) == ([7] if continued else [])
    assert sent == ([(7, signal.SIGCONT)] if continued else [])
