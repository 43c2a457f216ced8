"""A2C on real environments: it repeats itself, continues exactly, learns, and stops cleanly."""

import copy
import dataclasses
import multiprocessing
import os
import signal
import time

import numpy as np
import pytest

from agents.actor_critic.a2c import A2C
from agents.configs import presets
from agents.configs.actor_critic import A2CConfig
from envs.backends import registry
from envs.config import EnvConfig
from envs.errors import UsageError
from envs.make import make_vec_env
from envs.vector import cores
from tests.helpers import worker_envs
from tests.helpers.games import CART_POLE
from tests.helpers.trees import first_difference

CONFIG = A2CConfig(num_envs=2, total_steps=400, network='mlp', seed=1)


def weights(agent):
    return np.concatenate([w.ravel() for w in agent.network.get_weights()])


def train(agent, num_updates):
    return [agent.update() for _ in range(num_updates)]


def test_the_seed_decides_everything(make_agent):
    same, again, other = (
        make_agent(CONFIG),
        make_agent(CONFIG),
        make_agent(CONFIG, seed=2),
    )
    assert (weights(same) == weights(again)).all()
    assert train(same, 10) == train(again, 10) != train(other, 10)
    assert (weights(same) == weights(again)).all()
    assert (weights(same) != weights(other)).any()


@pytest.mark.parametrize('changes', [{}, {'optimizer': 'adam'}, {'overlap': True}], ids=str)
def test_a_state_continues_exactly_in_another_agent(make_agent, changes):
    config = dataclasses.replace(CONFIG, **changes)
    whole, later = make_agent(config), make_agent(config)
    train(whole, 7)
    state = whole.state()
    train(later, 2)  # What it has done before must not matter.
    later.set_state(state)
    assert later.num_steps == whole.num_steps == 70
    for _ in range(8):
        assert whole.update() == later.update()
        assert whole.episodes == later.episodes
    assert (weights(whole) == weights(later)).all()


@pytest.mark.parametrize('optimizer', ['adam', 'rmsprop'])
def test_a_state_does_not_change_while_it_is_being_written(make_agent, optimizer):
    agent = make_agent(CONFIG, optimizer=optimizer)
    train(agent, 2)
    state = agent.state()
    before = copy.deepcopy(state)
    train(agent, 5)
    assert first_difference(state, before) == ''
    assert first_difference(agent.state(), before) != ''


def test_with_overlap_each_gradient_is_one_update_old(make_agent):
    """The second rollout is collected with the first weights, and learned after their update."""
    config = dataclasses.replace(CONFIG, num_groups=1, lr_schedule='constant')
    agent, by_hand = make_agent(config, overlap=True), make_agent(config)
    model, [runner] = by_hand.train_model, by_hand.runners
    first = model.gradients(*runner.run(), config.entropy_cost)
    for _ in range(5):
        second = model.gradients(*runner.run(), config.entropy_cost)
        expected = model.apply([first], config.learning_rate)
        assert agent.update() == pytest.approx(expected, rel=1e-4, abs=1e-6)
        first = second
    np.testing.assert_allclose(weights(agent), weights(by_hand), rtol=1e-4, atol=1e-6)
    assert agent.num_steps == 50 and runner.num_steps == 60


def test_the_learning_rate_falls_to_zero_after_the_last_update(make_agent):
    agent = make_agent(CONFIG, total_steps=20)
    assert agent.learning_rate() == CONFIG.learning_rate
    train(agent, 1)
    assert agent.learning_rate() == CONFIG.learning_rate / 2
    before = weights(agent)
    train(agent, 1)
    assert agent.learning_rate() == 0.0
    assert (weights(agent) != before).any()


def test_environments_start_differently(make_agent):
    first, second = (runner.run()[0].observations[0] for runner in make_agent(CONFIG).runners)
    assert (first != second).any()


@pytest.mark.parametrize('num_groups, sizes', [(1, [5]), (2, [3, 2]), (9, [1] * 5)])
def test_environments_are_dealt_out_to_groups(make_agent, num_groups, sizes):
    agent = make_agent(CONFIG, num_envs=5, num_groups=num_groups)
    assert [envs.num_envs for envs in agent.envs] == sizes
    train(agent, 30)
    assert agent.num_steps == 30 * 5 * CONFIG.unroll_length
    episodes = [episode for _ in range(20) for episode in (agent.update(), agent.episodes)[1]]
    assert {episode['env'] for episode in episodes} == set(range(5))


def own_cores(env):
    """Runs in a worker: the cores that it and its engine may use."""
    return [sorted(os.sched_getaffinity(pid)) for pid in worker_envs.family(env)]


@pytest.mark.parametrize(
    'game, num_processes, pin_cores',
    [
        ('CartPole-v1', 1, False),
        ('CartPole-v1', 1, True),
        ('VizdoomBasic-v1', 2, True),
        ('Airstriker-Genesis', 1, True),
    ],
)
def test_groups_keep_to_their_cores(make_agent, game, num_processes, pin_cores):
    everything = cores.of_process()
    if len(everything) % 2:
        pytest.skip('an odd number of cores cannot be dealt out to two groups')
    env_config, network = CART_POLE, 'mlp'
    if game != 'CartPole-v1':
        env_config, network = EnvConfig(game), 'a3c'
    config = dataclasses.replace(CONFIG, num_envs=4, network=network, pin_cores=pin_cores)
    agent = make_agent(config, env_config)
    train(agent, 2)
    wanted = [everything[::2], everything[1::2]] if pin_cores else [everything] * 2
    assert agent._for_all(lambda runner: cores.of_thread(), agent.runners) == wanted
    for envs, own in zip(agent.envs, wanted, strict=True):
        for family in envs.apply(own_cores):
            assert len(family) >= num_processes and all(found == own for found in family)
    os.kill(agent.envs[1].worker_pids[0], signal.SIGKILL)  # A fresh worker keeps to them, too.
    train(agent, 1)
    assert agent.envs[1].num_restarts == 1
    assert agent.envs[1].apply(own_cores)[0][0] == wanted[1]
    # Whoever comes later is not bound by them, though a pinned thread started the forkserver.
    assert cores.of_thread() == everything
    evaluation = make_vec_env(env_config, range(1))
    assert evaluation.apply(own_cores)[0][0] == everything
    evaluation.close()


def test_the_episodes_of_an_update_come_in_the_order_of_their_ends(make_agent):
    agent = make_agent(CONFIG, num_envs=4, unroll_length=80)
    agent.update()
    steps = [episode['step'] for episode in agent.episodes]
    assert len(steps) > 4 and steps == sorted(steps)


def test_the_failure_of_a_group_is_raised_when_all_are_done(make_agent):
    agent, done = make_agent(CONFIG), []

    def work(runner):
        if runner is agent.runners[0]:
            raise RuntimeError('the first')
        time.sleep(0.2)
        done.append(runner)

    with pytest.raises(RuntimeError, match='the first'):
        agent._for_all(work, agent.runners)
    assert done == agent.runners[1:]


def test_one_step_actor_critic(make_agent):
    preset = presets.for_game('actor_critic', registry.find('CartPole-v1'))
    names = {field.name for field in dataclasses.fields(A2CConfig)}
    config = A2CConfig(**{name: preset[name] for name in preset if name in names})
    agent = make_agent(config)
    rollout, _ = agent.runners[0].run()
    assert rollout.rewards.shape == (1, 1)
    metrics = train(agent, 30)
    assert agent.num_steps == 31
    assert np.isfinite(metrics).all()


@pytest.mark.parametrize(
    'changes, env_config, message',
    [
        ({'network': 'nature'}, CART_POLE, "network 'nature' takes pictures"),
        ({}, EnvConfig('VizdoomBasic-v1'), "network 'mlp' takes vectors"),
        ({}, EnvConfig('CartPole-v1'), '--frame_stack: CartPole-v1 has no pictures'),
        (
            {'network': 'a3c', 'normalize_observations': True},
            EnvConfig('VizdoomBasic-v1'),
            '--normalize_observations is for vectors',
        ),
        (
            {'network': 'nature'},
            EnvConfig('VizdoomBasic-v1', screen_size=20),
            'needs pictures of at least 36 x 36 pixels',
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_stays_open(changes, env_config, message):
    children = multiprocessing.active_children()
    with pytest.raises(UsageError, match=message) as refusal:
        A2C(dataclasses.replace(CONFIG, **changes), env_config)
    assert '\n' not in str(refusal.value)
    assert multiprocessing.active_children() == children


def test_it_learns_to_balance(make_agent):
    """Episodes grow from twenty steps, which chance gives, to several times as many."""
    config = A2CConfig(num_envs=8, total_steps=30_000, network='mlp', learning_rate=3e-3, seed=0)
    agent, lengths = make_agent(config), []
    while agent.num_steps < config.total_steps:
        agent.update()
        lengths += [episode['length'] for episode in agent.episodes]
    assert np.mean(lengths[:30]) < 50
    assert np.mean(lengths[-30:]) > 100
