"""Policies without chance: the action of the model itself, or the one of the largest value."""

import numpy as np
import pytest
import tensorflow as tf
from gymnasium import spaces

from agents.distributions import deterministic, gsde
from agents.storage import model_checks
from envs.errors import UsageError

BOX = spaces.Box(np.float32([-2.0, 0.0]), np.float32([2.0, 6.0]))
SEED = tf.constant([1, 2])


def test_a_deterministic_policy_does_what_the_model_says_within_the_space():
    policy = deterministic.make('deterministic', BOX)
    actions = tf.constant([[0.5, 3.0], [-9.0, 9.0]])
    for acted in (policy.mode(actions), policy.sample(actions, SEED)):
        assert acted.dtype == tf.float32
        np.testing.assert_array_equal(acted, [[0.5, 3.0], [-2.0, 6.0]])
    assert (policy.num_logits, policy.event_shape, policy.policy) == (2, (2,), 'deterministic')
    np.testing.assert_array_equal(policy.entropy(actions), [0.0, 0.0])
    np.testing.assert_array_equal(policy.encode(actions), actions)
    with pytest.raises(NotImplementedError):
        policy.log_prob(actions, actions)
    with pytest.raises(ValueError):
        policy.mode(tf.zeros((2, 3)))


def test_a_greedy_policy_takes_the_best_action_and_never_samples():
    policy = deterministic.make('greedy', spaces.Discrete(3))
    values = tf.constant([[1.0, 5.0, 2.0], [7.0, -1.0, 7.0]])
    np.testing.assert_array_equal(policy.mode(values), [1, 0])
    for seed in range(20):
        np.testing.assert_array_equal(policy.sample(values, tf.constant([seed, 0])), [1, 0])
    np.testing.assert_array_equal(policy.entropy(values), [0.0, 0.0])
    assert policy.policy == 'greedy'


@pytest.mark.parametrize(
    'kind, space, told',
    [
        ('deterministic', spaces.Discrete(3), 'train_a2c, train_a3c and train_dqn'),
        ('deterministic', spaces.Box(-np.inf, np.inf, (2,)), 'bounded'),
        ('deterministic', spaces.Box(-1.0, 1.0, (2, 2)), 'a row'),
        ('greedy', BOX, 'one of n actions'),
        ('greedy', spaces.Discrete(3, start=1), 'one of n actions'),
    ],
)
def test_what_does_not_fit_is_refused(kind, space, told):
    with pytest.raises(UsageError, match=told):
        deterministic.make(kind, space)


def test_recipes_know_the_same_policies():
    assert model_checks.POLICIES == ('', *deterministic.POLICIES, gsde.POLICY)
    for kind in deterministic.POLICIES:
        space = spaces.Discrete(2) if kind == 'greedy' else BOX
        policy = deterministic.make(kind, space)
        assert policy.policy == kind and policy.about() == {'policy': kind}
