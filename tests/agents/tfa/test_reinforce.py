"""REINFORCE: its gradient by hand, whole episodes, exact continuation, and its launch script."""

import dataclasses
import json
import os
import signal

import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from agents.configs.reinforce import ReinforceConfig
from agents.storage import checkpoints
from agents.tfa.whole_episodes import Episodes, returns_of
from envs.config import EnvConfig
from envs.errors import UsageError
from tests.helpers import launching
from tests.helpers.games import CART_POLE
from tests.helpers.trees import first_difference

SHORT = dataclasses.replace(CART_POLE, max_episode_steps=6)
AIRSTRIKER = EnvConfig('Airstriker-Genesis', max_episode_steps=6, screen_size=36)
CONFIG = ReinforceConfig(network='mlp', episodes_per_update=3, discount=0.9, seed=1)


def episodes_of(lengths, seed=0, shape=(4,)):
    rng, n = np.random.default_rng(seed), sum(lengths)
    ends = np.zeros(n, bool)
    ends[np.cumsum(lengths) - 1] = True
    observations = rng.normal(size=(n, *shape)).astype(np.float32)
    if len(shape) == 3:
        observations = rng.integers(0, 256, (n, *shape), np.uint8)
    actions, rewards = rng.integers(2, size=n), rng.normal(size=n)
    return Episodes(observations, actions.astype(np.int32), rewards.astype(np.float32), ends)


def test_returns_are_discounted_sums_within_an_episode():
    episodes = episodes_of([4, 1, 7])
    found = returns_of(episodes, 0.9)
    parts = np.split(episodes.rewards, [4, 5])
    wanted = [scipy.signal.lfilter([1.0], [1.0, -0.9], part[::-1])[::-1] for part in parts]
    np.testing.assert_allclose(found, np.concatenate(wanted), rtol=1e-5)


def naive_update(agent, episodes):
    """Policy loss, norm of the gradient of the whole loss, and entropy."""
    config, network = agent.config, agent.network
    targets = returns_of(episodes, config.discount)
    count = episodes.ends.sum()
    with tf.GradientTape() as tape:
        logits, values = network(episodes.observations)
        log_probs = tf.nn.log_softmax(logits)
        chosen = tf.gather(log_probs, episodes.actions, batch_dims=1)
        weights = targets - values.numpy() if config.baseline else targets
        if config.normalize_returns:
            weights = (weights - weights.mean()) / weights.std()
        policy_loss = loss = -tf.reduce_sum(chosen * weights) / count
        if config.baseline:
            value_loss = tf.reduce_sum((targets - values) ** 2) / count
            loss = policy_loss + config.value_cost * value_loss
    gradients = tape.gradient(loss, [v.value for v in network.trainable_variables])
    norm = np.sqrt(sum((g.numpy() ** 2).sum() for g in gradients if g is not None))
    entropy = -tf.reduce_mean(tf.reduce_sum(tf.exp(log_probs) * log_probs, axis=1))
    return float(policy_loss), norm, float(entropy)


@pytest.mark.parametrize('normalize', [False, True])
@pytest.mark.parametrize('baseline', [False, True])
def test_the_gradient_is_that_of_the_book(make_agent, baseline, normalize):
    agent = make_agent(CONFIG, baseline=baseline, normalize_returns=normalize, value_cost=0.7)
    episodes = episodes_of([4, 1, 7])
    agent._play = lambda: (episodes, agent.step_model.value(episodes.observations, ()))
    policy_loss, norm, entropy = naive_update(agent, episodes)
    before = {v.path: v.numpy() for v in agent.network.trainable_variables}
    metrics = agent.update()
    assert metrics.policy_loss == pytest.approx(policy_loss, rel=1e-4, abs=1e-6)
    assert metrics.grad_norm == pytest.approx(norm, rel=1e-4)
    assert metrics.entropy == pytest.approx(entropy, rel=1e-5)
    after = {v.path: v.numpy() for v in agent.network.trainable_variables}
    moved = {path for path in before if not np.array_equal(before[path], after[path])}
    assert moved == {path for path in before if baseline or path.startswith('policy')}


def test_pictures_share_a_torso_that_learns_from_both(make_agent):
    agent = make_agent(CONFIG, AIRSTRIKER, network='a3c')
    episodes = episodes_of([3, 4], shape=agent._observations.shape[1:])
    agent._play = lambda: (episodes, agent.step_model.value(episodes.observations, ()))
    policy_loss, norm, _ = naive_update(agent, episodes)
    metrics = agent.update()
    assert metrics.policy_loss == pytest.approx(policy_loss, rel=1e-3)
    assert metrics.grad_norm == pytest.approx(norm, rel=1e-3)


@pytest.mark.parametrize('num_envs, count', [(1, 3), (2, 4)])
def test_each_environment_gives_as_many_whole_episodes(make_agent, num_envs, count):
    agent = make_agent(CONFIG, num_envs=num_envs)
    for _ in range(2):
        steps = agent.num_steps
        episodes, values = agent._play()
        assert (episodes.ends.sum(), episodes.ends[-1]) == (count, True)
        firsts = np.concatenate([[0], np.flatnonzero(episodes.ends)[:-1] + 1])
        is_first = np.abs(episodes.observations).max(axis=1) <= 0.05
        assert is_first[firsts].all()
        # Nothing is missing in between: the pole moves on by its own speed.
        goes_on = ~episodes.ends[:-1]
        positions = episodes.observations[:-1, 0] + 0.02 * episodes.observations[:-1, 1]
        np.testing.assert_allclose(
            positions[goes_on], episodes.observations[1:, 0][goes_on], atol=1e-6
        )
        assert values.shape == episodes.rewards.shape
        assert agent.num_steps - steps >= len(episodes.rewards)
    assert (agent.num_steps == steps + len(episodes.rewards)) or num_envs > 1


def test_what_is_played_beyond_the_episodes_counts_nowhere(make_agent):
    """No game is broken off, which would skip lives and levels; tables have what is learned."""
    agent = make_agent(CONFIG, num_envs=2, episodes_per_update=4)
    agent._envs.reset = None
    for _ in range(3):
        agent.episodes = []
        episodes, _ = agent._play()
        assert [sum(one['env'] == env for one in agent.episodes) for env in range(2)] == [2, 2]
        lengths = np.diff(np.flatnonzero(np.append(True, episodes.ends)))
        told = [one['length'] for env in range(2) for one in agent.episodes if one['env'] == env]
        assert told == lengths.tolist()


@pytest.mark.parametrize('baseline', [False, True])
def test_an_episode_whose_worker_fails_is_left_out(make_agent, baseline):
    agent = make_agent(CONFIG, baseline=baseline, episodes_per_update=2)
    step, calls, before = agent.step_model.step, [], agent._observations.copy()

    def kill_at_the_fifth(*arguments):
        calls.append(len(calls))
        if len(calls) == 5:
            os.kill(agent._envs.worker_pids[0], signal.SIGKILL)
        return step(*arguments)

    agent.step_model.step = kill_at_the_fifth
    episodes, _ = agent._play()
    assert agent.restarts.total == 1 and episodes.ends.sum() == 2
    # Nor is what comes after the failure: it may be the rest of the game from a snapshot on.
    assert len(calls) > 5 + len(episodes.rewards)
    firsts = np.append(0, np.flatnonzero(episodes.ends)[:-1] + 1)
    assert (np.abs(episodes.observations[firsts]) <= 0.05).all()
    assert not np.isclose(episodes.observations[:, 1], before[0, 1]).any()


@pytest.mark.parametrize('baseline, last', [(True, 1.0 + 0.9 * 7.0), (False, 1.0)])
def test_where_a_limit_cuts_the_baseline_stands_for_the_rest(make_agent, baseline, last):
    agent = make_agent(CONFIG, SHORT, baseline=baseline)
    asked = []
    agent.step_model.value = lambda observations, memory: (
        asked.append(observations) or np.full(1, 7.0)
    )
    episodes, _ = agent._play()
    assert len(episodes.rewards) == 18
    np.testing.assert_allclose(episodes.rewards, np.where(episodes.ends, last, 1.0))
    # The last observation of the episode, not the first one of the next.
    assert len(asked) == (3 if baseline else 0)
    for final, before in zip(asked, episodes.observations[episodes.ends], strict=False):
        assert final[0, 0] == pytest.approx(before[0] + 0.02 * before[1], abs=1e-6)


def test_a_return_that_is_not_finite_changes_no_weight(make_agent):
    agent = make_agent(CONFIG)
    good = episodes_of([5])
    bad = good._replace(rewards=np.full(5, np.inf, np.float32))
    before = agent.network.get_weights()
    for episodes, is_finite in ((bad, False), (good, True)):
        agent._play = lambda episodes=episodes: (episodes, np.zeros(5, np.float32))
        with np.errstate(invalid='ignore'):
            assert agent.update().is_finite == is_finite
        same = all((a == b).all() for a, b in zip(agent.network.get_weights(), before, strict=True))
        assert same != is_finite


@pytest.mark.parametrize('num_envs', [1, 2])
def test_it_continues_exactly(make_agent, tmp_path, num_envs):
    first, second = (make_agent(CONFIG, num_envs=num_envs) for _ in range(2))
    for _ in range(2):
        first.update()
    path = checkpoints.save(str(tmp_path), 1, first.state())
    wanted = [first.update() for _ in range(2)]
    second.set_state(checkpoints.load(path))
    assert [second.update() for _ in range(2)] == wanted
    assert first_difference(first.state(), second.state()) == ''
    assert first.episodes == second.episodes and len(first.episodes) >= 3


def test_other_actions_are_refused(make_agent):
    with pytest.raises(UsageError, match='REINFORCE chooses one of n actions.*train_ddpg'):
        make_agent(CONFIG, EnvConfig('Pendulum-v1', action_repeat=1, frame_stack=1))


def test_it_trains_evaluates_and_goes_on(tmp_path):
    flags = (
        '--preset=none', '--game=CartPole-v1', '--network=mlp', '--action_repeat=1',
        '--frame_stack=1', '--total_steps=500', '--eval_period=400', '--eval_episodes=2',
        '--log_period=100', '--run_dir=run',
    )  # fmt: skip
    code, out, err = launching.run(tmp_path, 'train_reinforce', *flags)
    assert (code, err) == (0, '') and 'sampled actions, 2 episodes' in out
    code, out, err = launching.run(tmp_path, 'train_reinforce', '--run_dir=run', '--resume',
                                   '--total_steps=900')  # fmt: skip
    assert (code, err) == (0, '') and 'continuing at ' in out
    code, out, err = launching.run(tmp_path, 'evaluate', '--run_dir=run', '--episodes=2',
                                   '--greedy', '--json=result.json')  # fmt: skip
    assert (code, err) == (0, '')
    assert json.loads((tmp_path / 'result.json').read_text())['mode'] == 'greedy'
