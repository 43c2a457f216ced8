"""The benchmark, small: `./run bench` measures on a real game, and its arithmetic is right."""

import json
import os
import subprocess
import sys
import tempfile
import time

import pytest

from research.benchmarks import processes, throughput
from research.benchmarks.referee import Contestant
from tests.helpers import paths


def bench(folder, *flags):
    variables = {'PYTHONPATH': str(paths.ROOT), 'PYTHONSAFEPATH': '1'}
    return subprocess.run(
        [sys.executable, '-m', 'research.benchmarks.throughput', *flags],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )


def contestants():
    """Ids of their processes."""
    command = ['pgrep', '-f', 'benchmarks.contestants']
    return subprocess.run(command, capture_output=True, text=True).stdout


def test_it_measures_a_game_and_leaves_no_process(tmp_path):
    flags = ['--game=VizdoomBasic-v1', '--network=a3c', '--num_envs=4', '--rounds=2']
    flags.append('--num_workers=2')
    result = bench(tmp_path, *flags, '--seconds=0.3', '--nopeer', '--json=result.json')
    assert result.returncode == 0, result.stderr
    told = json.loads((tmp_path / 'result.json').read_text())
    costs = told['core_milliseconds_per_step']
    assert set(costs) == {'emulation', 'inference', 'training'}
    assert all(cost > 0.01 for cost in costs.values())
    ideal = 1e3 * told['machine']['cores'] / sum(costs.values())
    assert told['ideal_steps_per_second'] == pytest.approx(ideal)
    assert len(told['steps_per_second']['a2c']) == len(told['steps_per_second']['a3c']) == 2
    assert min(told['steps_per_second']['a3c']) > 10
    real = told['a2c_core_milliseconds_per_step']
    assert 0 < real['learner'] and 0 < real['workers']
    assert told['largest_worker_mb'] < 90 < told['learner_mb']
    assert f'Efficiency {told["efficiency"]:.2f}' in result.stdout
    # Workers notice the end of their learner, which takes its time where others want the cores.
    deadline = time.monotonic() + 20
    while (left := contestants()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == ''


@pytest.mark.parametrize(
    'flags, message',
    [
        (['--game=Airstrike-Genesis'], 'Airstriker-Genesis'),
        (['--num_envs=5'], '--num_groups must divide --num_envs'),
        (['--num_workers=5'], '--num_workers must divide --num_envs'),
        (['--game=CartPole-v1'], 'CartPole-v1 has no pictures'),
        (['--rounds=0'], '--rounds'),
        (['--json=no/such/folder/file.json'], '--json'),
    ],
)
def test_nonsense_is_refused_before_anything_starts(tmp_path, flags, message):
    result = bench(tmp_path, *flags)
    assert (result.returncode, result.stderr.count('\n')) == (2, 1)
    assert message in result.stderr


def test_a_contestant_that_dies_is_told_though_its_children_hold_the_pipe():
    code = "import os; os.fork() or __import__('time').sleep(600); raise SystemExit('no luck')"
    contestant = Contestant.__new__(Contestant)
    contestant.kind, contestant._stderr = 'sb3', tempfile.TemporaryFile('w+')
    contestant._process = subprocess.Popen(
        [sys.executable, '-c', code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=contestant._stderr,
        text=True,
        start_new_session=True,
    )
    with pytest.raises(RuntimeError, match='sb3 failed:\nno luck'):
        contestant._hear()
    contestant.close()
    with pytest.raises(ProcessLookupError):
        while True:  # Until the system has cleared them away.
            os.killpg(contestant._process.pid, 0)


def turns(kind, *steps_and_seconds, **more):
    fields = [{'steps': n, 'wall_seconds': s, **more} for n, s in steps_and_seconds]
    contestant = Contestant.__new__(Contestant)
    contestant.kind, contestant.turns = kind, fields
    return contestant


def test_the_arithmetic(monkeypatch):
    monkeypatch.setattr(throughput.os, 'sched_getaffinity', lambda pid: {0, 1})
    cpu = {'learner_cpu_seconds': 1.0, 'workers_cpu_seconds': 2.0}
    memory = {'learner_mb': 700.0, 'largest_worker_mb': 60.0}
    summary = throughput.summary(
        [
            turns('emulation', (1000, 1.0), (1000, 2.0), (1000, 1.0)),  # 2 ms of core a step
            turns('inference', (1000, 1.0)),  # 1 ms
            turns('training', (500, 0.5)),  # 1 ms
            turns('a2c', (400, 1.0), (100, 1.0), (400, 1.0), **cpu, **memory),
            turns('a3c', (200, 1.0)),
            turns('sb3', (100, 1.0)),
        ]
    )
    assert summary['ideal_steps_per_second'] == pytest.approx(500)
    assert summary['efficiency'] == pytest.approx(0.8)
    assert summary['ratios'] == {'a3c': pytest.approx(2.0), 'sb3': pytest.approx(4.0)}
    assert summary['a2c_core_milliseconds_per_step']['all'] == pytest.approx(5.0)
    assert summary['a2c_core_milliseconds_per_step']['learner'] == pytest.approx(2.5)


def test_cpu_time_and_memory_of_children_are_counted():
    before = processes.cpu_seconds()
    code = 'x = bytearray(200_000_000)\nwhile True: pass'
    child = subprocess.Popen([sys.executable, '-c', code])
    try:
        while processes.cpu_seconds().children < before.children + 0.5:
            pass
        assert processes.memory()['largest_worker_mb'] > 200
    finally:
        child.kill()
        child.wait()
    after = processes.cpu_seconds()
    assert after.own > before.own
    assert processes.memory()['learner_mb'] > 20
