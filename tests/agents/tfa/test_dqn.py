"""DQN: its targets by hand, exact continuation, and its launch script."""

import collections
import dataclasses
import json

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from agents.configs.off_policy import DQNConfig
from agents.distributions.deterministic import Greedy
from agents.experience.replay import Transitions
from agents.networks import q_network
from agents.storage import checkpoints, saved_policy
from envs.config import EnvConfig
from envs.errors import UsageError
from tests.helpers import launching
from tests.helpers.games import CART_POLE
from tests.helpers.trees import first_difference

AIRSTRIKER = EnvConfig('Airstriker-Genesis', max_episode_steps=12, screen_size=36)
CONFIG = DQNConfig(
    network='mlp', hidden_units=(8, 8), num_envs=2, batch_size=16, learning_starts=20,
    train_period=2, replay_capacity=100, target_period=3, exploration_steps=60, seed=1,
)  # fmt: skip


@pytest.fixture
def agent(make_agent):
    return make_agent(CONFIG)


def random_transitions(seed=0, size=16):
    """The first half of the games went on, the others ended."""
    rng = np.random.default_rng(seed)
    return Transitions(
        rng.normal(size=(size, 4)).astype(np.float32),
        rng.integers(2, size=size).astype(np.int32),
        (3.0 * rng.normal(size=size)).astype(np.float32),
        (np.arange(size) < size // 2).astype(np.float32),
        rng.normal(size=(size, 4)).astype(np.float32),
    )


def q_values(layers, observations):
    """The network by hand: ReLU layers and a linear one."""
    x = observations
    for kernel, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        x = np.maximum(x @ kernel + bias, 0.0)
    return x @ layers[-2] + layers[-1]


def weights(variables):
    return [variable.numpy() for variable in variables]


def scatter(variables, seed):
    """Weights with which no two actions and no two networks are alike."""
    rng = np.random.default_rng(seed)
    for variable in variables:
        variable.assign(rng.normal(size=variable.shape) * 0.7)


@pytest.mark.parametrize('double', [False, True])
def test_the_loss_is_that_of_the_paper(make_agent, double):
    agent = make_agent(CONFIG, double=double)
    scatter(agent._q_network.variables, 0)
    scatter(agent._target.variables, 1)
    batch = random_transitions()
    online, target = weights(agent._q_network.variables), weights(agent._target.variables)
    rows = np.arange(16)
    chooser = online if double else target
    best = q_values(chooser, batch.next_observations).argmax(axis=1)
    following = q_values(target, batch.next_observations)[rows, best]
    errors = (
        batch.rewards
        + 0.99 * batch.discounts * following
        - q_values(online, batch.observations)[rows, batch.actions]
    )
    huber = np.where(np.abs(errors) < 1.0, errors**2 / 2, np.abs(errors) - 0.5)
    metrics = agent._learn(batch)
    assert metrics.value_loss == pytest.approx(huber.mean(), rel=1e-5)


def test_the_gradient_is_that_of_the_loss_and_clipped_as_a_whole(make_agent):
    agent = make_agent(CONFIG, max_grad_norm=0.25)
    batch = random_transitions()
    variables = agent._q_network.trainable_variables
    targets = batch.rewards + 0.99 * batch.discounts * np.max(
        q_values(weights(agent._target.variables), batch.next_observations), axis=1
    )
    with tf.GradientTape() as tape:
        values = tf.gather(agent._q_network.model(batch.observations), batch.actions, batch_dims=1)
        loss = tf.reduce_mean(tf.keras.losses.huber(targets[:, None], values[:, None]))
    norm = float(tf.linalg.global_norm(tape.gradient(loss, variables)))
    assert norm > 0.25
    assert agent._learn(batch).grad_norm == pytest.approx(norm, rel=1e-5)
    # The first moments of Adam are a tenth of the gradients that it was given.
    moments = agent._updates._adam._means
    given = [10.0 * moment.numpy() for moment in moments]
    assert np.sqrt(sum((g**2).sum() for g in given)) == pytest.approx(0.25, rel=1e-4)


def test_the_target_takes_over_with_every_third_update(agent):
    for number in range(1, 7):
        before = weights(agent._target.variables)
        agent._learn(random_transitions(number))
        after = weights(agent._target.variables)
        online = weights(agent._q_network.variables)
        wanted = online if number % 3 == 0 else before
        for one, other in zip(after, wanted, strict=True):
            np.testing.assert_array_equal(one, other)


def test_exploration_falls_and_is_what_it_says(make_agent):
    agent = make_agent(CONFIG, exploration_start=0.8, exploration_end=0.2, exploration_steps=100)
    expected = {0: 1.0, 19: 1.0, 20: 0.68, 50: 0.5, 100: 0.2, 9999: 0.2}
    assert {step: agent.exploration(step) for step in expected} == pytest.approx(expected)
    observations = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)
    best = q_values(weights(agent._q_network.variables), observations).argmax(axis=1)
    others = 0
    for agent.num_steps in range(1000, 3000, 2):
        actions, values = agent._explore(observations, np.zeros(2, bool))
        others += (actions != best).sum()
    assert values == pytest.approx(
        q_values(weights(agent._q_network.variables), observations).max(axis=1), rel=1e-5
    )
    # Of two actions, half of those by chance are the best one.
    assert scipy.stats.binomtest(int(others), 2000, 0.1).pvalue > 0.001


def test_before_learning_starts_actions_are_uniform(agent):
    observations = np.zeros((2, 4), np.float32)
    counts = collections.Counter()
    for step in range(0, 20, 2):
        for agent._seed in range(40):
            agent.num_steps = step
            counts.update(agent._explore(observations, np.zeros(2, bool))[0].tolist())
    assert scipy.stats.chisquare([counts[0], counts[1]]).pvalue > 0.001


def test_a_limit_is_not_an_end(make_agent):
    agent = make_agent(CONFIG, dataclasses.replace(CART_POLE, max_episode_steps=4))
    while agent.num_steps < 60:
        agent.update()
    batch = agent._memory.sample(200, 0)
    assert batch.discounts.all()
    # The last observation of an episode, and not the first of the next one: the cart moves on.
    positions = batch.observations[:, 0] + 0.02 * batch.observations[:, 1]
    np.testing.assert_allclose(batch.next_observations[:, 0], positions, atol=1e-6)


def test_nothing_is_learned_before_its_time(agent):
    metrics = [agent.update() for _ in range(20)]
    assert [one is not None for one in metrics] == [False] * 9 + [True] * 11
    assert agent.num_updates == 11


def test_a_loss_that_is_not_finite_changes_no_weight(agent):
    batch = random_transitions()
    before = weights(agent._q_network.variables)
    assert not agent._learn(batch._replace(rewards=np.full(16, np.inf, np.float32))).is_finite
    for one, other in zip(weights(agent._q_network.variables), before, strict=True):
        np.testing.assert_array_equal(one, other)
    assert agent._learn(batch).is_finite


@pytest.mark.parametrize(
    'env_config, changes',
    [
        (CART_POLE, {}),
        (AIRSTRIKER, {'network': 'a3c', 'hidden_units': DQNConfig.hidden_units}),
    ],
)
def test_it_continues_exactly(make_agent, tmp_path, env_config, changes):
    first, second = (make_agent(CONFIG, env_config, **changes) for _ in range(2))
    for _ in range(25):
        first.update()
    path = checkpoints.save(str(tmp_path), 1, first.state())
    wanted = [first.update() for _ in range(20)]
    second.set_state(checkpoints.load(path))
    assert [second.update() for _ in range(20)] == wanted
    states = [one.state() for one in (first, second)]
    for state in states:
        state['memory']['segments'] = [part.tree for part in state['memory']['segments']]
    assert first_difference(*states) == ''


def test_its_model_needs_neither_tf_agents_nor_keras_2(agent, tmp_path):
    saved_policy.save(str(tmp_path), agent.network, CART_POLE, policy='greedy')
    loaded = saved_policy.load(str(tmp_path))
    saved_policy.check_fit(loaded.network, [(4,)], 2)
    observations = random_transitions().observations
    values, best = loaded.network(observations)
    np.testing.assert_allclose(
        values, q_values(weights(agent._q_network.variables), observations), atol=1e-6
    )
    np.testing.assert_array_equal(best, np.max(values, axis=1))


@pytest.mark.parametrize('name', ['nature', 'a3c', 'impala'])
def test_networks_for_pictures_have_no_critic(name):
    from gymnasium import spaces

    built = q_network.build(name, spaces.Box(0, 255, (84, 84, 4), np.uint8), 5, 0, ())
    observations = np.random.default_rng(0).integers(0, 256, (2, 84, 84, 4), np.uint8)
    values, best = built.policy(observations)
    assert (values.shape, best.shape) == ((2, 5), (2,))
    np.testing.assert_allclose(built.values(observations), values, atol=1e-6)
    assert not [v.path for v in built.policy.variables if 'value' in v.path]


@pytest.mark.parametrize(
    'game, message',
    [
        ('Pendulum-v1', 'real numbers, Box(1,): train_ddpg and train_td3 are for such'),
    ],
)
def test_other_actions_are_refused(make_agent, game, message):
    with pytest.raises(UsageError, match='DQN chooses one of n actions') as error:
        make_agent(CONFIG, EnvConfig(game, action_repeat=1, frame_stack=1))
    assert message in str(error.value)


def test_greedy_means_the_best_action():
    greedy = Greedy(3)
    values = tf.constant([[0.0, 2.0, 1.0], [5.0, 5.0, 1.0]])
    assert greedy.sample(values, tf.constant([1, 2])).numpy().tolist() == [1, 0]


def test_it_trains_evaluates_and_goes_on(tmp_path):
    flags = (
        '--preset=none', '--game=CartPole-v1', '--network=mlp', '--action_repeat=1',
        '--frame_stack=1', '--total_steps=600', '--learning_starts=100', '--eval_period=400',
        '--eval_episodes=2', '--log_period=100', '--run_dir=run',
    )  # fmt: skip
    code, out, err = launching.run(tmp_path, 'train_dqn', *flags)
    assert (code, err) == (0, '')
    assert 'evaluation at 400 steps: greedy actions, 2 episodes' in out
    code, out, err = launching.run(tmp_path, 'train_dqn', '--run_dir=run', '--resume',
                                   '--total_steps=700')  # fmt: skip
    assert (code, err) == (0, '') and 'continuing at 600 steps' in out
    code, out, err = launching.run(tmp_path, 'evaluate', '--run_dir=run', '--episodes=2',
                                   '--json=result.json')  # fmt: skip
    assert (code, err) == (0, '') and 'greedy actions, 2 episodes' in out
    assert json.loads((tmp_path / 'result.json').read_text())['mode'] == 'greedy'
    assert 'exploration' in (tmp_path / 'run' / 'metrics.csv').read_text().splitlines()[0]


@pytest.mark.slow
def test_it_solves_cart_pole(tmp_path):
    code, out, err = launching.run(tmp_path, 'train_dqn', '--game=CartPole-v1', '--run_dir=run')
    assert (code, err) == (0, '')
    launching.run(tmp_path, 'evaluate', '--run_dir=run', '--json=result.json')
    assert json.loads((tmp_path / 'result.json').read_text())['mean_score'] >= 475
