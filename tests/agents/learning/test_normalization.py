"""Running statistics against those of all samples at once, and what is done with them."""

import subprocess
import sys

import gymnasium
import hypothesis
import keras
import numpy as np
import pytest
from hypothesis import strategies

from agents.learning.normalization import Moments, Normalizer, RolloutStatistics
from agents.networks import policy_value
from envs.errors import UsageError
from tests.helpers.paths import ROOT

VECTOR = gymnasium.spaces.Box(-np.inf, np.inf, (3,), np.float32)


def build(**options):
    return policy_value.build('mlp', VECTOR, 2, 0, normalize_observations=True, **options)


@hypothesis.settings(deadline=None, database=None)
@hypothesis.given(
    strategies.lists(strategies.integers(1, 40), min_size=1, max_size=6),
    strategies.floats(-1e4, 1e4),
    strategies.floats(1e-3, 1e3),
    strategies.integers(0, 2**32 - 1),
)
def test_moments_of_parts_are_those_of_the_whole(sizes, mean, std, seed):
    samples = np.random.default_rng(seed).normal(mean, std, size=(sum(sizes), 2))
    joined = Moments(0, np.zeros(2), np.zeros(2))
    for part in np.split(samples, np.cumsum(sizes)[:-1]):
        joined = joined.joined(Moments.of(part))
    assert joined.size == len(samples)
    np.testing.assert_allclose(joined.mean, samples.mean(axis=0), rtol=1e-9, atol=1e-9 * std)
    scale = std**2 + 1e-6 * mean**2
    np.testing.assert_allclose(joined.variance, samples.var(axis=0), rtol=1e-7, atol=1e-7 * scale)


def inner(network, observations):
    """The part of a network that follows the normalisation."""
    model = keras.Model(network.inputs[0], network.get_layer('unshrink').output)
    return model(observations).numpy()


def test_observations_are_shifted_scaled_and_clipped_in_the_network():
    network = build()
    samples = np.random.default_rng(0).normal([0.0, 50.0, -3.0], [1.0, 5.0, 0.01], (400, 3))
    samples = samples.astype(np.float32)
    np.testing.assert_allclose(inner(network, samples[:3]), samples[:3].clip(-10, 10), rtol=1e-5)
    normalizer = Normalizer(network, rewards=False)
    normalizer.add({'observations': Moments.of(part)} for part in np.split(samples, 4))
    found = inner(network, samples)
    expected = (samples - samples.mean(axis=0)) / samples.std(axis=0)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    far = np.array([[1e6, 50.0, -1e6]], np.float32)
    np.testing.assert_allclose(inner(network, far), [[10.0, expected[0, 1] * 0, -10.0]], atol=0.2)


def test_a_saved_network_has_its_statistics(tmp_path):
    network = build()
    samples = np.random.default_rng(0).normal(4.0, 2.0, (50, 3)).astype(np.float32)
    Normalizer(network, rewards=False).add([{'observations': Moments.of(samples)}])
    network.save(tmp_path / 'model.keras')
    loaded = keras.saving.load_model(tmp_path / 'model.keras', safe_mode=True)
    for ours, theirs in zip(network(samples), loaded(samples), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    trainable = {variable.path for variable in loaded.trainable_variables}
    assert not any(path.startswith('normalize') for path in trainable)


def test_pictures_are_not_normalised():
    picture = gymnasium.spaces.Box(0, 255, (36, 36, 1), np.uint8)
    with pytest.raises(UsageError, match='is for vectors'):
        policy_value.build('a3c', picture, 2, 0, normalize_observations=True)


def returns_by_hand(rewards, starts, discount):
    """`[T, B]`, each from its definition as a sum."""
    result = np.zeros(rewards.shape)
    for t, b in np.ndindex(*rewards.shape):
        first = max(s for s in range(t + 1) if starts[s, b] or s == 0)
        result[t, b] = sum(discount ** (t - s) * rewards[s, b] for s in range(first, t + 1))
    return result


def test_rewards_are_divided_by_the_deviation_of_running_returns():
    rng = np.random.default_rng(0)
    rewards, starts = rng.normal(3.0, 20.0, (24, 2)), rng.random((24, 2)) < 0.2
    statistics = RolloutStatistics(2, 0.9, rewards=True)
    normalizer, observations = Normalizer(build(), rewards=True), np.zeros((8, 2, 3), np.float32)
    returns = returns_by_hand(rewards, starts, 0.9)
    assert (normalizer.reward_scale, normalizer.about()) == (None, {})
    squares = [np.mean(returns[: t + 1] ** 2) for t in range(8)]
    scale = np.sqrt(1.0 / np.array(squares))[:, None]
    for begin in (0, 8, 16):
        statistics.reward_scale = normalizer.reward_scale
        rows = slice(begin, begin + 8)
        found = [
            statistics.normalized(*pair) for pair in zip(rewards[rows], starts[rows], strict=True)
        ]
        np.testing.assert_allclose(found, np.clip(rewards[rows] * scale, -10.0, 10.0))
        normalizer.add([statistics.take(observations)])
        scale = 1.0 / returns[: begin + 8].std()
        assert normalizer.reward_scale == pytest.approx(scale)
    assert normalizer.about() == {'running_reward_scale': normalizer.reward_scale}


def test_what_is_not_asked_for_is_not_touched():
    statistics = RolloutStatistics(2, 0.9)
    rewards = np.array([1e9, -1.0])
    assert statistics.normalized(rewards, np.zeros(2, bool)) is rewards
    assert statistics.take(np.zeros((8, 2, 3))) == {}
    plain = Normalizer(policy_value.build('mlp', VECTOR, 2, 0), rewards=False)
    plain.add([{}])
    assert (plain.reward_scale, plain.about(), plain.state()) == (None, {}, {})


def test_states_continue_exactly():
    rng = np.random.default_rng(0)

    def use(statistics, normalizer, rewards):
        found = [statistics.normalized(row, np.zeros(2, bool)) for row in rewards]
        normalizer.add([statistics.take(rewards[..., None] + np.zeros(3))])
        statistics.reward_scale = normalizer.reward_scale
        return np.array(found)

    networks_, objects = [build(), build()], []
    for network in networks_:
        own = RolloutStatistics(2, 0.9, observations=True, rewards=True)
        objects.append((own, Normalizer(network, rewards=True)))
    first, later = rng.normal(size=(2, 5, 2)), rng.normal(size=(3, 5, 2))
    for rewards in first:
        use(*objects[0], rewards)
    for old, new in zip(*objects, strict=True):
        new.set_state(old.state())
    objects[1][0].reward_scale = objects[1][1].reward_scale
    networks_[1].set_weights(networks_[0].get_weights())
    for rewards in later:
        one, other = (use(*pair, rewards) for pair in objects)
        np.testing.assert_array_equal(one, other)
    for ours, theirs in zip(*(network.get_weights() for network in networks_), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_the_runner_needs_does_not_import_tensorflow():
    """Research scripts import it at the top, and so do the processes of their environments."""
    code = 'import sys; from agents.experience import runner; print("tensorflow" in sys.modules)'
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == 'False\n', done.stderr
