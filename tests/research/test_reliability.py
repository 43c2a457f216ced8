"""The experiments on what runs survive, each with small numbers."""

import os
import subprocess
import sys

import pytest

from tests.helpers import paths


def run(tmp_path, script, *flags):
    """Exit code and output of a module of research/reliability."""
    result = subprocess.run(
        [sys.executable, '-m', f'research.reliability.{script}', *flags],
        cwd=paths.ROOT,
        env={**os.environ, 'TMPDIR': str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert list(tmp_path.iterdir()) == []
    return result.returncode, result.stdout + result.stderr


CART_POLE = (
    '--game=CartPole-v1', '--flag=--network=mlp', '--flag=--action_repeat=1',
    '--flag=--frame_stack=1', '--flag=--num_envs=2',
)  # fmt: skip


@pytest.mark.slow
def test_a_killed_run_becomes_what_it_would_have_been(tmp_path):
    code, out = run(
        tmp_path, 'kills', '--kills=3', '--seconds=20', '--total_steps=4000', *CART_POLE
    )
    assert code == 0, out
    assert ' 0 problems' in out


@pytest.mark.slow
def test_chaos_is_survived(tmp_path):
    code, out = run(tmp_path, 'chaos', '--minutes=0.4', '--kill_seconds=4', *CART_POLE)
    assert code == 0, out
    for name in ('peace', 'chaos'):
        assert f'{name}: exit code 143' in out
    assert 'ratio 0.' in out or 'ratio 1.' in out


@pytest.mark.slow
def test_a_soak_tells_what_grows(tmp_path):
    flags = ('--minutes=0.4', '--warm_up_minutes=0.2', '--period_seconds=1')
    code, out = run(tmp_path, 'soak', *flags, *CART_POLE)
    assert code == 0, out
    assert 'CartPole-v1: exit code 143' in out
    assert '| learner_mb | ' in out and '| threads | ' in out
