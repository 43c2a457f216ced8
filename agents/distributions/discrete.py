"""Distributions over discrete actions, and which one an action space wants."""

import itertools
from collections.abc import Sequence

import gymnasium
import numpy as np
import tensorflow as tf

from agents.distributions.base import Distribution
from agents.distributions.gaussian import DiagonalGaussian
from envs.errors import UsageError

_TINY = float(np.finfo(np.float32).tiny)  # log(0) would be infinite.


class Categorical(Distribution):
    """One of n actions: π(a) = exp(logits_a) / Σ_b exp(logits_b)."""

    def __init__(self, num_actions: int) -> None:
        """Actions are 0 to `num_actions` - 1."""
        self.num_logits = num_actions
        self.event_shape = ()

    def sample(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """The Gumbel-max trick: the mode of logits with noise -log(-log(u))."""
        return self.mode(logits + _gumbel_noise(logits, seed))

    def mode(self, logits: tf.Tensor) -> tf.Tensor:
        """The action of the largest logit; the first of equals."""
        self._check(logits)
        return tf.argmax(logits, axis=-1, output_type=tf.int32)

    def log_prob(self, logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """log π(a|s), `float32[...]`, of actions `int32[...]`."""
        self._check(logits, actions)
        return -tf.nn.sparse_softmax_cross_entropy_with_logits(labels=actions, logits=logits)

    def entropy(self, logits: tf.Tensor) -> tf.Tensor:
        """H(π) = -Σ_a π(a) log π(a)."""
        self._check(logits)
        log_probs = tf.nn.log_softmax(logits)
        return -tf.reduce_sum(tf.exp(log_probs) * log_probs, axis=-1)

    def encode(self, actions: tf.Tensor) -> tf.Tensor:
        """One-hot, `float32[..., num_logits]`."""
        return tf.one_hot(actions, self.num_logits)


class MultiCategorical(Distribution):
    """k independent choices, the i-th among `sizes[i]`; their logits stand one after another."""

    def __init__(self, sizes: Sequence[int]) -> None:
        """The i-th number of an action is 0 to `sizes[i]` - 1."""
        self._parts = [Categorical(int(size)) for size in sizes]
        self._ends = list(itertools.accumulate(part.num_logits for part in self._parts))
        self.num_logits = self._ends[-1]
        self.event_shape = (len(self._parts),)

    def sample(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """The Gumbel-max trick, with independent noise for all logits."""
        return self.mode(logits + _gumbel_noise(logits, seed))

    def mode(self, logits: tf.Tensor) -> tf.Tensor:
        """The k most probable choices, `int32[..., k]`."""
        return tf.stack([part.mode(own) for part, own in self._split(logits)], axis=-1)

    def log_prob(self, logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """The sum of the log-probabilities of the k choices, `int32[..., k]`."""
        self._check(logits, actions)
        choices = tf.unstack(actions, num=len(self._parts), axis=-1)
        parts = zip(self._split(logits), choices, strict=True)
        return tf.add_n([part.log_prob(own, choice) for (part, own), choice in parts])

    def entropy(self, logits: tf.Tensor) -> tf.Tensor:
        """The sum of the entropies of the k choices."""
        return tf.add_n([part.entropy(own) for part, own in self._split(logits)])

    def encode(self, actions: tf.Tensor) -> tf.Tensor:
        """The k choices one-hot, one after another."""
        choices = tf.unstack(actions, num=len(self._parts), axis=-1)
        pairs = zip(self._parts, choices, strict=True)
        return tf.concat([part.encode(choice) for part, choice in pairs], axis=-1)

    def _split(self, logits: tf.Tensor) -> list[tuple[Categorical, tf.Tensor]]:
        """Each choice with its own logits."""
        self._check(logits)
        starts = [0, *self._ends]
        return [
            (part, logits[..., start:end])
            for part, start, end in zip(self._parts, starts, self._ends, strict=False)
        ]


class Bernoulli(Distribution):
    """k independent buttons: π(a_i = 1) = sigmoid(logits_i)."""

    def __init__(self, num_buttons: int) -> None:
        """An action is `num_buttons` zeros and ones."""
        self.num_logits = num_buttons
        self.event_shape = (num_buttons,)

    def sample(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """`int32[..., k]`, 1 where a uniform number falls below the button's probability."""
        self._check(logits)
        uniform = tf.random.stateless_uniform(tf.shape(logits), seed)
        return tf.cast(uniform < tf.sigmoid(logits), tf.int32)

    def mode(self, logits: tf.Tensor) -> tf.Tensor:
        """`int32[..., k]`, 1 where the button is more probably pressed than not."""
        self._check(logits)
        return tf.cast(logits > 0.0, tf.int32)

    def log_prob(self, logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """The sum over the buttons of log π(a_i), of actions `int32[..., k]`."""
        self._check(logits, actions)
        # -log π(a) = softplus(-logit) where a = 1, softplus(logit) where a = 0.
        signs = tf.cast(1 - 2 * actions, logits.dtype)
        return -tf.reduce_sum(tf.math.softplus(signs * logits), axis=-1)

    def entropy(self, logits: tf.Tensor) -> tf.Tensor:
        """Σ_i H_i, where H = softplus(-|l|) + |l| sigmoid(-|l|): nothing cancels for large l."""
        self._check(logits)
        size = tf.abs(logits)
        return tf.reduce_sum(tf.math.softplus(-size) + size * tf.sigmoid(-size), axis=-1)

    def encode(self, actions: tf.Tensor) -> tf.Tensor:
        """The buttons as they are."""
        return tf.cast(actions, tf.float32)


def make(action_space: gymnasium.Space) -> Distribution:
    """The distribution of a policy over this action space.

    Raises:
        UsageError: A2C and A3C have no policy over such actions.
    """
    spaces = gymnasium.spaces
    if isinstance(action_space, spaces.Discrete) and action_space.start == 0:
        return Categorical(int(action_space.n))
    if isinstance(action_space, spaces.MultiDiscrete) and action_space.nvec.ndim == 1:
        if not action_space.start.any():
            return MultiCategorical(action_space.nvec.tolist())
    if isinstance(action_space, spaces.MultiBinary) and len(action_space.shape) == 1:
        return Bernoulli(action_space.shape[0])
    if isinstance(action_space, spaces.Box) and len(action_space.shape) == 1:
        if np.issubdtype(action_space.dtype, np.floating):
            return DiagonalGaussian(action_space.low.tolist(), action_space.high.tolist())
    raise UsageError(
        f'no policy for the action space {action_space}: it must be Discrete, MultiDiscrete or '
        'MultiBinary, counted from 0, or a Box of real numbers, one row'
    )


def _gumbel_noise(logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Noise for the Gumbel-max trick: argmax(logits + noise) is a sample of softmax(logits)."""
    uniform = tf.random.stateless_uniform(tf.shape(logits), seed, minval=_TINY)
    return -tf.math.log(-tf.math.log(uniform))
