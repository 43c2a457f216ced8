"""The loss and its gradients against formulas written out by hand, in NumPy and float64."""

import gymnasium
import numpy as np
import pytest
import tensorflow as tf

from agents.distributions import factory
from agents.learning import losses

T, B = 5, 4
VALUE_COST, ENTROPY_COST = 0.5, 0.1

spaces = gymnasium.spaces
SPACES = {
    'categorical': spaces.Discrete(6),
    'multi_categorical': spaces.MultiDiscrete([3, 2, 4]),
    'bernoulli': spaces.MultiBinary(5),
}


@pytest.fixture(params=['eager', 'graph'])
def compiled(request):
    return {'eager': lambda fn: fn, 'graph': tf.function}[request.param]


@pytest.fixture(params=SPACES)
def space(request):
    return SPACES[request.param]


def make_inputs(space, seed=0):
    """Random arguments of the loss, as tensors, without the distribution and the costs."""
    rng = np.random.default_rng(seed)
    num_logits = factory.for_space(space).num_logits
    event = factory.for_space(space).event_shape
    sizes = {
        'logits': [T, B, num_logits],
        'values': [T, B],
        'advantages': [T, B],
        'targets': [T, B],
    }
    inputs = {name: tf.constant(rng.normal(size=s), tf.float32) for name, s in sizes.items()}
    high = getattr(space, 'nvec', getattr(space, 'n', 2))
    high = 2 if isinstance(space, spaces.MultiBinary) else high
    inputs['actions'] = tf.constant(rng.integers(0, high, size=[T, B, *event]), tf.int32)
    return inputs


def loss_of(space, inputs, value_cost=VALUE_COST, entropy_cost=ENTROPY_COST):
    return losses.a2c_losses(
        factory.for_space(space), **inputs, value_cost=value_cost, entropy_cost=entropy_cost
    )


def reference_categorical(logits, actions):
    """log π(a), H, and their gradients with respect to the logits, of one choice among n.

    d log π(a) / dl = onehot(a) - π,   dH / dl = -π (log π + H)
    """
    probs = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    onehot = np.eye(logits.shape[-1])[actions]
    entropy = -(probs * np.log(probs)).sum(-1)
    return (
        np.log((probs * onehot).sum(-1)),
        entropy,
        onehot - probs,
        -probs * (np.log(probs) + entropy[..., None]),
    )


def reference_bernoulli(logits, actions):
    """The same of buttons: d log π(a) / dl = a - p,   dH / dl = -l p (1 - p)."""
    probs = 1.0 / (1.0 + np.exp(-logits))
    log_probs = np.log(np.where(actions == 1, probs, 1.0 - probs))
    entropies = -probs * np.log(probs) - (1.0 - probs) * np.log(1.0 - probs)
    return (
        log_probs.sum(-1),
        entropies.sum(-1),
        actions - probs,
        -logits * probs * (1.0 - probs),
    )


def reference_distribution(space, logits, actions):
    if isinstance(space, spaces.Discrete):
        return reference_categorical(logits, actions)
    if isinstance(space, spaces.MultiBinary):
        return reference_bernoulli(logits, actions)
    own = np.split(logits, np.cumsum(space.nvec)[:-1], axis=-1)
    parts = [reference_categorical(x, actions[..., i]) for i, x in enumerate(own)]
    log_probs, entropies, score, entropy_gradient = zip(*parts, strict=True)
    return (
        sum(log_probs),
        sum(entropies),
        np.concatenate(score, axis=-1),
        np.concatenate(entropy_gradient, axis=-1),
    )


def reference(space, inputs):
    """The four losses, and the gradients of the total with respect to logits and values."""
    x = {name: tensor.numpy().astype(np.float64) for name, tensor in inputs.items()}
    actions = inputs['actions'].numpy()
    log_probs, entropies, score, entropy_gradient = reference_distribution(
        space, x['logits'], actions
    )
    policy_loss = -np.mean(log_probs * x['advantages'])
    value_loss = np.mean((x['targets'] - x['values']) ** 2 / 2)
    entropy = np.mean(entropies)
    total = policy_loss + VALUE_COST * value_loss - ENTROPY_COST * entropy
    logits_gradient = -score * x['advantages'][..., None] - ENTROPY_COST * entropy_gradient
    values_gradient = -VALUE_COST * (x['targets'] - x['values'])
    gradients = {'logits': logits_gradient / (T * B), 'values': values_gradient / (T * B)}
    return (total, policy_loss, value_loss, entropy), gradients


def assert_close(result, expected):
    """Compares to within 1e-5 of the largest number."""
    np.testing.assert_allclose(result, expected, rtol=0.0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize('seed', [0, 1, 2])
def test_losses_and_gradients_match_the_formulas(compiled, space, seed):
    inputs = make_inputs(space, seed)

    def losses_and_gradients(inputs):
        watched = {name: inputs[name] for name in ('logits', 'values')}
        with tf.GradientTape() as tape:
            tape.watch(watched)
            result = loss_of(space, inputs)
        return result, tape.gradient(result.total_loss, watched)

    result, gradients = compiled(losses_and_gradients)(inputs)
    expected, expected_gradients = reference(space, inputs)
    np.testing.assert_allclose(result, expected, rtol=1e-5)
    for name, gradient in gradients.items():
        assert_close(gradient, expected_gradients[name])


def test_gradients_flow_to_logits_and_values_only(space):
    inputs = make_inputs(space)
    sources = {name: x for name, x in inputs.items() if name != 'actions'}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(sources)
        result = loss_of(space, inputs)

    def reached(loss):
        return {name for name, g in tape.gradient(loss, sources).items() if g is not None}

    assert reached(result.total_loss) == {'logits', 'values'}
    assert reached(result.policy_loss) == {'logits'}
    assert reached(result.value_loss) == {'values'}
    assert reached(result.entropy) == {'logits'}


def test_descent_makes_good_actions_likelier():
    inputs = make_inputs(SPACES['categorical'])
    with tf.GradientTape() as tape:
        tape.watch(inputs['logits'])
        loss = loss_of(SPACES['categorical'], inputs, entropy_cost=0.0).total_loss
    step = -tape.gradient(loss, inputs['logits']).numpy()
    chosen = np.take_along_axis(step, inputs['actions'].numpy()[..., None], axis=-1)[..., 0]
    np.testing.assert_array_equal(np.sign(chosen), np.sign(inputs['advantages']))


def test_costs_may_be_tensors_and_weigh_their_terms(space):
    inputs = make_inputs(space)
    result = loss_of(space, inputs, tf.constant(3.0), tf.constant(2.0))
    expected = result.policy_loss + 3.0 * result.value_loss - 2.0 * result.entropy
    assert float(result.total_loss) == pytest.approx(float(expected), rel=1e-6)
    only_policy = loss_of(space, inputs, 0.0, 0.0)
    assert float(only_policy.total_loss) == float(only_policy.policy_loss)


def test_flattened_rollouts_give_the_same(space):
    inputs = make_inputs(space)
    flat = {name: tf.reshape(x, [T * B, *x.shape[2:]]) for name, x in inputs.items()}
    np.testing.assert_allclose(loss_of(space, flat), loss_of(space, inputs), rtol=1e-6)


def test_the_loss_of_a_batch_is_the_mean_of_its_halves(space):
    inputs = make_inputs(space)
    halves = [
        loss_of(space, {name: x[:, i : i + B // 2] for name, x in inputs.items()})
        for i in (0, B // 2)
    ]
    np.testing.assert_allclose(loss_of(space, inputs), np.mean(halves, axis=0), rtol=1e-5)


@pytest.mark.parametrize('name', ['values', 'advantages', 'targets', 'actions', 'logits'])
def test_rejects_column_vectors_and_what_would_broadcast(compiled, space, name):
    inputs = make_inputs(space)
    original = inputs[name]
    for wrong in (original[..., None], original[:1], original[:, :1], original[0]):
        inputs[name] = wrong
        with pytest.raises(ValueError):
            compiled(lambda inputs: loss_of(space, inputs))(inputs)


def test_rejects_rollouts_that_agree_only_among_themselves(space):
    """A critic with outputs `[T, B, 1]`, and targets made from them."""
    inputs = make_inputs(space)
    for name in ('values', 'advantages', 'targets'):
        inputs[name] = inputs[name][..., None]
    with pytest.raises(ValueError):
        loss_of(space, inputs)


def test_explained_variance_matches_the_definition(compiled):
    rng = np.random.default_rng(0)
    targets = rng.normal(size=[T, B]).astype(np.float32)
    values = (targets + 0.5 * rng.normal(size=[T, B])).astype(np.float32)
    result = compiled(losses.explained_variance)(tf.constant(targets), tf.constant(values))
    expected = 1.0 - np.var(targets - values, dtype=np.float64) / np.var(targets, dtype=np.float64)
    assert float(result) == pytest.approx(expected, rel=1e-5)


def test_explained_variance_at_its_landmarks():
    targets = np.arange(T * B, dtype=np.float32).reshape([T, B])
    landmarks = {1.0: targets, 0.0: np.zeros_like(targets), -3.0: -targets}
    for expected, values in landmarks.items():
        assert float(losses.explained_variance(targets, values)) == pytest.approx(expected)
    shifted = losses.explained_variance(targets, targets + 100.0)
    assert float(shifted) == pytest.approx(1.0)


@pytest.mark.parametrize('constant', [0.0, 0.1, -1e6, 1e-20])
def test_explained_variance_of_constant_targets_is_zero(constant):
    values = np.random.default_rng(0).normal(size=[T, B]).astype(np.float32)
    targets = np.full([T, B], constant, np.float32)
    assert float(losses.explained_variance(targets, values)) == 0.0


def test_explained_variance_rejects_other_shapes():
    with pytest.raises(ValueError):
        losses.explained_variance(tf.zeros([T, B]), tf.zeros([T, B, 1]))
