"""Distributions over discrete actions: one choice, several choices, or buttons."""

import itertools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from agents.distributions.base import Distribution

_TINY = float(np.finfo(np.float32).tiny)  # log(0) would be infinite.


class Categorical(Distribution):
    """A choice of one of n actions: π(a) = exp(logits_a) / Σ_b exp(logits_b)."""

    def __init__(self, num_actions: int) -> None:
        """Takes n; actions are 0 to `num_actions` - 1."""
        self.num_logits = num_actions
        self.event_shape = ()

    def sample(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws by the Gumbel-max trick: the mode of the logits plus noise -log(-log(u))."""
        return self.mode(logits + _gumbel_noise(logits, seed))

    def mode(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns the action of the largest logit, `int32[...]`; the first of equals."""
        self._check(logits)
        return tf.argmax(logits, axis=-1, output_type=tf.int32)

    def log_prob(self, logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """Returns log π(a|s), `float32[...]`, of actions `int32[...]`."""
        self._check(logits, actions)
        return -tf.nn.sparse_softmax_cross_entropy_with_logits(labels=actions, logits=logits)

    def entropy(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns H(π) = -Σ_a π(a) log π(a), `float32[...]`, in nats."""
        self._check(logits)
        log_probs = tf.nn.log_softmax(logits)
        return -tf.reduce_sum(tf.exp(log_probs) * log_probs, axis=-1)

    def encode(self, actions: tf.Tensor) -> tf.Tensor:
        """Encodes actions one-hot, `float32[..., num_logits]`."""
        return tf.one_hot(actions, self.num_logits)


class MultiCategorical(Distribution):
    """k independent choices, the i-th of `sizes[i]` actions; their logits are concatenated."""

    def __init__(self, sizes: Sequence[int]) -> None:
        """Takes the number of actions of each choice; the i-th one is 0 to `sizes[i]` - 1."""
        self._parts = [Categorical(int(size)) for size in sizes]
        self._ends = list(itertools.accumulate(part.num_logits for part in self._parts))
        self.num_logits = self._ends[-1]
        self.event_shape = (len(self._parts),)

    def sample(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws by the Gumbel-max trick, with independent noise for all logits, `int32[..., k]`."""
        return self.mode(logits + _gumbel_noise(logits, seed))

    def mode(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns the k most probable choices, `int32[..., k]`."""
        return tf.stack([part.mode(own) for part, own in self._split(logits)], axis=-1)

    def log_prob(self, logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """Returns the sum of the log-probabilities of the k choices, `float32[...]`.

        The actions are `int32[..., k]`.
        """
        self._check(logits, actions)
        choices = tf.unstack(actions, num=len(self._parts), axis=-1)
        parts = zip(self._split(logits), choices, strict=True)
        return tf.add_n([part.log_prob(own, choice) for (part, own), choice in parts])

    def entropy(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns the sum of the entropies of the k choices, `float32[...]`, in nats."""
        return tf.add_n([part.entropy(own) for part, own in self._split(logits)])

    def encode(self, actions: tf.Tensor) -> tf.Tensor:
        """Encodes each of the k choices one-hot and concatenates them."""
        choices = tf.unstack(actions, num=len(self._parts), axis=-1)
        pairs = zip(self._parts, choices, strict=True)
        return tf.concat([part.encode(choice) for part, choice in pairs], axis=-1)

    def _split(self, logits: tf.Tensor) -> list[tuple[Categorical, tf.Tensor]]:
        """Pairs each choice with its own logits."""
        self._check(logits)
        starts = [0, *self._ends]
        return [
            (part, logits[..., start:end])
            for part, start, end in zip(self._parts, starts, self._ends, strict=False)
        ]


class Bernoulli(Distribution):
    """k independent buttons: π(a_i = 1) = sigmoid(logits_i)."""

    def __init__(self, num_buttons: int) -> None:
        """Takes k; an action is `num_buttons` zeros and ones."""
        self.num_logits = num_buttons
        self.event_shape = (num_buttons,)

    def sample(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws `int32[..., k]`: 1 if a uniform number falls below the button's probability."""
        self._check(logits)
        uniform = tf.random.stateless_uniform(tf.shape(logits), seed)
        return tf.cast(uniform < tf.sigmoid(logits), tf.int32)

    def mode(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns `int32[..., k]`: 1 if a button is more likely to be pressed than not."""
        self._check(logits)
        return tf.cast(logits > 0.0, tf.int32)

    def log_prob(self, logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """Returns Σ_i log π(a_i) over the buttons, `float32[...]`, of actions `int32[..., k]`."""
        self._check(logits, actions)
        # -log π(a) = softplus(-logit) where a = 1, softplus(logit) where a = 0.
        signs = tf.cast(1 - 2 * actions, logits.dtype)
        return -tf.reduce_sum(tf.math.softplus(signs * logits), axis=-1)

    def entropy(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns Σ_i H_i, `float32[...]`, in nats.

        H = softplus(-|l|) + |l| sigmoid(-|l|), in which nothing cancels for large logits l.
        """
        self._check(logits)
        size = tf.abs(logits)
        return tf.reduce_sum(tf.math.softplus(-size) + size * tf.sigmoid(-size), axis=-1)

    def encode(self, actions: tf.Tensor) -> tf.Tensor:
        """Returns the buttons as `float32[..., k]`."""
        return tf.cast(actions, tf.float32)


def _gumbel_noise(logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws noise such that argmax(logits + noise) is a sample of softmax(logits)."""
    uniform = tf.random.stateless_uniform(tf.shape(logits), seed, minval=_TINY)
    return -tf.math.log(-tf.math.log(uniform))
