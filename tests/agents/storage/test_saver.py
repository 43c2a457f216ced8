"""A disk that fails stops no training, and what it missed is made up for."""

import contextlib
import csv
import logging
import os
import resource
import shutil

import numpy as np
import pytest

from agents.actor_critic import a2c
from agents.configs.actor_critic import A2CConfig
from agents.configs.run import RunConfig
from agents.runs import opening
from agents.storage import checkpoints, run_directory, saver
from envs.config import EnvConfig
from envs.errors import UsageError
from tests.helpers.events import event_steps

CART_POLE = EnvConfig('CartPole-v1', action_repeat=1, frame_stack=1)


@contextlib.contextmanager
def full_disk(num_bytes):
    """No file of this process can be longer meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def no_wait(monkeypatch):
    monkeypatch.setattr(saver, '_RETRY_SECONDS', 0.0)


@pytest.fixture
def make_saver(tmp_path):
    made = []

    def make(**options):
        made.append(saver.Saver(str(tmp_path / 'run'), {'a': 1}, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_it_warns_once_and_tries_again_later(make_saver, tmp_path, caplog, monkeypatch):
    writes = make_saver()
    file = tmp_path / 'run' / 'file'
    with full_disk(1000):
        assert not writes.attempt(lambda: file.write_bytes(b'x' * 2000))
        assert not writes.attempt(lambda: pytest.fail('it must wait'))
    [warning] = warnings(caplog)
    assert 'File too large; learning goes on, next try in 60 s' in warning
    assert not writes.attempt(lambda: pytest.fail('it must wait'))
    monkeypatch.setattr(saver, '_RETRY_SECONDS', 0.0)
    assert writes.wants_checkpoint()
    assert writes.attempt(lambda: file.write_bytes(b'x' * 2000))
    assert warnings(caplog)[1:] == [f'writing to {tmp_path / "run"} again']
    assert not writes.wants_checkpoint()


def test_errors_that_are_not_the_disks_are_raised(make_saver):
    writes = make_saver()
    with pytest.raises(ZeroDivisionError):
        writes.attempt(lambda: 1 // 0)
    writes.save(1, {'code': print})  # In the background.
    with pytest.raises(TypeError):
        writes.wait()


def test_checkpoints_are_due_by_time(make_saver, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(saver.time, 'monotonic', lambda: now[0])
    never, often = make_saver(), make_saver(checkpoint_minutes=2.0)
    now[0] = 119.0
    assert not often.wants_checkpoint()
    now[0] = 121.0
    assert often.wants_checkpoint() and not never.wants_checkpoint()
    often.save(7, {})
    assert not often.wants_checkpoint()


def test_a_full_disk_leaves_the_checkpoints_that_there_are(make_saver, tmp_path):
    writes = make_saver()
    writes.save(1, {'step': 1})
    writes.save_best({'step': 0})
    writes.wait()
    with full_disk(3000):
        writes.save(2, {'step': 2, 'array': np.arange(10_000.0)})
        writes.wait()
    directory = str(tmp_path / 'run' / 'checkpoints')
    assert sorted(os.listdir(directory)) == ['best.zip', 'step-000000001.zip']
    assert checkpoints.load_latest(directory) == {'step': 1}
    assert checkpoints.load_best(directory) == {'step': 0}


def rows(path):
    with open(path, newline='') as file:
        return [int(row['steps']) for row in csv.DictReader(file)]


def train(run_dir, at, happens, total_steps=600):
    """Trains with A2C; `happens` is called once, after so many steps."""
    config = A2CConfig(
        total_steps=total_steps, num_envs=2, num_groups=1, unroll_length=5, network='mlp'
    )
    agent = a2c.A2C(config, CART_POLE)
    run_config = RunConfig(
        str(run_dir), log_period=50, checkpoint_period=100, eval_period=200, eval_episodes=2
    )
    with opening.open_run(agent, config, CART_POLE, run_config) as surroundings:
        while agent.num_steps < total_steps:
            surroundings.after_update(agent.update())
            if agent.num_steps == at:
                happens()
    return agent


@pytest.mark.usefixtures('no_wait')
def test_a_deleted_directory_is_made_anew(tmp_path, caplog):
    run_dir = tmp_path / 'run'
    train(run_dir, 320, lambda: shutil.rmtree(run_dir))
    assert run_directory.read_config(str(run_dir))['agent']['total_steps'] == 600
    tree = checkpoints.load_latest(str(run_dir / 'checkpoints'))
    assert tree['agent']['num_steps'] == 600
    assert rows(run_dir / 'metrics.csv') == [350, 400, 450, 500, 550, 600]
    assert {'best', 'final'} >= set(os.listdir(run_dir / 'model')) >= {'final'}
    assert event_steps(run_dir, 'train/entropy')[-1] == 600


@pytest.mark.usefixtures('no_wait')
def test_a_full_disk_costs_no_row(tmp_path, caplog):
    run_dir, stack = tmp_path / 'run', contextlib.ExitStack()
    with stack:  # From step 250 to 400 nothing can be appended to what there is.
        smallest = 100

        def fill():
            stack.enter_context(full_disk(smallest))

        class Free(logging.Handler):
            def emit(self, record):
                if 'cannot write' in record.getMessage():
                    stack.close()

        handler = Free()
        logging.getLogger('agents.storage.saver').addHandler(handler)
        stack.callback(logging.getLogger('agents.storage.saver').removeHandler, handler)
        train(run_dir, 250, fill)
    assert [w.partition(':')[0] for w in warnings(caplog)] == [
        f'cannot write to {run_dir}', f'writing to {run_dir} again',
    ]  # fmt: skip
    assert rows(run_dir / 'metrics.csv') == list(range(50, 601, 50))
    assert checkpoints.load_latest(str(run_dir / 'checkpoints'))['agent']['num_steps'] == 600


def test_a_final_state_that_cannot_be_written_is_an_error(tmp_path):
    run_dir, stack = tmp_path / 'run', contextlib.ExitStack()
    with stack, pytest.raises(UsageError, match=r'File too large; the state of step 300 is lost'):
        train(run_dir, 250, lambda: stack.enter_context(full_disk(100)), total_steps=300)
