"""Backpropagation through time where the states are known.

While acting, an LSTM passed through the states (h, c) of a rollout, and with the same weights it
would pass through them again. So all its steps, T * B of them, are computed at once, and only the
backward pass goes through time. It ends where the rollout begins: the first state is a constant.

    z = x W + h U + b = (z_i, z_f, z_g, z_o)
    i, f, o = σ(z_i), σ(z_f), σ(z_o),   g = tanh(z_g)
    c' = f c + i g,   h' = o tanh(c')

Hochreiter and Schmidhuber (1997), https://doi.org/10.1162/neco.1997.9.8.1735, with the forget gate
of Gers et al. (2000), https://doi.org/10.1162/089976600300015015.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

# From the gradient of a layer's output to those of its inputs and of its weights.
LayerVJP = Callable[[tf.Tensor], tuple[list[Any], list[tf.Tensor]]]


def vjp_through_time(
    cell: keras.layers.LSTMCell, inputs: tf.Tensor, states: Sequence[tf.Tensor], starts: tf.Tensor
) -> tuple[tf.Tensor, LayerVJP]:
    """Returns the outputs of all steps, and their vector-Jacobian product.

    Each step of the backward pass, with D for ∂L/∂, gets D h' and D c' from the step after it:

        D c' += D h' o (1 - tanh²(c'))
        D z = (D c' g i (1 - i), D c' c f (1 - f), D c' i (1 - g²), D h' tanh(c') o (1 - o))
        D h = D z Uᵀ,   D c = D c' f;   both 0 at the start of an episode

    Args:
        cell: The LSTM, with tanh and sigmoid, as Keras makes it by default.
        inputs: `[T * B, F]`, x.
        states: h and c at the beginning of each step, `[T * B, units]`.
        starts: `bool[T, B]`, true at the steps at which an episode began.

    Returns:
        `(outputs, vjp)`: h', `[T * B, units]`, and a function from its gradient to those of the
        inputs (none of the states) and those of kernel, recurrent kernel and bias.
    """
    hidden, carry = states
    weights = cell.kernel, cell.recurrent_kernel, cell.bias
    kernel, recurrent, bias = (variable.value for variable in weights)
    z = tf.matmul(inputs, kernel) + tf.matmul(hidden, recurrent) + bias
    z_i, z_f, z_g, z_o = tf.split(z, 4, axis=1)
    i, f, g, o = tf.sigmoid(z_i), tf.sigmoid(z_f), tf.tanh(z_g), tf.sigmoid(z_o)
    squashed = tf.tanh(f * carry + i * g)

    def vjp(gradient: tf.Tensor) -> tuple[list[Any], list[tf.Tensor]]:
        # D z = (D c', D c', D c', D h') times these.
        by_carry = [g * i * (1.0 - i), carry * f * (1.0 - f), i * (1.0 - g**2)]
        factors = tf.concat([*by_carry, squashed * o * (1.0 - o)], axis=1)
        keep = tf.where(tf.reshape(starts, [-1, 1]), 0.0, 1.0)
        fields = gradient, o * (1.0 - squashed**2), factors, keep * f, keep
        steps = zip(*(tf.split(field, starts.shape[0]) for field in fields), strict=True)
        of_hidden = of_carry = tf.zeros_like(carry[: starts.shape[1]])
        of_z = []
        for own, into_carry, factor, forget, kept in reversed(list(steps)):
            of_hidden += own
            of_carry += of_hidden * into_carry
            of_z.append(tf.concat([of_carry, of_carry, of_carry, of_hidden], axis=1) * factor)
            of_hidden = kept * tf.matmul(of_z[-1], recurrent, transpose_b=True)
            of_carry *= forget
        all_of_z = tf.concat(of_z[::-1], axis=0)
        of_weights = [
            tf.matmul(inputs, all_of_z, transpose_a=True),
            tf.matmul(hidden, all_of_z, transpose_a=True),
            tf.reduce_sum(all_of_z, axis=0),
        ]
        return [tf.matmul(all_of_z, kernel, transpose_b=True), [None, None]], of_weights

    return o * squashed, vjp
