"""Policies that are no distributions: what the recipe of their models calls `policy`.

    deterministic   the first output of the model is the action itself, float32[B, k]: DDPG, TD3
    greedy          it is Q(s, a) of each action, float32[B, n], and the best one is chosen: DQN

Whoever trains such a policy explores by other means; whoever plays it acts as it says.
"""

import math

import gymnasium
import numpy as np
import tensorflow as tf

from agents.distributions.base import Distribution
from agents.distributions.discrete import Categorical
from envs.errors import UsageError


class Deterministic(Distribution):
    """All of the probability on one action of a Box: the "logits" are this action."""

    policy = 'deterministic'

    def __init__(self, space: gymnasium.spaces.Box) -> None:
        """Actions are clipped to the space."""
        self.num_logits = space.shape[0]
        self.event_shape, self.event_dtype = space.shape, tf.float32
        self._low, self._high = space.low.astype(np.float32), space.high.astype(np.float32)

    def sample(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """The action, `float32[..., k]`."""
        return self.mode(logits)

    def mode(self, logits: tf.Tensor) -> tf.Tensor:
        """The action, `float32[..., k]`."""
        self._check(logits)
        return tf.clip_by_value(logits, self._low, self._high)

    def log_prob(self, logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """There is none: the density is infinite at one point and zero elsewhere."""
        raise NotImplementedError('a deterministic policy has no density')

    def entropy(self, logits: tf.Tensor) -> tf.Tensor:
        """Zero: there is nothing to choose."""
        self._check(logits)
        return tf.zeros(tf.shape(logits)[:-1])

    def encode(self, actions: tf.Tensor) -> tf.Tensor:
        """The action as it is."""
        return actions

    def entropy_floor(self, part: float) -> float:
        """None: nothing is ever left to chance."""
        return -math.inf


class Greedy(Categorical):
    """All of the probability on the action of the largest Q(s, a), the first of equals."""

    policy = 'greedy'

    def sample(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """The best action, `int32[...]`."""
        return self.mode(logits)

    def log_prob(self, logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """There is none: "logits" are values here."""
        raise NotImplementedError('a greedy policy has no probabilities')

    def entropy(self, logits: tf.Tensor) -> tf.Tensor:
        """Zero: there is nothing to choose."""
        self._check(logits)
        return tf.zeros(tf.shape(logits)[:-1])


POLICIES = (Deterministic.policy, Greedy.policy)


def make(policy: str, action_space: gymnasium.Space) -> Distribution:
    """What a model of this policy, one of `POLICIES`, does in the action space.

    Raises:
        UsageError: It does not fit the space.
    """
    if policy == Greedy.policy:
        return Greedy(count_actions(action_space, 'a greedy policy'))
    return Deterministic(bounded_box(action_space, 'a deterministic policy'))


def count_actions(action_space: gymnasium.Space, who: str) -> int:
    """n, if it is one choice among n actions.

    Raises:
        UsageError: It is not; the message says what is right for it.
    """
    if isinstance(action_space, gymnasium.spaces.Discrete) and action_space.start == 0:
        return int(action_space.n)
    if isinstance(action_space, gymnasium.spaces.Box):
        raise UsageError(
            f'{who} chooses one of n actions, but these are real numbers, '
            f'Box{action_space.shape}: train_ddpg and train_td3 are for such'
        )
    raise UsageError(
        f'{who} chooses one of n actions, but the space is {action_space}: take another '
        '--actions, or train_a2c, which makes several choices at once'
    )


def bounded_box(action_space: gymnasium.Space, who: str) -> gymnasium.spaces.Box:
    """The space if it is a row of bounded real numbers.

    Raises:
        UsageError: It is another one; the message says what is right for it.
    """
    if not isinstance(action_space, gymnasium.spaces.Box):
        raise UsageError(
            f'{who} needs actions that are real numbers, but the space is {action_space}: '
            'train_a2c, train_a3c and train_dqn choose among discrete actions'
        )
    if len(action_space.shape) != 1 or not action_space.is_bounded():
        raise UsageError(f'{who} needs a row of bounded actions, not {action_space}')
    return action_space
