"""Optimizers, and the clipping of gradients before them.

Threads may update the same variables at once: TensorFlow locks each variable while its kernel runs,
so no update is lost.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from envs.errors import UsageError

NAMES = ('rmsprop', 'adam')


class _Optional(keras.optimizers.Optimizer):
    """An optimizer whose updates can be skipped: the same kernels, with numbers that do nothing.

    A branch in the compiled function would cost more than a small network's update.
    """

    _is_made: tf.Tensor | None = None

    def apply_if(
        self,
        is_made: tf.Tensor,
        gradients: Sequence[tf.Tensor],
        variables: Sequence[keras.Variable],
    ) -> None:
        """Updates all variables if `is_made`, a scalar; else they and the statistics stay.

        The gradients must be finite in either case. `iterations` also counts skipped updates.
        """
        self._is_made = is_made
        try:
            self.apply(gradients, variables)
        finally:
            self._is_made = None

    def _if_made(self, number: float | tf.Tensor, idle: float, dtype: Any) -> tf.Tensor:
        """Returns the number as a tensor, or `idle` if the update is skipped."""
        number = tf.cast(number, dtype)
        return number if self._is_made is None else tf.where(self._is_made, number, idle)


@keras.saving.register_keras_serializable(package='joypad')
class RMSProp(_Optional):
    """RMSProp without momentum, as A3C shares it among its workers.

        g <- ρ g + (1 - ρ) d²,   g_0 = 0
        θ <- θ - η d / sqrt(g + ε)

    Mnih et al. (2016), section 4, https://arxiv.org/abs/1602.01783. ε stands inside the root.
    Keras' RMSprop computes the same, with other defaults; ours is one fused kernel, which passes
    over the weights once and not ten times. PyTorch's divides by sqrt(g) + ε, so its ε is another
    number. TensorFlow 1 had this formula, with g_0 = 1.
    """

    def __init__(
        self,
        learning_rate: float = 7e-4,
        rho: float = 0.99,
        epsilon: float = 1e-5,
        name: str = 'rmsprop',
        **kwargs: Any,
    ) -> None:
        """Starts with mean squares of zero.

        Args:
            learning_rate: η; assign another one with `optimizer.learning_rate.assign`.
            rho: ρ, the decay of the mean square.
            epsilon: ε, inside the root.
            name: Name of the optimizer, in the paths of its variables.
            **kwargs: Arguments of every Keras optimizer.
        """
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.rho = rho
        self.epsilon = epsilon

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Creates the mean squares of these variables, zero at first."""
        if self.built:
            return
        super().build(variables)
        self._mean_squares = self.add_optimizer_variables(variables, 'mean_square')
        # The kernel needs a place for momentum; without momentum it holds the last update.
        self._updates = self.add_optimizer_variables(variables, 'update')

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Updates one variable and its mean square, in place."""
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyRMSProp(
            var=variable.handle,
            ms=self._mean_squares[index].value.handle,
            mom=self._updates[index].value.handle,
            lr=self._if_made(learning_rate, 0.0, variable.dtype),
            rho=self._if_made(self.rho, 1.0, variable.dtype),
            momentum=tf.zeros((), variable.dtype),
            epsilon=tf.cast(self.epsilon, variable.dtype),
            grad=tf.cast(gradient, variable.dtype),
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments for `from_config`."""
        return {**super().get_config(), 'rho': self.rho, 'epsilon': self.epsilon}


@keras.saving.register_keras_serializable(package='joypad')
class Adam(_Optional):
    """Adam as its authors wrote it.

        m <- β₁ m + (1 - β₁) d,   v <- β₂ v + (1 - β₂) d²
        θ <- θ - η m / (1 - β₁ᵗ) / (sqrt(v / (1 - β₂ᵗ)) + ε)

    Kingma and Ba (2015), algorithm 1, https://arxiv.org/abs/1412.6980; PyTorch's is the same.
    Keras' Adam leaves ε uncorrected (the paper's "ε hat"): at first it acts like 30 ε, and the
    small gradients of a dense layer move it by a third. Ours is one fused kernel.
    """

    def __init__(
        self,
        learning_rate: float = 7e-4,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-5,
        name: str = 'adam',
        **kwargs: Any,
    ) -> None:
        """Starts with moments of zero.

        Args:
            learning_rate: η; assign another one with `optimizer.learning_rate.assign`.
            beta_1: β₁, the decay of the mean.
            beta_2: β₂, the decay of the mean square.
            epsilon: ε, outside the root.
            name: Name of the optimizer, in the paths of its variables.
            **kwargs: Arguments of every Keras optimizer.
        """
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Creates the moments of these variables, zero at first."""
        if self.built:
            return
        super().build(variables)
        # Keras counts by reading and then writing, so two threads may count one update only.
        self.num_updates = self.add_variable((), dtype='int64', name='num_updates')
        self._means = self.add_optimizer_variables(variables, 'mean')
        self._mean_squares = self.add_optimizer_variables(variables, 'mean_square')

    def apply(
        self,
        grads: Sequence[tf.Tensor],
        trainable_variables: Sequence[keras.Variable] | None = None,
    ) -> None:
        """Updates all variables."""
        if not self.built:
            self.build(trainable_variables or ())
        self.num_updates.value.assign_add(self._if_made(1, 0, tf.int64))
        super().apply(grads, trainable_variables)

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Updates one variable and its moments, in place."""
        index, dtype = self._get_variable_index(variable), variable.dtype
        # It is 0 only if the first update is skipped; then we would divide by 1 - β⁰ = 0.
        step = tf.cast(tf.maximum(self.num_updates.value, 1), dtype)
        beta_2_power = tf.pow(tf.cast(self.beta_2, dtype), step)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._means[index].value.handle,
            v=self._mean_squares[index].value.handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, dtype), step),
            beta2_power=beta_2_power,
            lr=self._if_made(learning_rate, 0.0, dtype),
            beta1=self._if_made(self.beta_1, 1.0, dtype),
            beta2=self._if_made(self.beta_2, 1.0, dtype),
            epsilon=self.epsilon * tf.sqrt(1.0 - beta_2_power),  # The kernel's is "ε hat".
            grad=tf.cast(gradient, dtype),
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments for `from_config`."""
        own = {'beta_1': self.beta_1, 'beta_2': self.beta_2, 'epsilon': self.epsilon}
        return {**super().get_config(), **own}


def make(
    name: str, learning_rate: float, *, rho: float = 0.99, epsilon: float = 1e-5
) -> RMSProp | Adam:
    """Makes the optimizer of this name; `rho` and `epsilon` are used by rmsprop alone.

    Raises:
        UsageError: No optimizer has this name.
    """
    if name == 'rmsprop':
        return RMSProp(learning_rate, rho=rho, epsilon=epsilon)
    if name == 'adam':
        return Adam(learning_rate)
    raise UsageError(f'unknown optimizer {name!r}; there are: {", ".join(NAMES)}')


def clip_by_global_norm(
    gradients: Sequence[tf.Tensor | None], max_norm: float
) -> tuple[list[tf.Tensor | None], tf.Tensor]:
    """Scales all gradients by one factor so that their joint norm is at most `max_norm`.

    Args:
        gradients: Tensors of any shapes; None stays None.
        max_norm: A number known when the function is traced; 0 or infinity turns clipping off.

    Returns:
        `(clipped, norm)`, where `norm` is the joint norm before clipping. If a gradient is NaN or
        infinite, so is `norm`, and the clipped gradients are zeros: the caller must look at it.

    Raises:
        ValueError: `max_norm` is negative or NaN.
    """
    if not max_norm >= 0.0:
        raise ValueError(f'max_norm must not be negative, but is {max_norm}')
    norm = tf.linalg.global_norm(gradients)
    factor = tf.ones_like(norm)
    if max_norm not in (0.0, float('inf')):
        factor = max_norm * tf.minimum(1.0 / norm, 1.0 / tf.constant(max_norm, norm.dtype))
    factor = tf.where(tf.math.is_finite(norm), factor, 0.0)
    # A factor of 0 makes zeros of NaN and infinity, too.
    return [g if g is None else tf.math.multiply_no_nan(g, factor) for g in gradients], norm
