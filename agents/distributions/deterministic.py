"""Policies without chance, behind the interface of a distribution.

    Deterministic   the first output of the model is the action itself, float32[B, k]: DDPG, TD3
    Greedy          it is Q(s, a) of each action, float32[B, n], and the best one is taken: DQN

Algorithms that train such a policy add their own exploration; evaluations follow it as it is.
"""

import math

import gymnasium
import numpy as np
import tensorflow as tf

from agents.configs import policy_kinds
from agents.distributions.base import Distribution
from agents.distributions.discrete import Categorical


class Deterministic(Distribution):
    """A policy that takes one action of a Box for sure; the "logits" are this action."""

    kind = policy_kinds.DETERMINISTIC

    def __init__(self, space: gymnasium.spaces.Box) -> None:
        """Takes the shape and the bounds of the space; actions are clipped to the bounds."""
        self.num_logits = space.shape[0]
        self.event_shape, self.event_dtype = space.shape, tf.float32
        self._low, self._high = space.low.astype(np.float32), space.high.astype(np.float32)

    def sample(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns the action, `float32[..., k]`; the seed has no effect."""
        return self.mode(logits)

    def mode(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns the action, `float32[..., k]`, clipped to the space."""
        self._check(logits)
        return tf.clip_by_value(logits, self._low, self._high)

    def log_prob(self, logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """Raises NotImplementedError: the density is infinite at one point and zero elsewhere."""
        raise NotImplementedError('a deterministic policy has no density')

    def entropy(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns zeros, `float32[...]`: nothing is left to chance."""
        self._check(logits)
        return tf.zeros(tf.shape(logits)[:-1])

    def encode(self, actions: tf.Tensor) -> tf.Tensor:
        """Returns the actions unchanged, `float32[..., k]`."""
        return actions

    def entropy_floor(self, part: float) -> float:
        """Returns -∞: a policy without chance cannot lose any more of it."""
        return -math.inf


class Greedy(Categorical):
    """A policy that takes the action of the largest Q(s, a), the first of equals."""

    kind = policy_kinds.GREEDY

    def sample(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns the best action, `int32[...]`; the seed has no effect."""
        return self.mode(logits)

    def log_prob(self, logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """Raises NotImplementedError: the "logits" are action values."""
        raise NotImplementedError('a greedy policy has no probabilities')

    def entropy(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns zeros, `float32[...]`: nothing is left to chance."""
        self._check(logits)
        return tf.zeros(tf.shape(logits)[:-1])
