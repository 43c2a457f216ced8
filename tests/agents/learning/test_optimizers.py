"""The paper's RMSProp against its formula and its relatives; clipping by the global norm."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from agents.learning import optimizers
from envs.errors import UsageError

RATE, RHO, EPSILON = 0.01, 0.9, 1e-3


def reference_steps(theta, gradients, rate=RATE, rho=RHO, epsilon=EPSILON, root=None):
    """θ after these gradients, in float64; `root(g)` is what the gradient is divided by."""
    root = root or (lambda g: np.sqrt(g + epsilon))
    theta, g = theta.astype(np.float64), np.zeros(theta.shape)
    for d in gradients.astype(np.float64):
        g = rho * g + (1 - rho) * d**2
        theta = theta - rate * d / root(g)
    return theta


def run(optimizer, theta, gradients):
    """θ after these gradients, applied inside a compiled function."""
    variable = keras.Variable(theta)
    optimizer.build([variable])

    @tf.function
    def apply(gradient):
        optimizer.apply([gradient], [variable])

    for gradient in gradients:
        apply(tf.constant(gradient))
    return variable.numpy()


@pytest.fixture
def problem():
    """Weights, and 60 gradients of very different sizes: ε matters for the small ones."""
    rng = np.random.default_rng(0)
    sizes = 10.0 ** np.linspace(-4, 1, 6)
    gradients = (rng.normal(size=[60, 5, 6]) * sizes).astype(np.float32)
    return rng.normal(size=[5, 6]).astype(np.float32), gradients


def test_follows_the_formula_over_many_steps(problem):
    theta, gradients = problem
    result = run(optimizers.RMSProp(RATE, rho=RHO, epsilon=EPSILON), theta, gradients)
    np.testing.assert_allclose(result, reference_steps(theta, gradients), rtol=1e-5, atol=1e-6)


def test_works_without_tf_function_and_builds_itself():
    variable = keras.Variable(np.ones(2, np.float32))
    optimizer = optimizers.RMSProp(RATE, rho=RHO, epsilon=EPSILON)
    optimizer.apply([tf.constant([1.0, -2.0])], [variable])
    expected = reference_steps(np.ones(2), np.array([[1.0, -2.0]]))
    np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-6)
    assert int(optimizer.iterations) == 1


def test_several_variables_have_their_own_mean_squares(problem):
    theta, gradients = problem
    first, second = keras.Variable(theta), keras.Variable(theta[0])
    optimizer = optimizers.RMSProp(RATE, rho=RHO, epsilon=EPSILON)
    optimizer.build([first, second])
    apply = tf.function(lambda a, b: optimizer.apply([a, b], [first, second]))
    for gradient in gradients:
        apply(tf.constant(gradient), tf.constant(-2 * gradient[1]))
    np.testing.assert_allclose(first, reference_steps(theta, gradients), rtol=1e-5, atol=1e-6)
    expected = reference_steps(theta[0], -2 * gradients[:, 1])
    np.testing.assert_allclose(second, expected, rtol=1e-5, atol=1e-6)


def test_keras_rmsprop_is_the_same_formula_with_other_defaults(problem):
    theta, gradients = problem
    ours = run(optimizers.RMSProp(RATE, rho=RHO, epsilon=EPSILON), theta, gradients)
    same = keras.optimizers.RMSprop(RATE, rho=RHO, epsilon=EPSILON)
    np.testing.assert_allclose(ours, run(same, theta, gradients), rtol=1e-5, atol=1e-6)
    defaults = run(keras.optimizers.RMSprop(RATE), theta, gradients)
    paper = run(optimizers.RMSProp(RATE), theta, gradients)
    assert np.abs(defaults - paper).max() > 0.1


def test_pytorch_epsilon_outside_the_root_is_another_algorithm(problem):
    """torch.optim.RMSprop divides by sqrt(g) + ε."""
    theta, gradients = problem
    theirs = reference_steps(theta, gradients, root=lambda g: np.sqrt(g) + EPSILON) - theta
    ours = run(optimizers.RMSProp(RATE, rho=RHO, epsilon=EPSILON), theta, gradients) - theta
    ratios = np.linalg.norm(theirs, axis=0) / np.linalg.norm(ours, axis=0)
    assert ratios[0] > 10.0  # The smallest gradients.
    assert ratios[-1] == pytest.approx(1.0, rel=1e-2)  # The largest: ε matters nowhere.


def test_the_first_step_shows_the_place_of_epsilon():
    """g_1 = (1 - ρ) d² exactly: it starts at 0, not at 1 as in TensorFlow 1."""
    d, epsilon = 1e-3, 1e-2
    gradient = np.array([[d]], np.float32)
    result = run(optimizers.RMSProp(1.0, rho=0.99, epsilon=epsilon), np.zeros(1), gradient)
    np.testing.assert_allclose(result, -d / np.sqrt(0.01 * d**2 + epsilon), rtol=1e-5)


def test_the_learning_rate_is_assigned_from_outside():
    variable = keras.Variable(np.zeros(1, np.float32))
    optimizer = optimizers.RMSProp(1.0, rho=0.0, epsilon=0.0)  # Steps of η exactly.
    optimizer.build([variable])

    @tf.function
    def apply(learning_rate):
        optimizer.learning_rate.assign(learning_rate)
        optimizer.apply([tf.ones(1)], [variable])

    positions = []
    for rate in (1.0, 0.25, 0.0):
        apply(tf.constant(rate))
        positions.append(float(variable.numpy()[0]))
    assert positions == [-1.0, -1.25, -1.25]


def test_survives_serialisation():
    optimizer = optimizers.RMSProp(3e-4, rho=0.95, epsilon=0.01)
    config = keras.optimizers.serialize(optimizer)
    copy = keras.optimizers.deserialize(config)
    assert isinstance(copy, optimizers.RMSProp)
    assert copy.get_config() == optimizer.get_config()
    assert (copy.rho, copy.epsilon) == (0.95, 0.01)
    assert float(copy.learning_rate) == pytest.approx(3e-4)


def test_its_variables_are_its_whole_state(problem):
    """Weights and `optimizer.variables` copied half-way: both runs end bit-equal."""
    theta, gradients = problem
    variable, other = keras.Variable(theta), keras.Variable(np.zeros_like(theta))
    optimizer, successor = optimizers.RMSProp(RATE), optimizers.RMSProp(RATE)
    optimizer.build([variable])
    successor.build([other])
    for gradient in gradients[:30]:
        optimizer.apply([tf.constant(gradient)], [variable])
    other.assign(variable.value)
    for target, source in zip(successor.variables, optimizer.variables, strict=True):
        target.assign(source.value)
    for gradient in gradients[30:]:
        optimizer.apply([tf.constant(gradient)], [variable])
        successor.apply([tf.constant(gradient)], [other])
    np.testing.assert_array_equal(variable.numpy(), other.numpy())
    assert int(successor.iterations) == 60


def adam_by_hand(theta, gradients, rate=RATE, epsilon=1e-5):
    """Algorithm 1 of Kingma and Ba (2015), in float64."""
    theta, m, v = theta.astype(np.float64), 0.0, 0.0
    for t, d in enumerate(gradients.astype(np.float64), start=1):
        m, v = 0.9 * m + 0.1 * d, 0.999 * v + 0.001 * d**2
        theta = theta - rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + epsilon)
    return theta


@pytest.mark.parametrize('epsilon', [1e-5, 1e-2])
def test_adam_follows_its_paper(problem, epsilon):
    theta, gradients = problem
    result = run(optimizers.Adam(RATE, epsilon=epsilon), theta, gradients)
    expected = adam_by_hand(theta, gradients, epsilon=epsilon)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_adam_of_keras_moves_small_gradients_less(problem):
    """Its ε is not corrected for the start: with small gradients it is another algorithm."""
    theta, gradients = problem
    small = gradients * 1e-5
    ours = run(optimizers.Adam(RATE), theta, small) - theta
    theirs = run(keras.optimizers.Adam(RATE, epsilon=1e-5), theta, small) - theta
    moved = np.abs(ours).sum(axis=0) / np.abs(theirs).sum(axis=0)
    assert moved[2] > 3.0  # Gradients of about 1e-7.
    assert moved[-1] < 1.5  # Of 1e-4: ε matters little.


def test_adam_survives_serialisation_and_its_variables_are_its_state(problem):
    theta, gradients = problem
    config = keras.optimizers.serialize(optimizers.Adam(RATE, beta_1=0.8, epsilon=1e-3))
    optimizer, successor = (keras.optimizers.deserialize(config) for _ in range(2))
    assert isinstance(successor, optimizers.Adam)
    assert (successor.beta_1, successor.beta_2, successor.epsilon) == (0.8, 0.999, 1e-3)
    variable, other = keras.Variable(theta), keras.Variable(theta)
    optimizer.build([variable])
    successor.build([other])
    optimizer.apply([tf.constant(gradients[0])], [variable])
    other.assign(variable.value)
    for target, source in zip(successor.variables, optimizer.variables, strict=True):
        target.assign(source.value)
    for gradient in gradients[1:5]:
        optimizer.apply([tf.constant(gradient)], [variable])
        successor.apply([tf.constant(gradient)], [other])
    np.testing.assert_array_equal(variable.numpy(), other.numpy())


def test_make_finds_both_by_name():
    rmsprop = optimizers.make('rmsprop', 1e-3, rho=0.9, epsilon=0.1)
    assert isinstance(rmsprop, optimizers.RMSProp)
    assert (rmsprop.rho, rmsprop.epsilon) == (0.9, 0.1)
    adam = optimizers.make('adam', 1e-3)
    assert isinstance(adam, optimizers.Adam)
    assert adam.epsilon == 1e-5
    assert float(adam.learning_rate) == pytest.approx(1e-3)


def test_make_refuses_other_names():
    with pytest.raises(UsageError, match=r"'sgd'.*rmsprop, adam"):
        optimizers.make('sgd', 1e-3)


GRADIENTS = [np.array([3.0, 0.0], np.float32), np.array([[4.0]], np.float32)]  # Norm 5.


@pytest.mark.parametrize('max_norm, factor', [(0.5, 0.1), (5.0, 1.0), (10.0, 1.0)])
def test_clipping_scales_by_one_factor(max_norm, factor):
    clip = tf.function(lambda *x: optimizers.clip_by_global_norm(x, max_norm))
    clipped, norm = clip(*GRADIENTS)
    assert float(norm) == pytest.approx(5.0)
    for result, gradient in zip(clipped, GRADIENTS, strict=True):
        np.testing.assert_allclose(result, factor * gradient, rtol=1e-6)


@pytest.mark.parametrize('max_norm', [0.0, float('inf')])
def test_clipping_can_be_off(max_norm):
    clipped, norm = optimizers.clip_by_global_norm(GRADIENTS, max_norm)
    assert float(norm) == pytest.approx(5.0)
    for result, gradient in zip(clipped, GRADIENTS, strict=True):
        np.testing.assert_array_equal(result, gradient)


def test_clipping_leaves_zeros_and_none():
    clipped, norm = optimizers.clip_by_global_norm([tf.zeros(2), None], 0.5)
    assert float(norm) == 0.0
    np.testing.assert_array_equal(clipped[0], np.zeros(2))
    assert clipped[1] is None


@pytest.mark.parametrize('bad', [np.nan, np.inf])
@pytest.mark.parametrize('max_norm', [0.0, 0.5])
def test_bad_gradients_show_in_the_norm_and_become_zeros(bad, max_norm):
    [clipped], norm = optimizers.clip_by_global_norm([tf.constant([bad, 1.0])], max_norm)
    assert not np.isfinite(norm)
    np.testing.assert_array_equal(clipped, [0.0, 0.0])


@pytest.mark.parametrize('max_norm', [0.5, 5.0, 7.0])
def test_clipping_equals_that_of_tensorflow_bit_for_bit(max_norm):
    expected, _ = tf.clip_by_global_norm(GRADIENTS, max_norm)
    clipped, _ = optimizers.clip_by_global_norm(GRADIENTS, max_norm)
    for ours, theirs in zip(clipped, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize('name', optimizers.NAMES)
def test_a_skipped_update_leaves_everything_as_it_is(name):
    """Also the first one, before there are statistics, and in a compiled function."""
    variable = keras.Variable(np.array([1.0, -2.0, 0.0], np.float32))
    optimizer = optimizers.make(name, 0.1)
    optimizer.build([variable])
    apply = tf.function(lambda is_made, d: optimizer.apply_if(is_made, [d], [variable]))
    statistics = [v for v in optimizer.variables if 'mean' in v.name or v.name == 'num_updates']
    assert statistics
    for is_made in (False, True, False, False, True):
        before = [v.numpy().copy() for v in [variable, *statistics]]
        apply(tf.constant(is_made), tf.constant([0.5, -3.0, 1.0]))
        after = [v.numpy() for v in [variable, *statistics]]
        same = [(a == b).all() for a, b in zip(before, after, strict=True)]
        assert all(same) if not is_made else not any(same)


@pytest.mark.parametrize('max_norm', [-1.0, float('nan')])
def test_clipping_refuses_senseless_norms(max_norm):
    with pytest.raises(ValueError, match='max_norm'):
        optimizers.clip_by_global_norm(GRADIENTS, max_norm)
