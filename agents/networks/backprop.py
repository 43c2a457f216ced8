"""Backpropagation through a forward pass that was made earlier.

The weights do not change during a rollout. So the layers would compute the same while training as
they did while acting, and the gradient needs only the backward pass: of the three passes of a plain
update, forward to act, forward again to learn and backward, the second one is saved.

Only the outputs of the `ReLU` and `ELU` layers are kept. Everything else follows from them without
a convolution, and whatever the gradient does not depend on is dropped from the compiled function.

The states of an LSTM are inputs of the network, known for all steps; its backward pass goes through
time, see `lstm`.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from agents.networks import lstm

Outputs = list[tf.Tensor]
# From the gradients of the outputs `logits` and `values` to those of the trainable variables.
VJP = Callable[[Sequence[tf.Tensor]], list[tf.Tensor]]


def with_weights(
    network: keras.Model, weights: Sequence[tf.Tensor]
) -> contextlib.AbstractContextManager[object]:
    """Replaces all weights of the network inside a `with` block; empty ones replace nothing."""
    if not weights:
        return contextlib.nullcontext()
    return keras.StatelessScope(list(zip(network.weights, weights, strict=True)))


def forward(network: keras.Model, inputs: Sequence[tf.Tensor]) -> tuple[Outputs, Outputs]:
    """Runs the forward pass.

    Args:
        network: A functional model, each of its layers used once.
        inputs: Inputs of the network, `[B, ...]`.

    Returns:
        The outputs of the network, and those of all its activation layers.
    """
    results = _by_id(network.inputs, inputs)
    activations = []
    for layer in _layers(network):
        result = layer(*_inputs(layer, results))
        results.update(_by_id(tf.nest.flatten(layer.output), tf.nest.flatten(result)))
        if _is_activation(layer):
            activations.append(result)
    return [results[id(output)] for output in network.outputs], activations


def vjp_from_activations(
    network: keras.Model,
    inputs: Sequence[tf.Tensor],
    activations: Sequence[tf.Tensor],
    starts: tf.Tensor | None = None,
) -> tuple[Outputs, VJP]:
    """Returns what `forward` returned, and its vector-Jacobian product, as `jax.vjp` does.

    Call it within a `tf.function`, which drops what is computed again but not needed.

    Args:
        network: As for `forward`, with the same weights.
        inputs: Inputs of the network, `[T * B, ...]`, as they were at the T steps.
        activations: Outputs of the activation layers that `forward` returned for these inputs.
        starts: `bool[T, B]`, the steps at which the state of an LSTM was zero because an episode
            began.

    Returns:
        `(outputs, vjp)`: the outputs `logits` and `values`, and a function from their gradients to
        those of `network.trainable_variables`.

    Raises:
        ValueError: The number of activations is not that of the activation layers.
    """
    count = sum(_is_activation(layer) for layer in _layers(network))
    if len(activations) != count:
        raise ValueError(f'needs {count} activations, not {len(activations)}')
    results = _by_id(network.inputs, inputs)
    remaining, layer_vjps = iter(activations), []
    for layer in _layers(network):
        if _is_activation(layer):
            result = next(remaining)
            layer_vjp = _activation_vjp(layer, result)
        elif isinstance(layer, keras.layers.LSTMCell):
            x, states = _inputs(layer, results)
            result, layer_vjp = lstm.vjp_through_time(layer, x, states, starts)
        else:
            result, layer_vjp = _layer_vjp(layer, _inputs(layer, results))
        results[id(_output(layer))] = result
        layer_vjps.append((layer, layer_vjp))

    def vjp(output_gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        waiting = _by_id(network.outputs[:2], output_gradients)
        of_variables: dict[int, tf.Tensor] = {}
        for layer, layer_vjp in reversed(layer_vjps):
            of_inputs, own = layer_vjp(waiting.pop(id(_output(layer))))
            of_variables.update(zip(map(id, layer.trainable_variables), own, strict=True))
            tensors = tf.nest.flatten(layer.input)
            for tensor, gradient in zip(tensors, tf.nest.flatten(of_inputs), strict=True):
                before = waiting.get(id(tensor))
                waiting[id(tensor)] = gradient if before is None else before + gradient
        return [of_variables[id(variable)] for variable in network.trainable_variables]

    return [results[id(output)] for output in network.outputs[:2]], vjp


def _layer_vjp(layer: keras.layers.Layer, inputs: list[Any]) -> tuple[tf.Tensor, lstm.LayerVJP]:
    """Returns the output of a layer, and its vector-Jacobian product."""
    sources = [inputs, [variable.value for variable in layer.trainable_variables]]
    with tf.GradientTape() as tape:
        tape.watch([x for x in tf.nest.flatten(sources) if x.dtype.is_floating])
        result = layer(*inputs)
    return result, lambda gradient: tape.gradient(result, sources, gradient)


def _activation_vjp(layer: keras.layers.Layer, result: tf.Tensor) -> lstm.LayerVJP:
    """Returns the vector-Jacobian product of a plain ReLU, or of an ELU with α = 1.

    Their derivatives follow from their outputs alone.
    """
    if isinstance(layer, keras.layers.ELU):
        return lambda gradient: ([tf.raw_ops.EluGrad(gradients=gradient, outputs=result)], [])
    return lambda gradient: ([tf.raw_ops.ReluGrad(gradients=gradient, features=result)], [])


def _layers(network: keras.Model) -> list[keras.layers.Layer]:
    """Returns the layers in an order in which inputs come before what is made of them."""
    return [layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]


def _is_activation(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.ReLU | keras.layers.ELU)


def _inputs(layer: keras.layers.Layer, results: dict[int, tf.Tensor]) -> list[tf.Tensor]:
    """Returns the arguments of the layer.

    A list of tensors counts as one argument, but an LSTM takes its state separately.
    """
    found = tf.nest.map_structure(lambda tensor: results[id(tensor)], layer.input)
    if isinstance(layer, keras.layers.LSTMCell):
        return [found[0], found[1:]]
    return [found]


def _output(layer: keras.layers.Layer) -> keras.KerasTensor:
    """Returns the output that other layers use; an LSTM's is the first of three."""
    return tf.nest.flatten(layer.output)[0]


def _by_id(keys: Sequence[keras.KerasTensor], values: Sequence[tf.Tensor]) -> dict[int, tf.Tensor]:
    return {id(key): value for key, value in zip(keys, values, strict=True)}
