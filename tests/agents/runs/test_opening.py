"""Runs that are opened: what is read, handed over, and closed again if something fails."""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys

import pytest

from agents.actor_critic.a2c import A2C
from agents.configs.actor_critic import A2CConfig
from agents.configs.run import RunConfig
from agents.runs import console, opening, train
from agents.runs.logger import Logger
from agents.runs.stop_signals import StopSignals
from agents.storage import checkpoints, migrations, run_directory
from agents.storage.saver import Saver
from envs.errors import UsageError
from tests.helpers.games import CART_POLE
from tests.helpers.paths import ROOT

CONFIG = A2CConfig(total_steps=40, num_envs=2, num_groups=1, network='mlp')


def run_config(tmp_path, **options):
    return RunConfig(str(tmp_path / 'run'), log_period=10, eval_period=0, **options)


@pytest.fixture
def finished(tmp_path):
    """The directory of a run that has come to its end."""
    assert train.train(A2C, CONFIG, CART_POLE, run_config(tmp_path)) == ''
    return tmp_path / 'run'


def note(monkeypatch, owner, name, calls):
    """Lets calls of a function be noted by its name."""
    function = getattr(owner, name)

    def noted(*arguments, **options):
        calls.append(name)
        return function(*arguments, **options)

    monkeypatch.setattr(owner, name, noted)


def test_config_is_read_and_compared_once_by_who_resumes(finished, tmp_path, monkeypatch):
    calls = []
    note(monkeypatch, migrations, 'config', calls)
    note(monkeypatch, run_directory, 'check_unchanged', calls)
    config = dataclasses.replace(CONFIG, total_steps=60)
    assert train.train(A2C, config, CART_POLE, run_config(tmp_path, resume=True)) == ''
    assert calls == ['config', 'check_unchanged']
    assert len(json.loads((finished / 'config.json').read_text())['sessions']) == 2


# As launch/train_a2c.py; prints the names of the functions that read and compare.
LAUNCHER = """
from agents.storage import migrations, run_directory
from launch import train_a2c
from launch.common import script

def note(owner, name):
    function = getattr(owner, name)
    def noted(*arguments, **options):
        print('called', name)
        return function(*arguments, **options)
    setattr(owner, name, noted)

if __name__ == '__main__':
    note(migrations, 'config')
    note(run_directory, 'check_unchanged')
    script.start(train_a2c.main)
"""


def test_config_is_read_and_compared_once_from_the_command_line_on(finished, tmp_path):
    (tmp_path / 'script.py').write_text(LAUNCHER)
    command = [sys.executable, 'script.py', '--run_dir=run', '--resume', '--total_steps=60']
    variables = {**os.environ, 'PYTHONPATH': str(ROOT)}
    out = subprocess.check_output(command, cwd=tmp_path, env=variables, text=True)
    assert [line for line in out.splitlines() if line.startswith('called ')] == [
        'called config', 'called check_unchanged',
    ]  # fmt: skip
    assert 'continuing at 40 steps' in out
    content = run_directory.read_config(str(finished))
    assert content['agent']['total_steps'] == 60 and len(content['sessions']) == 2


def test_checkpoints_tell_their_format(finished):
    tree = checkpoints.load_latest(str(finished / 'checkpoints'))
    assert next(iter(tree)) == 'format' and tree['format'] == migrations.STATE_FORMAT


def test_a_checkpoint_of_a_newer_version_is_refused_in_one_line(finished, tmp_path):
    [path] = checkpoints.paths(str(finished / 'checkpoints'))
    checkpoints.write(path, {**checkpoints.load(path), 'format': 9})
    before = {path: path.read_bytes() for path in finished.glob('*.*')}
    with pytest.raises(UsageError) as refusal:
        train.train(A2C, CONFIG, CART_POLE, run_config(tmp_path, resume=True))
    directory = finished / 'checkpoints'
    assert str(refusal.value) == (
        f'--resume: the last state in {directory} is of format 9; this version reads 1 to 2'
    )
    assert {path: path.read_bytes() for path in finished.glob('*.*')} == before
    os.close(run_directory.lock(str(finished)))


@pytest.fixture
def closings(monkeypatch):
    calls = []

    def watch(owner, name, text):
        function = getattr(owner, name)

        def noted(*arguments):
            calls.append(text)
            return function(*arguments)

        monkeypatch.setattr(owner, name, noted)

    watch(console.Progress, '__exit__', 'progress')
    watch(Saver, 'close', 'saver')
    watch(Logger, 'close', 'logger')
    watch(StopSignals, '__exit__', 'signals')
    watch(A2C, 'close', 'agent')
    return calls


ALL = ['progress', 'saver', 'logger', 'signals', 'agent']


def test_everything_is_closed_in_the_reverse_order_if_the_loop_fails(tmp_path, closings):
    agent = A2C(CONFIG, CART_POLE)
    with pytest.raises(ZeroDivisionError):
        with opening.open_run(agent, CONFIG, CART_POLE, run_config(tmp_path)) as run:
            run.after_update(agent.update())
            raise ZeroDivisionError
    assert closings == ALL
    assert not (tmp_path / 'run' / 'model').exists()  # It is no end that is worth saving.
    os.close(run_directory.lock(str(tmp_path / 'run')))


def test_everything_is_closed_in_the_reverse_order_at_the_end(tmp_path, closings):
    agent = A2C(CONFIG, CART_POLE)
    with opening.open_run(agent, CONFIG, CART_POLE, run_config(tmp_path)) as run:
        run.after_update(agent.update())
    assert closings == ALL
    assert (tmp_path / 'run' / 'model' / 'final' / 'model.keras').exists()


@pytest.mark.parametrize(
    'owner, name, closed',
    [
        (run_directory, 'lock', ['signals', 'agent']),
        (run_directory, 'create', ['signals', 'agent']),
        (opening, '_tell', ['saver', 'logger', 'signals', 'agent']),
        (console.Progress, '__enter__', ['saver', 'logger', 'signals', 'agent']),
        (opening.Run, 'begin', ALL),
        (opening.Run, 'finish', ALL),
    ],
    ids=lambda value: value if isinstance(value, str) else '',
)
def test_what_was_opened_is_closed_if_the_rest_cannot_be(
    tmp_path, closings, monkeypatch, owner, name, closed
):
    def fail(*arguments):
        raise UsageError('it cannot be')

    monkeypatch.setattr(owner, name, fail)
    agent = A2C(CONFIG, CART_POLE)
    with pytest.raises(UsageError, match='^it cannot be$'):
        with opening.open_run(agent, CONFIG, CART_POLE, run_config(tmp_path)):
            pass
    assert closings == closed
    monkeypatch.undo()
    with contextlib.suppress(FileNotFoundError):
        os.close(run_directory.lock(str(tmp_path / 'run')))
