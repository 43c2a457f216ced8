"""Returns and advantages of time-major rollouts.

T is the unroll length, B the number of environments. Row t of a `[T, B]` tensor is one transition:
`values[t]` is V(s_t); `rewards[t]`, `discounts[t]` answer a_t; `bootstrap_value`, `[B]`, is V(s_T).
"""

from collections.abc import Sequence

import tensorflow as tf


def n_step_returns(
    rewards: tf.Tensor, discounts: tf.Tensor, bootstrap_value: tf.Tensor
) -> tf.Tensor:
    """Discounted sums of all rewards to the end of the rollout and of the bootstrap value.

        R_t = r_t + γ_t R_{t+1},   R_T = V(s_T)

    Mnih et al. (2016), algorithm S3, https://arxiv.org/abs/1602.01783.

    Args:
        rewards: `[T, B]`, r_t.
        discounts: `[T, B]`, γ_t: γ, or 0 where the episode ended.
        bootstrap_value: `[B]`, V(s_T).

    Returns:
        `[T, B]`, R_t. No gradients.

    Raises:
        ValueError: The arguments have other shapes.
    """
    rewards, discounts, bootstrap_value = _floats(rewards, discounts, bootstrap_value)
    _check_rollout([rewards, discounts], [bootstrap_value])
    return tf.stop_gradient(_discounted_sums(rewards, discounts, bootstrap_value))


def generalized_advantages(
    rewards: tf.Tensor,
    discounts: tf.Tensor,
    values: tf.Tensor,
    bootstrap_value: tf.Tensor,
    lambda_: float = 1.0,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Generalized advantage estimation (GAE).

        δ_t = r_t + γ_t V(s_{t+1}) - V(s_t)
        A_t = δ_t + γ_t λ A_{t+1},   A_T = 0

    Schulman et al. (2016), eq. 16, https://arxiv.org/abs/1506.02438. λ = 1 gives n-step returns.

    Args:
        rewards: `[T, B]`, r_t.
        discounts: `[T, B]`, γ_t: γ, or 0 where the episode ended.
        values: `[T, B]`, V(s_t).
        bootstrap_value: `[B]`, V(s_T).
        lambda_: Trades bias against variance, in [0, 1].

    Returns:
        `(advantages, targets)`, both `[T, B]`; targets = advantages + values. No gradients.

    Raises:
        ValueError: The arguments have other shapes.
    """
    rewards, discounts, values, bootstrap_value = _floats(
        rewards, discounts, values, bootstrap_value
    )
    _check_rollout([rewards, discounts, values], [bootstrap_value])
    next_values = tf.concat([values[1:], bootstrap_value[None]], axis=0)  # [T, B]
    deltas = rewards + discounts * next_values - values  # [T, B]
    advantages = _discounted_sums(deltas, discounts * lambda_, tf.zeros_like(bootstrap_value))
    return tf.stop_gradient(advantages), tf.stop_gradient(advantages + values)


def _discounted_sums(terms: tf.Tensor, discounts: tf.Tensor, last: tf.Tensor) -> tf.Tensor:
    """Computes `x_t = terms_t + discounts_t x_{t+1}` with `x_T = last`, for all t: `[T, B]`.

    Unrolled, because a compiled step of `tf.scan` or `tf.while_loop` costs several times more than
    these two operations; T must be known when the function is traced.
    """
    sums = [last]
    for term, discount in zip(tf.unstack(terms)[::-1], tf.unstack(discounts)[::-1], strict=True):
        sums.append(term + discount * sums[-1])
    return tf.stack(sums[:0:-1])


def _floats(*arrays: tf.Tensor) -> list[tf.Tensor]:
    """Converts tensors or NumPy arrays to float32 tensors."""
    return [tf.convert_to_tensor(array, tf.float32) for array in arrays]


def _check_rollout(per_step: Sequence[tf.Tensor], per_env: Sequence[tf.Tensor]) -> None:
    """Raises unless all of `per_step` share one `[T, B]` and all of `per_env` its `[B]`."""
    shape = per_step[0].shape.with_rank(2)
    for tensor in per_step:
        tensor.shape.assert_is_compatible_with(shape)
    for tensor in per_env:
        tensor.shape.assert_is_compatible_with(shape[1:])
