"""What a policy needs of its action space, whatever actions are."""

import abc
from typing import Any

import tensorflow as tf


class Distribution(abc.ABC):
    """A probability distribution over actions, given by the outputs of a policy head, its logits.

    It acts on `float32[..., num_logits]`, with any leading dimensions, and on actions
    `event_dtype[..., *event_shape]`: `[...]` where an action is one number, `[..., k]` where it is
    k of them.

    Attributes:
        num_logits: Outputs of the policy head.
        num_codes: Numbers that tell an action to a network: see `encode`.
        event_shape: Shape of one action: `()` or `(k,)`.
        event_dtype: `tf.int32` of choices, `tf.float32` of real numbers.
        policy: What a model's recipe calls what the action space alone does not tell: see
            `deterministic` and `exploration`.
        noise_period: Steps that share their random numbers.
    """

    policy = ''
    noise_period = 1
    num_logits: int
    event_shape: tuple[int, ...]
    event_dtype: Any = tf.int32

    @property
    def num_codes(self) -> int:
        """As many as logits, unless a distribution says otherwise."""
        return self.num_logits

    @abc.abstractmethod
    def sample(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Random actions; the same `int32[2]` seed and logits give the same ones."""

    @abc.abstractmethod
    def mode(self, logits: tf.Tensor) -> tf.Tensor:
        """The most probable actions."""

    @abc.abstractmethod
    def log_prob(self, logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """log π(a|s), `float32[...]`; ValueError where logits and actions do not fit."""

    @abc.abstractmethod
    def entropy(self, logits: tf.Tensor) -> tf.Tensor:
        """H(π) in nats, `float32[...]`; of real numbers it is differential and may be negative."""

    @abc.abstractmethod
    def encode(self, actions: tf.Tensor) -> tf.Tensor:
        """Actions as input of a network, `float32[..., num_codes]`; of choices 1 where chosen."""

    def about(self) -> dict[str, Any]:
        """What the recipe of a model should tell of it."""
        return {'policy': self.policy} if self.policy else {}

    def entropy_floor(self, part: float) -> float:
        """An entropy under which hardly anything is left to chance.

        Of choices it is this part of the uniform policy's entropy, 0 if there is no choice.
        """
        return part * float(self.entropy(tf.zeros(self.num_logits)))

    def _check(self, logits: tf.Tensor, actions: tf.Tensor | None = None) -> None:
        """Raises ValueError unless the static shapes fit this distribution and each other."""
        logits.shape[-1:].assert_is_compatible_with([self.num_logits])
        if actions is not None:
            actions.shape.assert_is_compatible_with(logits.shape[:-1] + self.event_shape)
