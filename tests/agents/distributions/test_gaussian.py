"""The Gaussian policy against SciPy, and against its own samples."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from agents.distributions.gaussian import LOWEST_LOG_STD, DiagonalGaussian
from tests.helpers.gradients import derivatives

K = 3
GAUSSIAN = DiagonalGaussian([-1.0] * K, [1.0] * K)


@pytest.fixture(params=['eager', 'graph'])
def compiled(request):
    return {'eager': lambda fn: fn, 'graph': tf.function}[request.param]


def batch(n=50, dtype=np.float32):
    """Logits `[n, 2 K]` of standard deviations from 0.02 to 7, and actions `[n, K]`."""
    rng = np.random.default_rng(0)
    means, log_stds = 2.0 * rng.normal(size=(n, K)), rng.uniform(-4.0, 1.95, size=(n, K))
    actions = means + np.exp(log_stds) * rng.normal(size=(n, K))
    return np.concatenate([means, log_stds], axis=1).astype(dtype), actions.astype(dtype)


def scipy_log_prob(logits, actions):
    logits, actions = np.asarray(logits, np.float64), np.asarray(actions, np.float64)
    means, log_stds = np.split(logits, 2, axis=-1)
    return scipy.stats.norm.logpdf(actions, means, np.exp(log_stds)).sum(-1)


def scipy_entropy(logits):
    return scipy.stats.norm.entropy(scale=np.exp(np.asarray(logits, np.float64)[..., K:])).sum(-1)


@pytest.mark.parametrize('dtype, rtol', [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_log_prob_and_entropy_are_those_of_scipy(compiled, dtype, rtol):
    logits, actions = batch(dtype=dtype)
    log_probs = compiled(GAUSSIAN.log_prob)(tf.constant(logits), tf.constant(actions))
    expected = scipy_log_prob(logits, actions)
    # Of the terms of the sum: where these cancel, their rounding remains.
    if dtype == np.float32:
        means, stds = logits[:, :K].astype(np.float64), np.exp(logits[:, K:].astype(np.float64))
        largest = 1.0 + (((actions - means) / stds) ** 2).sum(-1) + (np.abs(means) / stds).sum(-1)
    else:
        largest = 1.0 + np.abs(expected)
    assert (np.abs(log_probs - expected) <= rtol * largest).all()
    entropy = compiled(GAUSSIAN.entropy)(tf.constant(logits))
    np.testing.assert_allclose(entropy, scipy_entropy(logits), rtol=rtol, atol=rtol)
    assert log_probs.dtype == entropy.dtype == dtype


@pytest.mark.parametrize('dtype', [np.float64, np.float32])
def test_gradients_are_those_of_scipy(compiled, dtype):
    logits, actions = batch(dtype=np.float32)  # The same numbers in both types.
    logits[:, K:] = np.maximum(logits[:, K:], -2.0)
    exact = logits.astype(np.float64), actions.astype(np.float64)
    for ours, scipys in (
        (lambda x: GAUSSIAN.log_prob(x, tf.constant(actions, dtype)), scipy_log_prob),
        (GAUSSIAN.entropy, lambda x, _: scipy_entropy(x)),
    ):
        x = tf.constant(logits, dtype)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(compiled(ours)(x))
        expected = derivatives(lambda x, f=scipys: f(x, exact[1]), exact[0])
        scale = np.abs(expected).max()
        np.testing.assert_allclose(tape.gradient(y, x), expected, rtol=1e-6, atol=1e-6 * scale)


def test_samples_have_the_density_that_is_told(compiled):
    """Kolmogorov and Smirnov, each dimension; and the sample's mean of -log π is the entropy."""
    row = np.array([0.5, -3.0, 0.0, -2.0, 0.0, 1.0], np.float32)
    logits = tf.constant(np.tile(row, [20_000, 1]))
    samples = compiled(GAUSSIAN.sample)(logits, tf.constant([1, 2]))
    assert samples.shape == (20_000, K) and samples.dtype == tf.float32
    for i in range(K):
        test = scipy.stats.kstest(samples[:, i], 'norm', (row[i], np.exp(row[K + i])))
        assert test.pvalue > 0.01
    assert np.abs(np.corrcoef(samples, rowvar=False) - np.eye(K)).max() < 0.03
    surprise = -np.mean(GAUSSIAN.log_prob(logits, samples))
    assert surprise == pytest.approx(float(GAUSSIAN.entropy(logits[0])), abs=0.03)


def test_the_seed_decides_and_the_mode_is_the_mean():
    logits = tf.constant(batch()[0])
    first, again = (GAUSSIAN.sample(logits, tf.constant([3, 4])).numpy() for _ in range(2))
    other = GAUSSIAN.sample(logits, tf.constant([3, 5])).numpy()
    assert (first == again).all() and (first != other).all()
    np.testing.assert_array_equal(GAUSSIAN.mode(logits), logits[:, :K])
    np.testing.assert_array_equal(GAUSSIAN.encode(tf.constant(first)), first)
    assert GAUSSIAN.num_codes == K


@pytest.mark.parametrize(
    'outside, edge', [(9.0, GAUSSIAN.highest_log_std), (-50.0, LOWEST_LOG_STD)]
)
def test_deviations_are_held_in_their_range_and_may_return_to_it(compiled, outside, edge):
    beyond, at_edge = (
        tf.constant([0.0] * K + [log_std] * K, tf.float32) for log_std in (outside, edge)
    )
    actions = tf.zeros(K)
    for function in (lambda x: GAUSSIAN.log_prob(x, actions), GAUSSIAN.entropy):
        np.testing.assert_array_equal(compiled(function)(beyond), function(at_edge))
    inwards = {}
    for sign in (1.0, -1.0):
        with tf.GradientTape() as tape:
            tape.watch(beyond)
            loss = sign * compiled(GAUSSIAN.entropy)(beyond)
        inwards[sign] = tape.gradient(loss, beyond)[K:]
    back = 1.0 if outside > edge else -1.0  # Descent on this leads back.
    np.testing.assert_array_equal(inwards[back], [back] * K)
    np.testing.assert_array_equal(inwards[-back], np.zeros(K))


@pytest.mark.parametrize(
    'bounds, highest',
    [
        (([-1.0, -0.4], [1.0, 0.4]), 2.0),
        (([-0.4], [0.4]), 2.0),
        (([-1.0, -100.0], [1.0, 100.0]), 2.0 + np.log(100.0)),
        (([-np.inf, -100.0], [np.inf, 100.0]), 2.0),
    ],
)
def test_a_wide_range_has_room_for_more_noise(bounds, highest):
    gaussian = DiagonalGaussian(*bounds)
    assert gaussian.highest_log_std == pytest.approx(highest)
    size = len(bounds[0])
    logits = tf.constant([0.0] * size + [50.0] * size)
    wanted = size * (highest + 0.5 * np.log(2 * np.pi * np.e))
    assert float(gaussian.entropy(logits)) == pytest.approx(wanted, rel=1e-6)


def test_the_floor_is_the_entropy_of_a_small_part_of_the_range():
    gaussian = DiagonalGaussian([-1.0, 0.0], [3.0, 1.0])
    logits = tf.constant([0.0, 0.0, np.log(0.02), np.log(0.005)])
    assert gaussian.entropy_floor(0.01) == pytest.approx(float(gaussian.entropy(logits)), rel=1e-6)
    assert gaussian.entropy_floor(0.0) == -np.inf
    assert DiagonalGaussian([0.0, 0.0], [1.0, np.inf]).entropy_floor(0.01) == -np.inf


@pytest.mark.parametrize('logits, actions', [((4, 5), (4, 3)), ((4, 6), (4,)), ((4, 6), (5, 3))])
def test_shapes_that_do_not_fit_are_refused(logits, actions):
    with pytest.raises(ValueError):
        GAUSSIAN.log_prob(tf.zeros(logits), tf.zeros(actions))
