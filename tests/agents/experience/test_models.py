"""Step model and train model: one network; an update equals one written by hand."""

import dataclasses

import gymnasium
import numpy as np
import pytest
import tensorflow as tf

from agents.actor_critic.train_model import TrainModel
from agents.configs.actor_critic import A2CConfig
from agents.distributions import discrete
from agents.experience.runner import ForwardPass, Rollout
from agents.experience.step_model import StepModel
from agents.networks import policy_value

T, B, NUM_ACTIONS, SIZE = 3, 4, 5, 6
CONFIG = A2CConfig(network='mlp', discount=0.9, max_grad_norm=0.3, entropy_cost=0.02)
SPACE = gymnasium.spaces.Box(-1.0, 1.0, (SIZE,))
FORWARD_PASS = ForwardPass(activations=[()] * T)  # This network has no activation layers.


def make(config=CONFIG, seed=1):
    network = policy_value.build('mlp', SPACE, NUM_ACTIONS, seed)
    distribution = discrete.Categorical(NUM_ACTIONS)
    step_model = StepModel(network, distribution, seed=3)
    return network, step_model, TrainModel(network, distribution, config)


def random_rollout(seed):
    rng = np.random.default_rng(seed)
    return Rollout(
        observations=rng.normal(size=(T, B, SIZE)).astype(np.float32),
        actions=rng.integers(0, NUM_ACTIONS, (T, B)).astype(np.int32),
        rewards=rng.normal(size=(T, B)).astype(np.float32),
        discounts=np.where(rng.random((T, B)) < 0.2, 0.0, 0.9).astype(np.float32),
        values=rng.normal(size=(T, B)).astype(np.float32),
        bootstrap_value=rng.normal(size=B).astype(np.float32),
        starts=np.zeros((T, B), bool),
    )


def advantages_by_hand(rollout, lambda_):
    """A_t, one sum over the rest of the rollout for each of them."""
    next_values = np.concatenate([rollout.values[1:], rollout.bootstrap_value[None]])
    deltas = rollout.rewards + rollout.discounts * next_values - rollout.values
    advantages = np.zeros((T, B))
    for t in range(T):
        for k in range(t, T):
            factor = np.prod(rollout.discounts[t:k] * lambda_, axis=0)
            advantages[t] += factor * deltas[k]
    return advantages


def loss_by_hand(network, rollout, config):
    """The mean over single samples, each through the network on its own."""
    advantages = advantages_by_hand(rollout, config.gae_lambda)
    terms = []
    for t, b in np.ndindex(T, B):
        logits, value = network(rollout.observations[t, b][None])
        probabilities = tf.exp(logits[0]) / tf.reduce_sum(tf.exp(logits[0]))
        entropy = -tf.reduce_sum(probabilities * tf.math.log(probabilities))
        policy = -tf.math.log(probabilities[rollout.actions[t, b]]) * advantages[t, b]
        target = advantages[t, b] + rollout.values[t, b]
        terms.append(
            policy
            + config.value_cost * 0.5 * (target - value[0]) ** 2
            - config.entropy_cost * entropy
        )
    return tf.add_n(terms) / len(terms)


def update_by_hand(network, mean_squares, rollout, config, learning_rate):
    """New weights and mean squares: gradient, clipping and RMSProp in NumPy."""
    with tf.GradientTape() as tape:
        loss = loss_by_hand(network, rollout, config)
    variables = [variable.value for variable in network.trainable_variables]
    gradients = [gradient.numpy() for gradient in tape.gradient(loss, variables)]
    norm = np.sqrt(sum(np.sum(gradient**2) for gradient in gradients))
    weights = []
    for i, (variable, gradient) in enumerate(zip(variables, gradients, strict=True)):
        if config.max_grad_norm:
            gradient = gradient * min(1.0, config.max_grad_norm / norm)
        rho = config.rmsprop_decay
        mean_squares[i] = rho * mean_squares[i] + (1 - rho) * gradient**2
        root = np.sqrt(mean_squares[i] + config.rmsprop_epsilon)
        weights.append(variable.numpy() - learning_rate * gradient / root)
    return weights, norm


@pytest.mark.parametrize(
    'changes',
    [{}, {'max_grad_norm': 0.0}, {'max_grad_norm': 1e3}, {'gae_lambda': 0.7, 'value_cost': 2.0}],
    ids=str,
)
def test_updates_equal_those_written_by_hand(changes):
    config = dataclasses.replace(CONFIG, **changes)
    network, _, train_model = make(config)
    twin, _, _ = make(config)
    mean_squares = [np.zeros(w.shape) for w in twin.trainable_variables]
    steps = [(1e-2, 0.02), (3e-3, 0.5), (1e-2, 0.0)]
    for number, (learning_rate, entropy_cost) in enumerate(steps):
        rollout = random_rollout(number)
        scheduled = dataclasses.replace(config, entropy_cost=entropy_cost)
        weights, norm = update_by_hand(twin, mean_squares, rollout, scheduled, learning_rate)
        twin.set_weights(weights)
        metrics = train_model.train(rollout, FORWARD_PASS, learning_rate, entropy_cost)
        assert metrics.grad_norm == pytest.approx(norm, rel=1e-4)
        for ours, by_hand in zip(network.get_weights(), weights, strict=True):
            np.testing.assert_allclose(ours, by_hand, rtol=1e-4, atol=1e-5)


def spoiled(rollout, field, number):
    """The rollout with one number that is not finite, or too large for a square."""
    array = getattr(rollout, field).copy()
    array.flat[1] = number
    return rollout._replace(**{field: array})


def bits(arrays):
    return [np.asarray(array).tobytes() for array in arrays]


@pytest.mark.parametrize('optimizer', ['rmsprop', 'adam'])
@pytest.mark.parametrize('max_grad_norm', [0.0, 0.3])
@pytest.mark.parametrize(
    'field, number',
    [('rewards', np.inf), ('rewards', np.nan), ('observations', np.nan), ('values', 1e30)],
)
def test_an_update_that_is_not_finite_changes_nothing(optimizer, max_grad_norm, field, number):
    """Bit for bit: it goes on as one that has never met such a rollout, even as the first one."""
    config = dataclasses.replace(CONFIG, optimizer=optimizer, max_grad_norm=max_grad_norm)
    network, _, train_model = make(config)
    twin, _, twin_model = make(config)
    for number_of_update in range(3):
        bad = spoiled(random_rollout(10), field, number)
        assert not train_model.train(bad, FORWARD_PASS, 1e-2, 0.02).is_finite
        assert bits(network.get_weights()) == bits(twin.get_weights())
        rollout = random_rollout(number_of_update)
        metrics = train_model.train(rollout, FORWARD_PASS, 1e-2, 0.02)
        assert metrics.is_finite and metrics == twin_model.train(rollout, FORWARD_PASS, 1e-2, 0.02)
        [[ours], [others]] = train_model.optimizers, twin_model.optimizers
        for mine, other in zip(ours.variables, others.variables, strict=True):
            assert mine.name == 'iteration' or bits([mine]) == bits([other]), mine.name
    assert bits(network.get_weights()) == bits(twin.get_weights())
    assert bits(network.get_weights()) != bits(make(config)[0].get_weights())


def test_a_finite_norm_does_not_excuse_a_loss_that_is_not_finite():
    """Two parts, of which one has losses beyond all numbers but gradients of zero."""
    network, _, train_model = make()
    before = bits(network.get_weights())
    part = train_model.gradients(random_rollout(0), FORWARD_PASS, 0.02)
    bad = part._replace(losses=part.losses._replace(value_loss=tf.constant(np.inf)))
    metrics = train_model.apply([bad], 1e-2)
    assert np.isfinite(metrics.grad_norm) and not metrics.is_finite
    assert bits(network.get_weights()) == before


def test_the_order_of_environments_changes_nothing_but_that_of_actions_does():
    """Flattening keeps the pairs of a sample together."""
    rollout, order = random_rollout(0), np.array([2, 0, 3, 1])
    arrays = [np.take(x, order, axis=min(1, x.ndim - 1)) for x in rollout]
    reordered = Rollout(*arrays)
    mixed = rollout._replace(actions=np.take(rollout.actions, order, axis=1))
    weights = []
    for variant in (rollout, reordered, mixed):
        network, _, train_model = make()
        train_model.train(variant, FORWARD_PASS, 1e-2, CONFIG.entropy_cost)
        weights.append(np.concatenate([w.ravel() for w in network.get_weights()]))
    np.testing.assert_allclose(weights[0], weights[1], atol=1e-5)
    assert np.abs(weights[0] - weights[2]).max() > 1e-3


@pytest.mark.parametrize('cuts', [[2], [1], [1, 2, 3]])
def test_gradients_of_groups_make_the_update_of_the_whole(cuts):
    rollout = random_rollout(0)
    pieces = [np.split(x, cuts, axis=min(1, x.ndim - 1)) for x in rollout]
    groups = [Rollout(*arrays) for arrays in zip(*pieces, strict=True)]
    weights, metrics = [], []
    for parts in ([rollout], groups):
        network, _, train_model = make()
        gradients = [
            train_model.gradients(
                part, FORWARD_PASS, CONFIG.entropy_cost, part.rewards.shape[1] / B
            )
            for part in parts
        ]
        metrics.append(train_model.apply(gradients, 1e-2))
        weights.append(np.concatenate([w.ravel() for w in network.get_weights()]))
    np.testing.assert_allclose(metrics[0], metrics[1], rtol=1e-5)
    np.testing.assert_allclose(weights[0], weights[1], rtol=1e-4, atol=1e-6)


def test_the_metrics_tell_the_truth():
    network, _, train_model = make()
    rollout = random_rollout(0)
    logits, values = network(rollout.observations.reshape(T * B, SIZE))
    metrics = train_model.train(rollout, FORWARD_PASS, 1e-2, CONFIG.entropy_cost)
    advantages = advantages_by_hand(rollout, 1.0)
    targets = advantages + rollout.values
    log_probs = np.asarray(tf.nn.log_softmax(logits))
    chosen = log_probs[np.arange(T * B), rollout.actions.ravel()]
    assert metrics.policy_loss == pytest.approx(-np.mean(chosen * advantages.ravel()), rel=1e-4)
    errors = targets.ravel() - np.asarray(values)
    assert metrics.value_loss == pytest.approx(np.mean(errors**2) / 2, rel=1e-4)
    entropy = -np.sum(np.exp(log_probs) * log_probs, axis=-1).mean()
    assert metrics.entropy == pytest.approx(entropy, rel=1e-4)
    explained = 1 - np.var(targets - rollout.values) / np.var(targets)
    assert metrics.explained_variance == pytest.approx(explained, rel=1e-3)


def test_the_step_model_uses_what_the_train_model_learned():
    network, step_model, train_model = make()
    rollout = random_rollout(0)
    before = step_model.value(rollout.observations[0], ())
    train_model.train(rollout, FORWARD_PASS, 1e-1, CONFIG.entropy_cost)
    after = step_model.value(rollout.observations[0], ())
    np.testing.assert_allclose(after, np.asarray(network(rollout.observations[0])[1]), rtol=1e-5)
    assert np.abs(after - before).max() > 1e-3


def test_nothing_is_traced_twice():
    _, step_model, train_model = make()
    for number in range(12):
        rollout = random_rollout(number)
        step_model.step(rollout.observations[0], (), number)
        step_model.value(rollout.observations[0], ())
        train_model.train(rollout, FORWARD_PASS, 0.1 / (number + 1), 0.02 / (number + 1))
    compiled = (step_model._step, step_model._value, train_model._gradients, *train_model._updates)
    for function in compiled:
        assert function.num_traces == 1


def test_a_decision_stays_as_it_is_when_the_observations_are_overwritten():
    _, step_model, _ = make()
    observations = random_rollout(0).observations[0].copy()
    decision = step_model.step(observations, (), 0)
    before = [np.array(array) for array in tf.nest.flatten(decision)]
    observations[:] = 0
    for array, expected in zip(tf.nest.flatten(decision), before, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_a_copy_with_another_seed_shares_what_is_compiled():
    network, step_model, _ = make()
    observations = random_rollout(0).observations[0]
    other = step_model.copy(seed=4)
    fresh = StepModel(network, step_model._distribution, seed=4)
    counts = range(10)
    for model in (other, step_model):
        actions = [model.step(observations, (), count).actions.tolist() for count in counts]
        expected = [fresh.step(observations, (), count).actions.tolist() for count in counts]
        assert (actions == expected) == (model is other)
    assert other._step is step_model._step and step_model._step.num_traces == 1


def test_actions_follow_from_seed_and_count():
    network, step_model, _ = make()
    distribution = discrete.Categorical(NUM_ACTIONS)
    observations = np.random.default_rng(0).normal(size=(64, SIZE)).astype(np.float32)
    same = StepModel(network, distribution, seed=3)
    other = StepModel(network, distribution, seed=4)
    actions, values, *_ = step_model.step(observations, (), 7)
    np.testing.assert_array_equal(actions, same.step(observations, (), 7)[0])
    assert (actions != step_model.step(observations, (), 8)[0]).any()
    assert (actions != other.step(observations, (), 7)[0]).any()
    assert (actions.dtype, actions.shape, values.shape) == (np.int32, (64,), (64,))
    step_model.step(observations, (), 2**40)  # No count is too large.


def test_greedy_actions_are_the_most_probable():
    network, _, _ = make()
    greedy = StepModel(network, discrete.Categorical(NUM_ACTIONS), seed=0, greedy=True)
    observations = np.random.default_rng(0).normal(size=(32, SIZE)).astype(np.float32)
    expected = np.argmax(network(observations)[0], axis=-1)
    for count in (0, 1):
        np.testing.assert_array_equal(greedy.step(observations, (), count)[0], expected)
