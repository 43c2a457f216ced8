"""Backpropagation through a forward pass that was made before.

The weights do not change during a rollout. So what the layers answered while acting is what they
would answer while training, and the gradient needs only the way back: of the three times that a
plain update goes through the network, acting, forwards again and backwards, the second is saved.

Only the outputs of the rectifiers are kept. Everything else follows from them without a
convolution, and what does not matter to the gradient is no part of the compiled function.
"""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

Outputs = list[tf.Tensor]
PullBack = Callable[[Sequence[tf.Tensor]], list[tf.Tensor]]


def forward(network: keras.Model, observations: tf.Tensor) -> tuple[Outputs, Outputs]:
    """The forward pass.

    Args:
        network: A functional model, each of its layers used once.
        observations: `[B, ...]`.

    Returns:
        The outputs of the network, and of all its `ReLU` layers.
    """
    results = {id(network.inputs[0]): observations}
    activations = []
    for layer in _layers(network):
        result = results[id(layer.output)] = layer(_inputs(layer, results))
        if _is_relu(layer):
            activations.append(result)
    return [results[id(output)] for output in network.outputs], activations


def recall(
    network: keras.Model, observations: tf.Tensor, activations: Sequence[tf.Tensor]
) -> tuple[Outputs, PullBack]:
    """What `forward` returned, and the way back through it: a vector-Jacobian product.

    To be called within a `tf.function`, which drops what is computed again and not needed.

    Args:
        network: As for `forward`, with the same weights.
        observations: `[B, ...]`, as then.
        activations: What `forward` returned for them.

    Returns:
        The outputs of the network, and a function from their gradients to those of
        `network.trainable_variables`.

    Raises:
        ValueError: There are not as many activations as rectifiers.
    """
    rectifiers = [layer for layer in _layers(network) if _is_relu(layer)]
    if len(activations) != len(rectifiers):
        raise ValueError(f'needs {len(rectifiers)} activations, not {len(activations)}')
    results = {id(network.inputs[0]): observations}
    remembered, steps = iter(activations), []
    for layer in _layers(network):
        is_relu = _is_relu(layer)
        # relu(relu(x)) is relu(x), and so is its derivative: the output may stand for the input.
        inputs = next(remembered) if is_relu else _inputs(layer, results)
        with tf.GradientTape() as tape:
            tape.watch([x for x in tf.nest.flatten(inputs) if x.dtype.is_floating])
            result = layer(inputs)
        results[id(layer.output)] = inputs if is_relu else result
        steps.append((layer, tape, inputs, result))

    def pull_back(output_gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        waiting = {
            id(output): gradient
            for output, gradient in zip(network.outputs, output_gradients, strict=True)
        }
        of_variables: dict[int, tf.Tensor] = {}
        for layer, tape, inputs, result in reversed(steps):
            variables = layer.trainable_variables
            sources = [inputs, [variable.value for variable in variables]]
            of_inputs, own = tape.gradient(result, sources, waiting.pop(id(layer.output)))
            of_variables.update(zip(map(id, variables), own, strict=True))
            pairs = zip(tf.nest.flatten(layer.input), tf.nest.flatten(of_inputs), strict=True)
            for tensor, gradient in pairs:
                before = waiting.get(id(tensor))
                waiting[id(tensor)] = gradient if before is None else before + gradient
        return [of_variables[id(variable)] for variable in network.trainable_variables]

    return [results[id(output)] for output in network.outputs], pull_back


def _layers(network: keras.Model) -> list[keras.layers.Layer]:
    """In an order in which inputs come before what is made of them."""
    return [layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]


def _is_relu(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.ReLU)


def _inputs(layer: keras.layers.Layer, results: dict[int, tf.Tensor]) -> tf.Tensor:
    return tf.nest.map_structure(lambda tensor: results[id(tensor)], layer.input)
