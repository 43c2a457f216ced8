"""Distributions against plain NumPy sums over all actions, and against their own samples."""

import itertools

import gymnasium
import numpy as np
import pytest
import tensorflow as tf

from agents.distributions import discrete, factory

spaces = gymnasium.spaces

SPACES = {
    'categorical': spaces.Discrete(5),
    'multi_categorical': spaces.MultiDiscrete([3, 2, 4]),
    'bernoulli': spaces.MultiBinary(4),
}


@pytest.fixture(params=['eager', 'graph'])
def compiled(request):
    return {'eager': lambda fn: fn, 'graph': tf.function}[request.param]


@pytest.fixture(params=SPACES)
def space(request):
    return SPACES[request.param]


def all_actions(space):
    """Every action of the space, `int32[n, *event_shape]`."""
    if isinstance(space, spaces.Discrete):
        return np.arange(space.n, dtype=np.int32)
    sizes = space.nvec if isinstance(space, spaces.MultiDiscrete) else [2] * space.n
    return np.array(list(itertools.product(*map(range, sizes))), np.int32)


def reference_probs(space, logits):
    """The probability of every action, `float64[n]`, by exp and division alone."""
    logits = np.asarray(logits, np.float64)
    if isinstance(space, spaces.Discrete):
        return np.exp(logits) / np.exp(logits).sum()
    if isinstance(space, spaces.MultiDiscrete):
        parts = [np.exp(x) for x in np.split(logits, np.cumsum(space.nvec)[:-1])]
        parts = [x / x.sum() for x in parts]
    else:
        parts = [np.array([1.0, np.exp(x)]) / (1.0 + np.exp(x)) for x in logits]
    return np.array([np.prod(choice) for choice in itertools.product(*parts)])


def random_logits(space, shape=(), scale=1.5):
    distribution = factory.for_space(space)
    rng = np.random.default_rng(0)
    return scale * rng.normal(size=[*shape, distribution.num_logits]).astype(np.float32)


def test_an_encoded_action_has_its_own_logits_set(compiled, space):
    """So the probability of an action under logits of infinite contrast is one."""
    distribution, actions = factory.for_space(space), all_actions(space)
    codes = compiled(distribution.encode)(tf.constant(actions))
    assert codes.shape == (len(actions), distribution.num_logits)
    assert set(np.unique(codes)) == {0.0, 1.0} and codes.dtype == tf.float32
    log_probs = distribution.log_prob(200.0 * codes - 100.0, tf.constant(actions))
    np.testing.assert_allclose(log_probs, 0.0, atol=1e-5)


def test_log_prob_and_entropy_match_the_definitions(compiled, space):
    distribution, actions = factory.for_space(space), all_actions(space)
    logits = random_logits(space)
    probs = reference_probs(space, logits)
    tiled = tf.constant(np.tile(logits, [len(actions), 1]))
    log_probs = compiled(distribution.log_prob)(tiled, tf.constant(actions))
    np.testing.assert_allclose(log_probs, np.log(probs), rtol=1e-5, atol=1e-6)
    entropy = compiled(distribution.entropy)(tf.constant(logits))
    np.testing.assert_allclose(entropy, -np.sum(probs * np.log(probs)), rtol=1e-5)
    assert log_probs.dtype == entropy.dtype == tf.float32


@pytest.mark.parametrize('scale', [0.01, 1.0, 10.0])
def test_probabilities_sum_to_one(space, scale):
    distribution, actions = factory.for_space(space), all_actions(space)
    logits = np.tile(random_logits(space, scale=scale), [len(actions), 1])
    total = tf.reduce_sum(tf.exp(distribution.log_prob(tf.constant(logits), tf.constant(actions))))
    assert float(total) == pytest.approx(1.0, abs=1e-5)


def test_equal_logits_have_the_largest_entropy(space):
    distribution = factory.for_space(space)
    entropy = distribution.entropy(tf.zeros([distribution.num_logits]))
    assert float(entropy) == pytest.approx(np.log(len(all_actions(space))), rel=1e-6)
    assert float(distribution.entropy(tf.constant(random_logits(space)))) < float(entropy)


def test_samples_have_the_right_frequencies(compiled, space):
    """Pearson's X² over all actions; its mean is n - 1 and its variance 2 (n - 1)."""
    distribution, actions = factory.for_space(space), all_actions(space)
    logits = random_logits(space, scale=1.0)
    expected = reference_probs(space, logits) * 20_000
    tiled = tf.constant(np.tile(logits, [20_000, 1]))
    index = {tuple(np.atleast_1d(action)): i for i, action in enumerate(actions)}
    sample = compiled(distribution.sample)
    for seed in ([1, 2], [3, 4], [5, 6]):
        drawn = sample(tiled, tf.constant(seed, tf.int32)).numpy()
        rows, counts = np.unique(drawn.reshape([20_000, -1]), axis=0, return_counts=True)
        observed = np.zeros(len(actions))
        observed[[index[tuple(row)] for row in rows]] = counts
        statistic = np.sum((observed - expected) ** 2 / expected)
        freedom = len(actions) - 1
        assert statistic < freedom + 5.0 * np.sqrt(2.0 * freedom)
        assert statistic > freedom - 3.0 * np.sqrt(2.0 * freedom)  # Not suspiciously even.


def test_seeds_repeat_and_differ(compiled, space):
    distribution = factory.for_space(space)
    logits = tf.zeros([50, distribution.num_logits])
    sample = compiled(distribution.sample)
    first, again, other, third = (
        sample(logits, tf.constant(seed, tf.int32)).numpy()
        for seed in ([0, 7], [0, 7], [1, 7], [0, 8])
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first != third).any()


def test_parts_of_an_action_are_independent():
    """Equal logits and sizes: without noise of their own, the parts would agree always."""
    distribution = factory.for_space(spaces.MultiDiscrete([2, 2]))
    drawn = distribution.sample(tf.zeros([10_000, 4]), tf.constant([0, 1])).numpy()
    agreement = np.mean(drawn[:, 0] == drawn[:, 1])
    assert abs(agreement - 0.5) < 0.02  # Four standard errors.


@pytest.mark.parametrize('leading', [(), (6,), (4, 3)])
def test_shapes_and_types(compiled, space, leading):
    distribution = factory.for_space(space)
    logits = tf.constant(random_logits(space, leading))
    event = (*leading, *distribution.event_shape)
    sampled = compiled(distribution.sample)(logits, tf.constant([1, 2]))
    mode = compiled(distribution.mode)(logits)
    assert sampled.shape == mode.shape == event
    assert sampled.dtype == mode.dtype == tf.int32
    assert compiled(distribution.log_prob)(logits, sampled).shape == leading
    assert compiled(distribution.entropy)(logits).shape == leading
    assert all(
        space.contains(np.int64(a) if a.ndim == 0 else a.astype(space.dtype))
        for a in sampled.numpy().reshape([-1, *distribution.event_shape])
    )


def test_leading_dimensions_do_not_mix(space):
    distribution = factory.for_space(space)
    logits = tf.constant(random_logits(space, (4, 3)))
    actions = distribution.sample(logits, tf.constant([1, 2]))
    for i, j in itertools.product(range(4), range(3)):
        for whole, part in (
            (
                distribution.log_prob(logits, actions),
                distribution.log_prob(logits[i, j], actions[i, j]),
            ),
            (distribution.entropy(logits), distribution.entropy(logits[i, j])),
        ):
            np.testing.assert_allclose(whole[i, j], part, rtol=1e-6)


def test_the_mode_is_the_most_probable_action(space):
    distribution, actions = factory.for_space(space), all_actions(space)
    for logits in random_logits(space, (20,)):
        expected = actions[np.argmax(reference_probs(space, logits))]
        np.testing.assert_array_equal(distribution.mode(tf.constant(logits)), expected)


def test_sure_policies_sample_their_mode(space):
    distribution = factory.for_space(space)
    logits = tf.constant(random_logits(space, (100,), scale=1e4))
    sampled = distribution.sample(logits, tf.constant([1, 2]))
    np.testing.assert_array_equal(sampled, distribution.mode(logits))


@pytest.mark.parametrize('size', [50.0, 1e4, 1e30])
def test_extreme_logits_stay_finite(space, size):
    distribution = factory.for_space(space)
    signs = np.where(np.arange(distribution.num_logits) % 2, 1.0, -1.0)
    logits = tf.constant((size * signs).astype(np.float32))
    actions = distribution.mode(logits)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        log_prob = distribution.log_prob(logits, actions)
        entropy = distribution.entropy(logits)
    assert -10.0 < float(log_prob) <= 0.0  # Equal large logits share the probability.
    assert 0.0 <= float(entropy) < 10.0
    for output in (log_prob, entropy):
        assert np.isfinite(tape.gradient(output, logits)).all()
    assert np.isfinite(distribution.log_prob(logits, tf.zeros_like(actions)))


def test_small_entropies_of_buttons_keep_their_digits():
    """H = log(1 + e^-l) + l / (1 + e^l), where softplus(l) - l sigmoid(l) would give 0."""
    logit = 25.0
    expected = np.log1p(np.exp(-logit)) + logit / (1.0 + np.exp(logit))
    distribution = discrete.Bernoulli(1)
    for sign in (1.0, -1.0):
        assert float(distribution.entropy(tf.constant([sign * logit]))) == pytest.approx(expected)


def test_rejects_shapes_that_do_not_fit(compiled, space):
    distribution = factory.for_space(space)
    logits = tf.zeros([6, distribution.num_logits])
    actions = tf.zeros([6, *distribution.event_shape], tf.int32)
    seed = tf.constant([0, 0])
    for wrong in (logits[:, 1:], tf.zeros([6, distribution.num_logits + 1])):
        for method, arguments in (
            (distribution.sample, [seed]),
            (distribution.mode, []),
            (distribution.log_prob, [actions]),
            (distribution.entropy, []),
        ):
            with pytest.raises(ValueError):
                compiled(method)(wrong, *arguments)
    for wrong in (actions[..., None], actions[:1], actions[None]):
        with pytest.raises(ValueError):
            compiled(distribution.log_prob)(logits, wrong)
