"""Runs whose updates are not finite, and runs that collapse: what they do, and that they resume."""

import collections
import csv
import dataclasses
import re
import time

import numpy as np
import pytest
import tensorflow as tf

from agents.actor_critic.a2c import A2C
from agents.actor_critic.a3c import A3C
from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.configs.run import RunConfig
from agents.experience.runner import Runner
from agents.guards import collapse, monitor
from agents.runs import train as loop
from agents.storage import checkpoints, dumps
from envs.config import EnvConfig
from envs.errors import UsageError
from tests.helpers.runs import assert_same_run, last_state

CART_POLE = EnvConfig('CartPole-v1', action_repeat=1, frame_stack=1)
A2C_CONFIG = A2CConfig(num_envs=2, network='mlp', total_steps=600, seed=3)
A3C_CONFIG = A3CConfig(num_workers=3, network='mlp', total_steps=600, seed=3)
CONFIGS = [
    A2C_CONFIG,
    dataclasses.replace(A2C_CONFIG, overlap=True),
    A3C_CONFIG,
    dataclasses.replace(A3C_CONFIG, locked=False),
    dataclasses.replace(A3C_CONFIG, num_workers=1, envs_per_worker=2),
]
IDS = ['a2c', 'overlap', 'a3c', 'lock-free', 'one worker']


def rows(run_dir, name='metrics'):
    with open(run_dir / f'{name}.csv', newline='') as file:
        return list(csv.DictReader(file))


def texts(run_dir, tag='guard/alarm'):
    """Texts that TensorBoard shows on its text page."""
    return [
        tf.make_ndarray(value.tensor).item().decode()
        for path in run_dir.glob('events.out.tfevents.*')
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
        if value.tag == tag
    ]


def run_config(tmp_path, **options):
    options = {'log_period': 50, 'checkpoint_period': 50, 'eval_period': 0, **options}
    return RunConfig(run_dir=str(tmp_path / 'run'), **options)


@pytest.fixture
def spoil(monkeypatch):
    """Lets some rollouts, by their number among those of the first environment, pay too much."""

    def begin(*numbers):
        make_rollout, counts = Runner.run, collections.Counter()

        def run(runner, *scale):
            rollout, forward_pass = make_rollout(runner, *scale)
            counts[runner] += 1
            if runner._first_env == 0 and counts[runner] in numbers:
                rollout.rewards[2, 0] = np.inf
            return rollout, forward_pass

        monkeypatch.setattr(Runner, 'run', run)

    return begin


def train(config, *rest):
    agent_class = A2C if isinstance(config, A2CConfig) else A3C
    assert loop.train(agent_class, config, *rest) == ''


def all_finite(run_dir):
    """True if the tables and the last state hold finite numbers only."""
    cells = [cell for row in rows(run_dir) for cell in row.values() if cell]
    state = last_state(run_dir)['agent']
    arrays = [*state['weights'], *(array for own in state['optimizers'] for array in own)]
    return np.isfinite([float(cell) for cell in cells]).all() and all(
        np.isfinite(array).all() for array in arrays
    )


@pytest.mark.parametrize('config', CONFIGS, ids=IDS)
def test_a_skipped_update_is_told_dumped_and_counted(config, spoil, tmp_path, capsys):
    spoil(9, 15)
    train(config, CART_POLE, run_config(tmp_path))
    run_dir = tmp_path / 'run'
    assert all_finite(run_dir)
    counts = [int(row['skipped_updates']) for row in rows(run_dir)]
    assert counts == sorted(counts) and (counts[0], counts[-1]) == (0, 2)
    paths = sorted(checkpoints.paths(str(run_dir / 'dumps')))
    lines = [line for line in capsys.readouterr().out.splitlines() if 'skipped an update' in line]
    assert lines == texts(run_dir) and len(lines) == len(paths) == 2
    for path, line in zip(paths, lines, strict=True):
        step = int(re.search(r'(\d+)\.zip$', path)[1])
        assert line == (
            f'step {step:,}: skipped an update, not finite from rewards on; dumped to {path}'
        )
        again = A2C.recompute(checkpoints.load(path))
        assert dumps.first_not_finite(again) == 'rewards'
        assert not np.isfinite(again['policy_loss']) and np.isfinite(again['logits']).all()


@pytest.mark.parametrize('config', CONFIGS[:3], ids=IDS[:3])
def test_three_in_a_row_end_the_run_and_what_was_saved_stays(config, spoil, tmp_path):
    spoil(*range(20, 500))
    count = r'(3 updates in a row|10 of the last 1,000 updates)'  # Two workers may go on.
    reason = count + r' were skipped, not finite from rewards on; dumped to .*\.zip; try '
    with pytest.raises(UsageError, match=f'training diverged before step [0-9,]+: {reason}'):
        train(config, CART_POLE, run_config(tmp_path))
    assert all_finite(tmp_path / 'run')
    assert not (tmp_path / 'run' / 'model').exists()


def test_periods_without_an_update_are_rows_without_losses(spoil, tmp_path):
    spoil(9, 10, 15)
    train(A2C_CONFIG, CART_POLE, run_config(tmp_path, log_period=10))
    empty = [row['steps'] for row in rows(tmp_path / 'run') if row['entropy'] == '']
    assert empty == ['90', '100', '150']
    saved = {path[-8:-4] for path in checkpoints.paths(str(tmp_path / 'run' / 'checkpoints'))}
    assert saved == {'0600', '0550', '0500'}


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    """An update of numbers can make them so: the gradients are fine, the steps are too long."""
    config = dataclasses.replace(A2C_CONFIG, learning_rate=1e38, max_grad_norm=0.0)
    with pytest.raises(UsageError, match='diverged before step 10: the weights .* are not finite'):
        train(config, CART_POLE, run_config(tmp_path, checkpoint_period=10))
    assert not (tmp_path / 'run' / 'checkpoints').exists()
    with pytest.raises(UsageError, match='diverged before step 10: the weights .* are not finite'):
        train(config, CART_POLE, run_config(tmp_path / 'other', eval_period=10))
    assert not (tmp_path / 'other' / 'run' / 'model').exists()


COLLAPSE = dataclasses.replace(
    A2C_CONFIG, optimizer='adam', learning_rate=0.3, lr_schedule='constant', max_grad_norm=0.0,
    entropy_cost=0.0,
)  # fmt: skip


@pytest.fixture
def impatient(monkeypatch):
    """Ten updates are enough evidence."""
    monkeypatch.setattr(collapse, 'SUSTAINED_UPDATES', 10)


def alarm_lines(run_dir):
    return [line for line in texts(run_dir) if 'collapse? entropy' in line]


def test_a_collapse_is_told_once(impatient, tmp_path, capsys):
    train(COLLAPSE, CART_POLE, run_config(tmp_path))
    [line] = alarm_lines(tmp_path / 'run')
    assert re.search(r'^step \d+: collapse\? entropy .* is under 0.0069, that is 0.01 of', line)
    assert line in capsys.readouterr().out
    last = rows(tmp_path / 'run')[-1]
    assert int(last['collapse_alarms']) >= 1 and last['rollbacks'] == '0'
    assert float(last['learning_rate']) == 0.3


def test_a_collapse_can_end_the_run(impatient, tmp_path):
    with pytest.raises(UsageError, match=r'collapse at step \d+: .* updates; try a smaller'):
        train(COLLAPSE, CART_POLE, run_config(tmp_path, on_collapse='stop'))


@pytest.mark.parametrize('overlap', [False, True])
def test_a_rollback_returns_to_the_best_weights(impatient, tmp_path, monkeypatch, overlap):
    before, after, roll_back = [], [], A2C.roll_back

    def note(agent, state, factor):
        before.append((agent.num_steps, agent.learning_rate(), state))
        roll_back(agent, state, factor)
        after.append((agent.num_steps, agent.learning_rate(), agent.state()))

    monkeypatch.setattr(A2C, 'roll_back', note)
    options = {'eval_period': 40, 'eval_episodes': 1, 'on_collapse': 'rollback'}
    config = dataclasses.replace(COLLAPSE, overlap=overlap)
    train(config, CART_POLE, run_config(tmp_path, **options))
    assert before
    for i, ((steps, rate, best), (steps_after, rate_after, state)) in enumerate(
        zip(before, after, strict=True)
    ):
        assert steps_after == steps > best['num_steps']
        assert (rate, rate_after) == (0.3 * 0.5**i, 0.3 * 0.5 ** (i + 1))
        for name in ('weights', 'optimizers'):
            np.testing.assert_equal(state[name], best[name])
        for part in state['next']:
            assert not any(gradient.any() for gradient in part['gradients']['gradients'])
    last = rows(tmp_path / 'run')[-1]
    assert last['rollbacks'] == str(len(before))
    assert float(last['learning_rate']) == after[-1][1]


@pytest.mark.parametrize('period, step', [(40, 40), (0, 10)])
def test_without_an_evaluation_it_returns_to_the_last_calm_state(impatient, tmp_path, period, step):
    """Four updates of ten pointed to a collapse at 40 steps; later states show it in full.

    Nothing is asked to be saved with a period of 0, but the state after the first update is.
    """
    options = {'checkpoint_period': period, 'on_collapse': 'rollback', 'entropy_floor': 0.999}
    config = dataclasses.replace(COLLAPSE, total_steps=130)
    train(config, CART_POLE, run_config(tmp_path, **options))
    [line] = [line for line in texts(tmp_path / 'run') if line.startswith('returned to ')]
    assert line == (
        f'returned to the weights of step {step}; the learning rate falls from 0.3 to 0.15'
    )


def test_what_may_be_returned_to_does_not_depend_on_the_disk(impatient, tmp_path, monkeypatch):
    """A slow one postpones checkpoints otherwise: a run would return to other weights."""
    save, steps = checkpoints.save, []

    def slowly(directory, step, tree, **options):
        time.sleep(0.3)
        steps.append(step)
        return save(directory, step, tree, **options)

    monkeypatch.setattr(checkpoints, 'save', slowly)
    options = {'checkpoint_period': 20, 'on_collapse': 'rollback', 'entropy_floor': 0.0}
    config = dataclasses.replace(COLLAPSE, total_steps=100)
    train(config, CART_POLE, run_config(tmp_path, **options))
    assert set(steps) >= {20, 40, 60, 80, 100}


def test_without_a_good_state_it_only_warns(impatient, tmp_path, monkeypatch):
    monkeypatch.setattr(collapse.CollapseGuard, 'is_calm', False)
    options = {'checkpoint_period': 40, 'on_collapse': 'rollback'}
    train(COLLAPSE, CART_POLE, run_config(tmp_path, **options))
    assert 'there is no earlier checkpoint to return to: going on' in texts(tmp_path / 'run')
    assert rows(tmp_path / 'run')[-1]['rollbacks'] == '0'


def test_so_many_rollbacks_end_the_run(impatient, tmp_path, monkeypatch):
    """Nothing that learns can satisfy such a floor."""
    monkeypatch.setattr(monitor, 'MAX_ROLLBACKS', 2)
    options = {'entropy_floor': 0.999, 'eval_period': 40, 'eval_episodes': 1}
    with pytest.raises(UsageError, match=r'collapse after 2 rollbacks: entropy .*; try a smaller'):
        train(COLLAPSE, CART_POLE, run_config(tmp_path, on_collapse='rollback', **options))
    assert rows(tmp_path / 'run')[-1]['rollbacks'] == '2'


@pytest.mark.parametrize('config', [COLLAPSE, CONFIGS[-1]], ids=['a2c', 'a3c'])
def test_a_run_with_rollbacks_and_skipped_updates_continues_exactly(
    config, impatient, spoil, tmp_path
):
    """Interrupted in the middle of the evidence, between an alarm and the next."""
    changes = dataclasses.asdict(COLLAPSE)
    names = ('optimizer', 'learning_rate', 'lr_schedule', 'max_grad_norm', 'entropy_cost')
    changes = {name: changes[name] for name in names}
    config = dataclasses.replace(config, total_steps=400, **changes)
    options = {'eval_period': 40, 'eval_episodes': 1, 'on_collapse': 'rollback'}
    whole = run_config(tmp_path / 'whole', **options)
    broken = run_config(tmp_path / 'broken', **options)
    train(config, CART_POLE, whole)
    for steps in (200, 400):
        train(dataclasses.replace(config, total_steps=steps), CART_POLE, broken)
        broken = dataclasses.replace(broken, resume=True)
    folders = [tmp_path / name / 'run' for name in ('whole', 'broken')]
    assert_same_run(*folders)
    assert int(rows(folders[0])[-1]['rollbacks']) >= 1
    assert last_state(folders[0])['watch'] == last_state(folders[1])['watch']
