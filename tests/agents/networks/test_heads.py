"""Heads of real actions: where their standard deviations come from, and the way back to them."""

import gymnasium
import numpy as np
import pytest
import tensorflow as tf

from agents.distributions.gaussian import DiagonalGaussian
from agents.distributions.gsde import StateDependentExploration
from agents.learning import optimizers
from agents.networks import backprop, policy_value
from agents.networks.heads import GaussianHead

K, BATCH = 2, 5
VECTOR = gymnasium.spaces.Box(-1.0, 1.0, (6,), np.float32)
PICTURE = gymnasium.spaces.Box(0, 255, (44, 44, 2), np.uint8)
GAUSSIAN = DiagonalGaussian([-1.0] * K, [1.0] * K)


def make(name='mlp', state_dependent=False, bounds=(), noise_of_features=False, **options):
    space = VECTOR if name == 'mlp' else PICTURE
    space.seed(0)
    head = GaussianHead(-0.5, bounds, state_dependent, noise_of_features)
    network = policy_value.build(name, space, 2 * K, 0, gaussian=head, **options)
    return network, tf.constant(np.stack([space.sample() for _ in range(BATCH)]))


@pytest.mark.parametrize('state_dependent', [False, True])
@pytest.mark.parametrize('name', policy_value.NETWORKS)
def test_means_start_near_zero_and_deviations_as_asked(name, state_dependent):
    network, observations = make(name, state_dependent)
    logits, values = network(observations)
    means, log_stds = np.split(logits, 2, axis=1)
    assert logits.shape == (BATCH, 2 * K) and values.shape == (BATCH,)
    assert np.abs(means).max() < 0.1
    np.testing.assert_array_equal(log_stds, np.full((BATCH, K), -0.5, np.float32))


@pytest.mark.parametrize('state_dependent', [False, True])
def test_only_deviations_that_may_depend_on_the_state_come_to_do_so(state_dependent):
    network, observations = make('mlp', state_dependent)
    variables = network.trainable_variables
    optimizer = optimizers.make('adam', 0.01)
    optimizer.build(variables)
    weights = np.random.default_rng(0).normal(size=(BATCH, 2 * K)).astype(np.float32)
    for _ in range(20):
        outputs, activations = backprop.forward(network, [observations])
        _, vjp = backprop.vjp_from_activations(network, [observations], activations)
        gradients = vjp([tf.constant(weights), tf.zeros(BATCH)])
        optimizer.apply(gradients, variables)
    log_stds = network(observations)[0].numpy()[:, K:]
    assert np.abs(log_stds + 0.5).min() > 0.01
    assert (np.ptp(log_stds, axis=0) > 0.01).all() == state_dependent
    [kernel] = [v for v in variables if v.path == 'log_std/kernel']
    assert np.any(kernel) == state_dependent


def make_noisy(name):
    network, observations = make(name, noise_of_features=True)
    num_features = network.get_layer('policy').input.shape[-1]
    distribution = StateDependentExploration(*GAUSSIAN.bounds, num_features, noise_period=1)
    return network, distribution, observations


def check_gradients(network, distribution, observations, actions, atol):
    """Compares gradients of `backprop` with those of a tape, for a loss of all outputs."""
    with tf.GradientTape(persistent=True) as tape:
        logits, values = network(observations)
        tape.watch([logits, values])
        loss = tf.reduce_sum(distribution.log_prob(logits, actions) * tf.square(values))
    plain = tape.gradient(loss, network.trainable_variables)
    _, activations = backprop.forward(network, [observations])
    outputs, vjp = backprop.vjp_from_activations(network, [observations], activations)
    gradients = vjp(tape.gradient(loss, [logits, values]))
    np.testing.assert_allclose(outputs[0], logits, rtol=1e-6, atol=1e-6)
    for ours, expected in zip(gradients, plain, strict=True):
        expected = 0.0 * ours if expected is None else expected
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=atol(np.abs(expected).max()))


@pytest.mark.parametrize('name', policy_value.NETWORKS)
def test_noise_of_features_starts_as_asked_with_the_features_of_the_means(name):
    network, distribution, observations = make_noisy(name)
    logits = network(observations)[0]
    means, features, log_stds = distribution._parts(logits)
    # Of features of mean square 1 actions have the deviation that was asked for.
    np.testing.assert_allclose(log_stds, -0.5 - 0.5 * np.log(features.shape[1]), rtol=1e-6)
    layer = network.get_layer('policy')
    np.testing.assert_allclose(layer(features), means, rtol=1e-5, atol=1e-6)
    assert log_stds.shape == (BATCH, features.shape[1], K) and features.shape[1] > 60


@pytest.mark.parametrize('name', ['mlp', 'a3c'])
def test_gradients_with_noise_of_features_are_those_of_the_plain_way(name):
    network, distribution, observations = make_noisy(name)
    actions = tf.constant(np.random.default_rng(0).normal(size=(BATCH, K)), tf.float32)
    check_gradients(
        network, distribution, observations, actions, lambda largest: 1e-6 * max(1.0, largest)
    )


@pytest.mark.parametrize('state_dependent', [False, True])
@pytest.mark.parametrize('normalize', [False, True])
def test_gradients_are_those_of_the_plain_way(state_dependent, normalize):
    network, observations = make('mlp', state_dependent, normalize_observations=normalize)
    rng = np.random.default_rng(0)
    for variable in network.weights:  # The statistics, too.
        variable.assign_add(rng.uniform(0.0, 0.1, size=variable.shape))
    actions = tf.constant(rng.normal(size=(BATCH, K)), tf.float32)
    check_gradients(network, GAUSSIAN, observations, actions, lambda largest: 1e-6)


def test_bounded_means_stay_in_the_range_of_actions():
    lowest, highest = [-1.0, 3.0], [5.0, 4.0]
    network, observations = make(bounds=(lowest, highest))
    means = network(observations)[0].numpy()[:, :K]
    np.testing.assert_allclose(means, [[2.0, 3.5]] * BATCH, atol=0.1)
    bias = network.get_layer('policy').bias
    for sign, edge in ((100.0, highest), (-100.0, lowest)):
        bias.assign([sign, sign])
        means = network(observations)[0].numpy()[:, :K]
        np.testing.assert_allclose(means, [edge] * BATCH, rtol=1e-6)


def test_other_weights_bring_their_own_statistics():
    network, observations = make(normalize_observations=True)
    weights = [tf.constant(array) for array in network.get_weights()]
    before = network(observations)[1].numpy()
    network.get_layer('normalize').moving_mean.assign([0.5] * 6)
    after = network(observations)[1].numpy()
    with backprop.with_weights(network, weights):
        (_, values), _ = backprop.forward(network, [observations])
    np.testing.assert_allclose(values, before, rtol=1e-6)
    assert np.abs(after - before).min() > 1e-4
