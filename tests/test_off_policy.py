"""The common loop: when it learns, what it remembers, and that interrupted runs go on exactly."""

import dataclasses
import signal

import numpy as np
import pytest

from agents.off_policy_configs import DDPGConfig, TD3Config
from agents.tfa.ddpg import DDPG
from agents.tfa.td3 import TD3
from envs.config import EnvConfig
from tests import launching
from tests.comparing import difference_of_runs, first_difference, last_state
from tests.test_resume import finish, interrupt

PENDULUM = EnvConfig(
    game='Pendulum-v1', action_repeat=1, frame_stack=1, max_episode_steps=15, envs_per_process=2
)
SMALL = {'hidden_units': (8, 8), 'batch_size': 8, 'replay_capacity': 500, 'seed': 1}
FLAGS = (
    '--game=Pendulum-v1', '--hidden_units=8,8', '--batch_size=8', '--replay_capacity=150',
    '--num_envs=2', '--max_episode_steps=30', '--total_steps=600', '--log_period=20',
    '--checkpoint_period=100', '--eval_period=200', '--eval_episodes=2', '--seed=3',
)  # fmt: skip


def made(kind, config_class, **options):
    return kind(config_class(**{**SMALL, **options}), PENDULUM)


def weights(agent):
    return [variable.numpy() for variable in agent._variables()]


def test_it_begins_to_learn_when_it_should():
    agent = made(TD3, TD3Config, learning_starts=12)
    before = weights(agent)
    for step in range(1, 15):
        metrics = agent.update()
        assert agent.num_steps == step
        assert (metrics is None) == (step < 12)
    assert agent.num_updates == 3
    assert first_difference(before, weights(agent)) != ''
    agent.close()


@pytest.mark.parametrize('period, num_updates', [(1, 33), (3, 11), (40, 1)])
def test_updates_per_step(period, num_updates):
    """Of 3 environments that make 3 steps at a time, from step 9 to step 39."""
    agent = made(DDPG, DDPGConfig, num_envs=3, train_period=period)
    for _ in range(13 if period < 40 else 14):
        metrics = agent.update()
    assert agent.num_updates == num_updates
    assert metrics.is_finite and len(metrics) == len(agent.metrics_fields)
    agent.close()


def test_it_remembers_that_a_limit_is_no_end():
    """Pendulum never ends by itself: all that it has learned from goes on, and with its episode."""
    agent = made(DDPG, DDPGConfig, num_envs=2)
    for _ in range(20):
        agent.update()
    seen = agent._memory.sample(500, 0)
    assert (seen.discounts == 1.0).all()
    # Angles do not jump as they do between two episodes.
    turned = np.abs(seen.next_observations[:, :2] - seen.observations[:, :2]).max(axis=1)
    assert turned.max() < 0.5
    assert np.abs(seen.actions).max() <= 2.0 and len(np.unique(seen.rewards)) > 30
    agent.close()


def test_episodes_are_told_with_values_and_steps():
    agent = made(DDPG, DDPGConfig, num_envs=2)
    told = []
    for _ in range(16):
        agent.update()
        told += agent.episodes
    assert [(e['step'], e['env'], e['length'], e['truncated']) for e in told] == [
        (30, 0, 15, True), (30, 1, 15, True),
    ]  # fmt: skip
    assert all(np.isfinite(e['value']) and e['score'] < 0 for e in told)
    assert agent.largest_return > 0
    agent.close()


@pytest.mark.parametrize('kind, config_class', [(DDPG, DDPGConfig), (TD3, TD3Config)])
def test_a_state_continues_exactly(kind, config_class):
    options = {'num_envs': 2} | ({'learning_starts': 10} if kind is TD3 else {})
    agent = made(kind, config_class, **options)
    for _ in range(10):
        agent.update()
    state = agent.state()
    after = [agent.update() for _ in range(10)]
    wanted = agent.state()
    agent.close()
    other = made(kind, config_class, **options)
    other.set_state(state)
    assert [other.update() for _ in range(10)] == after
    assert first_difference(plain(wanted), plain(other.state())) == ''
    other.close()


def plain(state):
    """Of the memory only what it gives."""
    return {name: value for name, value in state.items() if name != 'memory'}


def test_a_rollback_takes_over_weights_and_slows_down():
    agent = made(DDPG, DDPGConfig, num_envs=1)
    for _ in range(10):
        agent.update()
    state = agent.state()
    for _ in range(5):
        agent.update()
    agent.roll_back(state, 0.5)
    assert first_difference(weights(agent), state['variables']) == ''
    assert agent.num_steps == 15 and agent.learning_rate() == 0.5e-4
    agent.roll_back(state, 0.5)
    assert agent.learning_rate() == 0.25e-4
    agent.update()
    agent.close()


@pytest.mark.parametrize('name', ['train_ddpg', 'train_td3'])
def test_an_interrupted_run_continues_exactly(tmp_path, name):
    """Ctrl-C, then SIGKILL; the memory is fuller than its capacity by then."""
    flags = [*FLAGS, *(['--learning_starts=50'] if name == 'train_td3' else [])]
    folders = [tmp_path / 'whole', tmp_path / 'broken']
    for folder in folders:
        folder.mkdir()
    whole, broken = (folder / 'run' for folder in folders)
    finish(launching.Script(folders[0], name, f'--run_dir={whole}', *flags))
    script = launching.Script(folders[1], name, f'--run_dir={broken}', *flags)
    flags = interrupt(script, broken, signal.SIGINT, 6, name)
    script = launching.Script(folders[1], name, *flags)
    script.wait_until(lambda: (broken / 'metrics.csv').read_text().count('\n') > 20)
    script.process.kill()
    script.wait()
    finish(launching.Script(folders[1], name, *flags))
    assert difference_of_runs(broken, whole) == ''
    assert last_state(broken)['agent']['num_steps'] == 600


def test_actions_that_are_no_real_numbers_are_refused(tmp_path):
    flags = ('--game=CartPole-v1', '--run_dir=run')
    for name in ('ddpg', 'td3'):
        code, out, err = launching.run(tmp_path, f'train_{name}', *flags)
        assert (code, out) == (2, '')
        assert err.startswith(f'error: {name.upper()} needs actions that are real numbers')
        assert 'train_dqn' in err and err.count('\n') == 1
    assert not (tmp_path / 'run').exists()


def test_more_than_one_seed_of_everything():
    one, other = (
        DDPG(dataclasses.replace(DDPGConfig(**SMALL), seed=seed), PENDULUM) for seed in (1, 2)
    )
    assert first_difference(weights(one), weights(other)) != ''
    assert not np.array_equal(one._observations, other._observations)
    one.close()
    other.close()
