"""A3C: nothing is lost between threads, one worker is A2C, failures surface, states continue."""

import collections
import dataclasses
import multiprocessing
import threading
import time
import traceback

import gymnasium
import numpy as np
import pytest
import tensorflow as tf

from agents.actor_critic.a3c import A3C
from agents.actor_critic.train_model import TrainModel
from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.distributions import discrete
from agents.experience.runner import Runner
from agents.experience.step_model import StepModel
from agents.networks import policy_value
from envs.config import EnvConfig
from envs.errors import UsageError
from tests.helpers import memory_task
from tests.helpers.games import CART_POLE

CONFIG = A3CConfig(
    num_workers=3, total_steps=600, network='mlp', seed=1, optimizer='adam', learning_rate=1e-3
)
MODES = [{'locked': locked, 'shared_statistics': shared}
         for locked in (True, False) for shared in (True, False)]  # fmt: skip


def weights(agent):
    return np.concatenate([w.ravel() for w in agent.network.get_weights()])


def train(agent):
    """Trains for all steps; returns the metrics of the updates, and the episodes."""
    updates, episodes = [], []
    while agent.num_steps < agent.config.total_steps:
        updates.append((agent.update(), agent.num_steps))
        episodes += agent.episodes
    return updates, episodes


@pytest.mark.parametrize('num_envs', [1, 3])
@pytest.mark.parametrize('changes', [{}, {'lstm_units': 8, 'feed_last_action_reward': True}])
def test_one_worker_is_a2c(make_agent, num_envs, changes):
    shared = {
        **{field.name: getattr(CONFIG, field.name) for field in dataclasses.fields(A2CConfig)
           if hasattr(CONFIG, field.name)},
        **changes, 'entropy_schedule': 'linear',
    }  # fmt: skip
    del shared['num_envs']
    a3c = make_agent(A3CConfig(num_workers=1, envs_per_worker=num_envs, **shared))
    a2c = make_agent(A2CConfig(num_envs=num_envs, num_groups=1, **shared))
    assert (weights(a3c) == weights(a2c)).all()
    for _ in range(CONFIG.total_steps // (5 * num_envs)):
        np.testing.assert_allclose(a3c.update(), a2c.update(), rtol=1e-4, atol=1e-6)
        assert a3c.num_steps == a2c.num_steps
        ends = [[(e['env'], e['length'], e['return']) for e in agent.episodes]
                for agent in (a3c, a2c)]  # fmt: skip
        assert ends[0] == ends[1]
    np.testing.assert_allclose(weights(a3c), weights(a2c), rtol=1e-4, atol=1e-6)


def test_workers_see_variables_beside_the_picture(make_agent):
    """Doom, with a memory; every episode is cut, so values of last observations are needed."""
    config = dataclasses.replace(
        CONFIG, network='a3c', lstm_units=4, num_workers=2, total_steps=120
    )
    env_config = EnvConfig(
        'VizdoomDefendLine-v1', screen_size=40, max_episode_steps=8, game_variables=('all',)
    )
    agent = make_agent(config, env_config)
    before = agent.network.get_layer('variables_dense').get_weights()[0]
    updates, episodes = train(agent)
    assert len(updates) == 24 and all(np.isfinite(metrics).all() for metrics, _ in updates)
    assert {episode['length'] for episode in episodes} == {8}
    assert (agent.network.get_layer('variables_dense').get_weights()[0] != before).any()


def test_the_mean_of_the_workers_gradients_is_that_of_a2c():
    space = gymnasium.spaces.Box(0, 255, (36, 36, 2), np.uint8)
    network = policy_value.build('a3c', space, 3, seed=0, lstm_units=8)
    distribution = discrete.Categorical(3)
    train_model = TrainModel(network, distribution, A2CConfig())
    whole, forward_pass = rollout_of(network, space, 6)
    copies = train_model.weights()
    of_workers = []
    for i in range(6):
        own = tf.nest.map_structure(lambda x, i=i: x[i : i + 1], forward_pass)
        rollout = type(whole)(
            *(x[:, i : i + 1] for x in whole[:5]),
            whole.bootstrap_value[i : i + 1],
            whole.starts[:, i : i + 1],
        )
        of_workers.append(train_model.gradients(rollout, own, 0.01, weights=copies).gradients)
    expected = train_model.gradients(whole, forward_pass, 0.01).gradients
    for ours, theirs in zip(zip(*of_workers, strict=True), expected, strict=True):
        mean = np.mean(ours, axis=0)
        np.testing.assert_allclose(mean, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


def test_a_copy_of_the_weights_stays_as_it_was(make_agent):
    agent = make_agent(CONFIG, num_workers=1)
    copy, before = agent.train_model.weights(), agent.network.get_weights()
    agent.update()
    agent.update()
    for array, expected, now in zip(copy, before, agent.network.get_weights(), strict=True):
        np.testing.assert_array_equal(array, expected)
        assert (now != expected).any()


@pytest.mark.parametrize('mode', MODES, ids=str)
def test_every_step_is_counted_and_told_once(make_agent, mode):
    config = dataclasses.replace(CONFIG, total_steps=3001, envs_per_worker=2, **mode)
    agent = make_agent(config)
    updates, episodes = train(agent)
    assert [steps for _, steps in updates] == list(range(10, 3011, 10))  # 3001 rounded up.
    assert np.isfinite([metrics for metrics, _ in updates]).all()
    assert {(episode['worker'], episode['env']) for episode in episodes} == {
        (env // 2, env) for env in range(6)
    }
    per_env = collections.Counter()
    for episode in episodes:
        per_env[episode['env']] += episode['length']
    assert sum(runner.num_steps for runner in agent.runners) == 6 * 3010 / 2
    assert all(per_env[i] <= agent.runners[i // 2].num_steps // 6 for i in range(6))
    assert not agent._updates and agent._num_claimed == 3010
    optimizers = agent.train_model.optimizers
    assert len(optimizers) == (1 if mode['shared_statistics'] else 3)
    assert sum(int(optimizer.num_updates) for optimizer in optimizers) == 301


@pytest.mark.parametrize('name', ['rmsprop', 'adam'])
def test_no_update_of_many_threads_is_lost(name):
    """Equal gradients make the mean squares a function of the number of updates alone."""
    space = gymnasium.spaces.Box(-1.0, 1.0, (256,), np.float32)
    network = policy_value.build('mlp', space, 3, seed=0)
    config = A2CConfig(optimizer=name, max_grad_norm=0.0, rmsprop_decay=0.999)
    train_model = TrainModel(network, discrete.Categorical(3), config)
    gradients = train_model.gradients(*rollout_of(network, space, 2), 0.01)
    threads = [
        threading.Thread(target=lambda: [train_model.apply([gradients], 1e-6) for _ in range(25)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    optimizer = train_model.optimizers[0]
    squares = [v for v in optimizer.variables if 'mean_square' in v.path]
    assert len(squares) == len(gradients.gradients)
    assert name == 'rmsprop' or int(optimizer.num_updates) == 200
    for square, gradient in zip(squares, gradients.gradients, strict=True):
        expected = (1 - 0.999**200) * gradient.numpy() ** 2
        np.testing.assert_allclose(square.numpy(), expected, rtol=1e-3)


def rollout_of(network, space, num_envs):
    """The second rollout, which begins within episodes, of environments that show noise.

    And its forward pass.
    """

    class Noise(memory_task.MemoryTask):
        observation_space, action_space = space, gymnasium.spaces.Discrete(3)

        def reset(self, **kwargs):
            return space.sample(), super().reset(**kwargs)[1]

        def step(self, action):
            return space.sample(), *super().step(action)[1:]

    step_model = StepModel(network, discrete.Categorical(3), seed=0)
    runner = Runner(memory_task.make_here(Noise, None, range(num_envs)), step_model, 5, 0.99)
    runner.reset(seed=0)
    runner.run()
    return runner.run()


def test_nothing_is_traced_twice(make_agent):
    agent = make_agent(CONFIG, lstm_units=4)
    train(agent)
    step_model, train_model = agent.step_model, agent.train_model
    for function in (step_model._step, step_model._value, train_model._gradients):
        assert function.num_traces == 1
    for function in train_model._updates:
        assert function.num_traces == 1


def test_nothing_happens_in_a_pause(make_agent):
    agent = make_agent(CONFIG, total_steps=10**6)
    agent.update()
    with agent.paused():
        before, told = weights(agent), agent._num_done
        with agent.paused():
            time.sleep(0.05)
        time.sleep(0.2)  # The inner pause did not end the outer one.
        assert (weights(agent) == before).all() and agent._num_done == told == agent._num_claimed
    while agent.num_steps <= told + 50:
        agent.update()
    assert (weights(agent) != before).any()


def test_one_worker_continues_exactly(make_agent):
    config = dataclasses.replace(CONFIG, num_workers=1, envs_per_worker=2, lstm_units=4)
    whole, later = make_agent(config), make_agent(config)
    [whole.update() for _ in range(7)]
    state = whole.state()  # Some updates were made that nobody has asked for.
    later.set_state(state)
    assert later.num_steps == whole.num_steps == 70
    assert train(whole) == train(later)
    assert (weights(whole) == weights(later)).all()


@pytest.mark.parametrize('mode', MODES, ids=str)
def test_a_state_of_many_workers_loses_nothing(make_agent, mode):
    config = dataclasses.replace(CONFIG, **mode)
    agent, later = make_agent(config), make_agent(config)
    [agent.update() for _ in range(9)]
    state = agent.state()
    later.set_state(state)
    expected = [array for arrays in state['optimizers'] for array in arrays]
    changed = [v.numpy() for o in later.train_model.optimizers for v in o.variables]
    for array, wanted in zip(changed, expected, strict=True):
        np.testing.assert_array_equal(array, wanted)
    assert len(state['optimizers']) == (1 if mode['shared_statistics'] else 3)
    updates, _ = train(later)
    assert [steps for _, steps in updates] == list(range(50, 601, 5))


@pytest.mark.parametrize('locked', [True, False])
def test_updates_that_are_not_finite_are_skipped_by_all_workers(make_agent, locked):
    """They say so, with what they were derived from, and go on when the weights are good again."""
    agent = make_agent(CONFIG, total_steps=10**6, locked=locked)
    agent.update()
    with agent.paused():
        good = agent.network.get_weights()
        bad = [np.full_like(weight, np.nan) for weight in good]
        agent.network.set_weights(bad)
        statistics = [v.numpy() for v in agent.train_model.optimizers[0].variables[2:]]
    skipped = 0
    while skipped < 20:
        if not agent.update().is_finite:
            skipped += 1
            [batch] = agent.skipped
            assert all(np.isnan(weight).all() for weight in batch.weights)
            assert np.isnan(batch.rollout.values).any()
    with agent.paused():
        for now, before in zip(agent.network.get_weights(), bad, strict=True):
            np.testing.assert_array_equal(now, before)
        for now, before in zip(
            agent.train_model.optimizers[0].variables[2:], statistics, strict=True
        ):
            np.testing.assert_array_equal(now, before)
        agent.network.set_weights(good)
    while not agent.update().is_finite:
        pass
    assert agent.update().is_finite and agent.skipped == []


class Failing(memory_task.MemoryTask):
    """One of its steps fails."""

    def step(self, action):
        if self.np_random.random() < 0.02:
            raise ValueError('the console caught fire')
        return super().step(action)


def test_the_failure_of_a_worker_stops_the_training_with_its_traceback(make_agent):
    make_envs = memory_task.playing(Failing)
    agent = make_agent(CONFIG, make_envs=make_envs, total_steps=10**6)
    with pytest.raises(RuntimeError, match=r'worker \d failed: the console caught fire') as failure:
        train(agent)
    text = ''.join(traceback.format_exception(failure.value))
    assert "raise ValueError('the console caught fire')" in text


def test_what_a_user_did_wrong_is_told_as_it_is(make_agent):
    class Refusing(memory_task.MemoryTask):
        def step(self, action):
            raise UsageError('not like this')

    with pytest.raises(UsageError, match='^not like this$'):
        train(make_agent(CONFIG, make_envs=memory_task.playing(Refusing)))


def test_a_refusal_leaves_nothing_open():
    children, threads = multiprocessing.active_children(), threading.active_count()
    with pytest.raises(UsageError, match="network 'nature' takes pictures"):
        A3C(dataclasses.replace(CONFIG, network='nature'), CART_POLE)
    assert (multiprocessing.active_children(), threading.active_count()) == (children, threads)


@pytest.mark.parametrize(
    'total_steps', [4_000, pytest.param(200_000, marks=pytest.mark.slow)], ids=str
)
@pytest.mark.parametrize('locked', [True, False])
def test_sixteen_workers_at_once(make_agent, total_steps, locked):
    """No count is lost, no number is damaged, nobody waits for ever."""
    config = dataclasses.replace(CONFIG, num_workers=16, total_steps=total_steps, locked=locked)
    agent = make_agent(config, make_envs=memory_task.playing(memory_task.MemoryTask))
    updates, episodes = train(agent)
    assert [steps for _, steps in updates] == list(range(5, total_steps + 1, 5))
    assert np.isfinite([metrics for metrics, _ in updates]).all()
    assert np.isfinite(weights(agent)).all()
    own_steps = [runner.num_steps // 16 for runner in agent.runners]
    assert sum(own_steps) == total_steps
    assert min(own_steps) > 0
    assert len(episodes) == sum(steps // memory_task.LENGTH for steps in own_steps)
    assert int(agent.train_model.optimizers[0].num_updates) == total_steps // 5
