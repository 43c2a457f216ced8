"""Policies without chance: the action of the model itself, or the one of the largest value."""

import numpy as np
import pytest
import tensorflow as tf
from gymnasium import spaces

from agents.distributions.deterministic import Deterministic, Greedy

BOX = spaces.Box(np.float32([-2.0, 0.0]), np.float32([2.0, 6.0]))
SEED = tf.constant([1, 2])


def test_a_deterministic_policy_does_what_the_model_says_within_the_space():
    policy = Deterministic(BOX)
    actions = tf.constant([[0.5, 3.0], [-9.0, 9.0]])
    for acted in (policy.mode(actions), policy.sample(actions, SEED)):
        assert acted.dtype == tf.float32
        np.testing.assert_array_equal(acted, [[0.5, 3.0], [-2.0, 6.0]])
    assert (policy.num_logits, policy.event_shape, policy.kind) == (2, (2,), 'deterministic')
    np.testing.assert_array_equal(policy.entropy(actions), [0.0, 0.0])
    np.testing.assert_array_equal(policy.encode(actions), actions)
    with pytest.raises(NotImplementedError):
        policy.log_prob(actions, actions)
    with pytest.raises(ValueError):
        policy.mode(tf.zeros((2, 3)))


def test_a_greedy_policy_takes_the_best_action_and_never_samples():
    policy = Greedy(3)
    values = tf.constant([[1.0, 5.0, 2.0], [7.0, -1.0, 7.0]])
    np.testing.assert_array_equal(policy.mode(values), [1, 0])
    for seed in range(20):
        np.testing.assert_array_equal(policy.sample(values, tf.constant([seed, 0])), [1, 0])
    np.testing.assert_array_equal(policy.entropy(values), [0.0, 0.0])
    assert policy.kind == 'greedy'
