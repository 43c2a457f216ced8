"""The loss of A2C and A3C, and how well the critic predicts.

T is the unroll length, B the number of environments. `[T, B]` may also be flattened to `[T * B]`,
as long as it is in all arguments.
"""

from typing import NamedTuple

import tensorflow as tf

from agents.distributions.base import Distribution


class A2CLosses(NamedTuple):
    """Scalars, each a mean over `[T, B]`."""

    total_loss: tf.Tensor  # policy_loss + value_cost * value_loss - entropy_cost * entropy
    policy_loss: tf.Tensor
    value_loss: tf.Tensor
    entropy: tf.Tensor  # H(π); a diagnostic, not a loss. It may be negative for real actions.


def a2c_losses(
    distribution: Distribution,
    logits: tf.Tensor,
    values: tf.Tensor,
    actions: tf.Tensor,
    advantages: tf.Tensor,
    targets: tf.Tensor,
    value_cost: float | tf.Tensor,
    entropy_cost: float | tf.Tensor,
) -> A2CLosses:
    """Advantage actor-critic.

        L = mean(-log π(a_t|s_t) A_t) + c_v mean((R_t - V(s_t))² / 2) - c_e mean(H(π(·|s_t)))

    Mnih et al. (2016), section 4, https://arxiv.org/abs/1602.01783.

    Args:
        distribution: Distribution that the logits stand for and the actions come from.
        logits: `[T, B, num_logits]`, of π(·|s_t).
        values: `[T, B]`, V(s_t).
        actions: `[T, B]`, or `[T, B, k]` where an action is k numbers.
        advantages: `[T, B]`, A_t.
        targets: `[T, B]`, R_t.
        value_cost: c_v.
        entropy_cost: c_e.

    Returns:
        `A2CLosses`. Gradients flow to `logits` and `values` only.

    Raises:
        ValueError: The arguments have other shapes.
    """
    for tensor in (advantages, targets):
        tensor.shape.assert_is_compatible_with(values.shape)
    logits.shape[:-1].assert_is_compatible_with(values.shape)
    log_probs = distribution.log_prob(logits, actions)
    policy_loss = -tf.reduce_mean(log_probs * tf.stop_gradient(advantages))
    value_loss = 0.5 * tf.reduce_mean(tf.square(tf.stop_gradient(targets) - values))
    entropy = tf.reduce_mean(distribution.entropy(logits))
    total_loss = policy_loss + value_cost * value_loss - entropy_cost * entropy
    return A2CLosses(total_loss, policy_loss, value_loss, entropy)


def explained_variance(targets: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """The fraction of the targets' variance that the values explain.

        1 - Var(R - V) / Var(R)

    1 is perfect, 0 is no better than a constant, below 0 is worse than that.

    Args:
        targets: `[T, B]`, R_t.
        values: `[T, B]`, V(s_t).

    Returns:
        A scalar; 0 if the targets are constant, since there is nothing to explain.

    Raises:
        ValueError: The shapes differ.
    """
    targets, values = tf.convert_to_tensor(targets), tf.convert_to_tensor(values)
    targets.shape.assert_is_compatible_with(values.shape)
    variance = tf.math.reduce_variance(targets)
    # Rounding gives constant targets a variance of some (1e-7 R)².
    is_constant = variance <= 1e-12 * tf.reduce_mean(tf.square(targets))
    unexplained = tf.math.reduce_variance(targets - values) / tf.where(is_constant, 1.0, variance)
    return tf.where(is_constant, 0.0, 1.0 - unexplained)
