"""Backpropagation through a forward pass that was made before.

The weights do not change during a rollout. So what the layers answered while acting is what they
would answer while training, and the gradient needs only the way back: of the three times that a
plain update goes through the network, acting, forwards again and backwards, the second is saved.

Only the outputs of the `ReLU` and `ELU` layers are kept. Everything else follows from them without
a convolution, and what does not matter to the gradient is no part of the compiled function.

The states of an LSTM are inputs of the network, known for all steps; its way back goes through
time: see `lstm`.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from agents.networks import lstm

Outputs = list[tf.Tensor]
PullBack = Callable[[Sequence[tf.Tensor]], list[tf.Tensor]]


def using(
    network: keras.Model, weights: Sequence[tf.Tensor]
) -> contextlib.AbstractContextManager[object]:
    """Within it the network has these weights, all of them; its own if there are none."""
    if not weights:
        return contextlib.nullcontext()
    return keras.StatelessScope(list(zip(network.weights, weights, strict=True)))


def forward(network: keras.Model, inputs: Sequence[tf.Tensor]) -> tuple[Outputs, Outputs]:
    """The forward pass.

    Args:
        network: A functional model, each of its layers used once.
        inputs: Of the network, `[B, ...]`.

    Returns:
        The outputs of the network, and of all its activation layers.
    """
    results = _by_id(network.inputs, inputs)
    activations = []
    for layer in _layers(network):
        result = layer(*_inputs(layer, results))
        results.update(_by_id(tf.nest.flatten(layer.output), tf.nest.flatten(result)))
        if _is_activation(layer):
            activations.append(result)
    return [results[id(output)] for output in network.outputs], activations


def recall(
    network: keras.Model,
    inputs: Sequence[tf.Tensor],
    activations: Sequence[tf.Tensor],
    starts: tf.Tensor | None = None,
) -> tuple[Outputs, PullBack]:
    """What `forward` returned, and the way back through it: a vector-Jacobian product.

    To be called within a `tf.function`, which drops what is computed again and not needed.

    Args:
        network: As for `forward`, with the same weights.
        inputs: Of the network, `[T * B, ...]`, as they were at the T steps.
        activations: What `forward` returned for them.
        starts: `bool[T, B]`, the steps at which the state of an LSTM was zero because an episode
            began.

    Returns:
        The outputs `logits` and `values` of the network, and a function from their gradients to
        those of `network.trainable_variables`.

    Raises:
        ValueError: There are not as many activations as activation layers.
    """
    count = sum(_is_activation(layer) for layer in _layers(network))
    if len(activations) != count:
        raise ValueError(f'needs {count} activations, not {len(activations)}')
    results = _by_id(network.inputs, inputs)
    remembered, ways = iter(activations), []
    for layer in _layers(network):
        if _is_activation(layer):
            result = next(remembered)
            way = _way_back_through_activation(layer, result)
        elif isinstance(layer, keras.layers.LSTMCell):
            x, states = _inputs(layer, results)
            result, way = lstm.through_time(layer, x, states, starts)
        else:
            result, way = _answer_and_way_back(layer, _inputs(layer, results))
        results[id(_output(layer))] = result
        ways.append((layer, way))

    def pull_back(output_gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        waiting = _by_id(network.outputs[:2], output_gradients)
        of_variables: dict[int, tf.Tensor] = {}
        for layer, way in reversed(ways):
            of_inputs, own = way(waiting.pop(id(_output(layer))))
            of_variables.update(zip(map(id, layer.trainable_variables), own, strict=True))
            tensors = tf.nest.flatten(layer.input)
            for tensor, gradient in zip(tensors, tf.nest.flatten(of_inputs), strict=True):
                before = waiting.get(id(tensor))
                waiting[id(tensor)] = gradient if before is None else before + gradient
        return [of_variables[id(variable)] for variable in network.trainable_variables]

    return [results[id(output)] for output in network.outputs[:2]], pull_back


def _answer_and_way_back(
    layer: keras.layers.Layer, inputs: list[Any]
) -> tuple[tf.Tensor, lstm.LayerPullBack]:
    """What the layer answers, and the way back to its inputs and its weights."""
    sources = [inputs, [variable.value for variable in layer.trainable_variables]]
    with tf.GradientTape() as tape:
        tape.watch([x for x in tf.nest.flatten(sources) if x.dtype.is_floating])
        result = layer(*inputs)
    return result, lambda gradient: tape.gradient(result, sources, gradient)


def _way_back_through_activation(
    layer: keras.layers.Layer, result: tf.Tensor
) -> lstm.LayerPullBack:
    """From what a plain ReLU, or an ELU of α = 1, answered: their derivatives follow from it."""
    if isinstance(layer, keras.layers.ELU):
        return lambda gradient: ([tf.raw_ops.EluGrad(gradients=gradient, outputs=result)], [])
    return lambda gradient: ([tf.raw_ops.ReluGrad(gradients=gradient, features=result)], [])


def _layers(network: keras.Model) -> list[keras.layers.Layer]:
    """In an order in which inputs come before what is made of them."""
    return [layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]


def _is_activation(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.ReLU | keras.layers.ELU)


def _inputs(layer: keras.layers.Layer, results: dict[int, tf.Tensor]) -> list[tf.Tensor]:
    """The arguments of the layer; a list of tensors counts as one, but an LSTM takes a state."""
    found = tf.nest.map_structure(lambda tensor: results[id(tensor)], layer.input)
    if isinstance(layer, keras.layers.LSTMCell):
        return [found[0], found[1:]]
    return [found]


def _output(layer: keras.layers.Layer) -> keras.KerasTensor:
    """What other layers use of it: of an LSTM, the first of three."""
    return tf.nest.flatten(layer.output)[0]


def _by_id(keys: Sequence[keras.KerasTensor], values: Sequence[tf.Tensor]) -> dict[int, tf.Tensor]:
    return {id(key): value for key, value in zip(keys, values, strict=True)}
