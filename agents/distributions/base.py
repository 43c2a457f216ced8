"""The interface between a network's outputs and actions, whatever kind of action it is."""

import abc
from typing import Any

import tensorflow as tf

from agents.configs import policy_kinds


class Distribution(abc.ABC):
    """A probability distribution over actions, given by the outputs of a policy head, its logits.

    It acts on `float32[..., num_logits]`, with any leading dimensions, and on actions
    `event_dtype[..., *event_shape]`: `[...]` if an action is one number, `[..., k]` if it is k of
    them.

    Attributes:
        kind: One of `agents.configs.policy_kinds`; a model's recipe holds it as `policy`.
        num_logits: Number of outputs of the policy head.
        num_codes: Number of values that describe an action to a network; see `encode`.
        event_shape: Shape of one action, `()` or `(k,)`.
        event_dtype: `tf.int32` for choices, `tf.float32` for real numbers.
        noise_period: Number of agent steps that share their random numbers.
    """

    kind = policy_kinds.DEFAULT
    noise_period = 1
    num_logits: int
    event_shape: tuple[int, ...]
    event_dtype: Any = tf.int32

    @property
    def num_codes(self) -> int:
        """Number of values that `encode` makes of an action; by default `num_logits`."""
        return self.num_logits

    @abc.abstractmethod
    def sample(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws actions; the same logits and `int32[2]` seed give the same actions."""

    @abc.abstractmethod
    def mode(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns the most probable actions."""

    @abc.abstractmethod
    def log_prob(self, logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """Returns log π(a|s), `float32[...]`.

        Raises:
            ValueError: The shapes of logits and actions do not match.
        """

    @abc.abstractmethod
    def entropy(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns H(π) in nats, `float32[...]`.

        The entropy of real numbers is the differential one, which may be negative.
        """

    @abc.abstractmethod
    def encode(self, actions: tf.Tensor) -> tf.Tensor:
        """Encodes actions as input of a network, `float32[..., num_codes]`; choices are one-hot."""

    def about(self) -> dict[str, Any]:
        """Returns the entries that a model's recipe must have in order to act as in training."""
        return {'policy': self.kind} if self.kind else {}

    def entropy_floor(self, part: float) -> float:
        """Returns an entropy, in nats, below which hardly anything is left to chance.

        For choices it is `part` times the entropy of the uniform policy: 0 if there is only one
        action.
        """
        return part * float(self.entropy(tf.zeros(self.num_logits)))

    def _check(self, logits: tf.Tensor, actions: tf.Tensor | None = None) -> None:
        """Raises ValueError unless the static shapes match this distribution and each other."""
        logits.shape[-1:].assert_is_compatible_with([self.num_logits])
        if actions is not None:
            actions.shape.assert_is_compatible_with(logits.shape[:-1] + self.event_shape)
