"""Actor and critic of DDPG and TD3: layers, initial weights, bounds of actions, saving."""

import keras
import numpy as np
import pytest
from gymnasium import spaces

from agents.networks import backprop, continuous
from agents.storage import saved_policy
from envs.config import EnvConfig
from envs.errors import UsageError

OBSERVATIONS = spaces.Box(-np.inf, np.inf, (5,))
ACTIONS = spaces.Box(np.float32([-2.0, 0.0]), np.float32([2.0, 6.0]))
SIZES = (40, 30)


def build(seed=1, **options):
    return continuous.build(OBSERVATIONS, ACTIONS, SIZES, seed, **options)


def relu(x):
    return np.maximum(x, 0.0)


def sample(num=7):
    rng = np.random.default_rng(0)
    actions = rng.uniform(ACTIONS.low, ACTIONS.high, (num, 2)).astype(np.float32)
    return rng.normal(size=(num, 5)).astype(np.float32), actions


def test_the_actor_is_that_of_the_paper():
    actor = build().actor
    w1, b1, w2, b2, w3, b3 = actor.get_weights()
    observations, _ = sample()
    wanted = np.tanh(relu(relu(observations @ w1 + b1) @ w2 + b2) @ w3 + b3)
    wanted = wanted * [2.0, 3.0] + [0.0, 3.0]
    np.testing.assert_allclose(actor(observations), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('action_layer', [1, 2])
def test_the_critic_takes_the_action_at_its_layer(action_layer):
    (critic,) = build(action_layer=action_layer).critics
    w1, b1, w2, b2, w3, b3 = critic.get_weights()
    observations, actions = sample()
    scaled = (actions - [0.0, 3.0]) / [2.0, 3.0]  # To -1 to 1
    x = np.hstack([observations, scaled]) if action_layer == 1 else observations
    x = relu(x @ w1 + b1)
    x = np.hstack([x, scaled]) if action_layer == 2 else x
    wanted = (relu(x @ w2 + b2) @ w3 + b3)[:, 0]
    values = critic([observations, actions])
    assert values.shape == (7,)
    np.testing.assert_allclose(values, wanted, rtol=1e-4, atol=1e-6)


def test_the_policy_is_actor_and_first_critic_and_shares_their_weights():
    built = build(num_critics=2)
    observations, _ = sample()
    for variable in built.actor.variables + built.critics[0].variables:
        variable.assign(variable + 0.01)
    actions, values = built.policy(observations)
    np.testing.assert_array_equal(actions, built.actor(observations))
    wanted = built.critics[0]([keras.ops.array(observations), actions])
    np.testing.assert_allclose(values, wanted, rtol=1e-5)
    (acted, valued), _ = backprop.forward(built.policy, [observations])
    np.testing.assert_allclose(acted, actions, rtol=1e-5)
    np.testing.assert_allclose(valued, values, rtol=1e-5)
    first, second = (set(map(id, critic.variables)) for critic in built.critics)
    assert not first & second and len(built.policy.variables) == 12


def test_weights_fill_their_ranges():
    """Uniform in ±1/sqrt(inputs), biases too; the last layers in ±3e-3."""
    built = build(action_layer=2, output_range=3e-3)
    ranges = {5: 5**-0.5, 40: 40**-0.5, 42: 42**-0.5, 30: 3e-3}
    for model in (built.actor, *built.critics):
        weights = model.get_weights()
        for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
            limit = ranges[kernel.shape[0]]
            for array in (kernel, bias):
                assert np.abs(array).max() <= limit
                assert array.size < 20 or np.abs(array).max() > 0.8 * limit
                assert array.size < 20 or array.min() < 0 < array.max()


def test_all_actions_can_be_reached_and_no_others():
    actor = build().actor
    last = actor.get_layer('actor')
    for sign, wanted in ((-1.0, ACTIONS.low), (1.0, ACTIONS.high)):
        last.bias.assign(np.full(2, sign * 1e3, np.float32))
        np.testing.assert_allclose(actor(sample()[0])[0], wanted, atol=1e-6)


def test_a_seed_is_weights():
    one, same, other = build(1, num_critics=2), build(1, num_critics=2), build(2, num_critics=2)
    for a, b, c in zip(*(n.policy.get_weights() for n in (one, same, other)), strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)
    kernels = [critic.get_weights()[0] for critic in one.critics]
    assert not np.array_equal(*kernels)


def test_the_policy_is_saved_and_loaded_as_all_models(tmp_path):
    network = build(num_critics=2).policy
    env_config = EnvConfig(game='Pendulum-v1')
    saved_policy.save(str(tmp_path), network, env_config, policy='deterministic', steps=1)
    loaded = saved_policy.load(str(tmp_path))
    assert loaded.recipe['policy'] == 'deterministic'
    observations, _ = sample()
    for wanted, output in zip(network(observations), loaded.network(observations), strict=True):
        np.testing.assert_array_equal(output, wanted)
    assert all(isinstance(layer, keras.Layer) for layer in loaded.network.layers)
    saved_policy.check_fit(loaded.network, [(5,)], 2)


def test_pictures_are_refused():
    pictures = spaces.Box(0, 255, (84, 84, 4), np.uint8)
    with pytest.raises(UsageError, match='vectors'):
        continuous.build(pictures, ACTIONS, SIZES, 0)
