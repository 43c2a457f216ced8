"""Findings of `./run doctor` on this machine, and on ones that lack something."""

import importlib.metadata
import shutil

import pytest

from envs import doctor
from envs.errors import UsageError
from tests.helpers import launching


def test_all_is_well_here(tmp_path):
    code, out, err = launching.run(tmp_path, 'doctor')
    lines = out.splitlines()
    checks = {line[3:18].strip(): line for line in lines if line[:2] in ('ok', '--')}
    leftovers = checks.pop('leftovers')  # This machine may have some of other programs.
    assert list(checks) == [
        'Python', 'packages', 'stable-retro', 'ViZDoom', 'ALE', 'gymnasium', 'video',
        'shared memory', 'disk',
    ]  # fmt: skip
    assert all(line.startswith('ok') for line in checks.values()), out
    assert (code, err) == (0 if leftovers.startswith('ok') else 1, '')


def test_other_versions_are_named(monkeypatch):
    def version(name):
        if name == 'rich':
            raise importlib.metadata.PackageNotFoundError
        return '0.1' if name == 'vizdoom' else real(name)

    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, 'version', version)
    check = doctor._packages()
    assert 'rich missing' in check.found and 'vizdoom 0.1, not ==' in check.found
    assert check.advice


@pytest.mark.parametrize(
    'error', [UsageError('no such file'), RuntimeError('died (SIGILL)\ntrace')]
)
def test_an_emulator_that_fails_says_why(monkeypatch, error):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(doctor, 'make_vec_env', fail)
    check = doctor._emulator('ALE', 'ALE/Pong-v5')
    assert check.found == str(error).split('\n')[0] and check.advice


def test_a_full_disk_is_told(monkeypatch, tmp_path):
    assert not doctor._disk(str(tmp_path)).advice
    usage = shutil.disk_usage(tmp_path)._replace(free=10**6)
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage)
    assert 'make room' in doctor._disk(str(tmp_path)).advice
    assert 'shm-size' in doctor._shared_memory().advice
