"""The way back through a remembered forward pass, against plain automatic differentiation."""

import gymnasium
import keras
import numpy as np
import pytest
import tensorflow as tf

from agents.networks import backprop, policy_value

BATCH, NUM_LOGITS = 3, 5
PICTURE = gymnasium.spaces.Box(0, 255, (44, 44, 2), np.uint8)
VECTOR = gymnasium.spaces.Box(-1.0, 1.0, (6,), np.float32)
BOTH = gymnasium.spaces.Dict(screen=PICTURE, variables=VECTOR)


def make(name, seed=0, activation='relu', space=None):
    """A network, its inputs, and gradients of its outputs."""
    space = space or (VECTOR if name == 'mlp' else PICTURE)
    space.seed(seed)
    samples = [tf.nest.flatten(space.sample()) for _ in range(BATCH)]
    inputs = [np.stack(parts) for parts in zip(*samples, strict=True)]
    network = policy_value.build(name, space, NUM_LOGITS, seed, activation=activation)
    rng = np.random.default_rng(seed)
    for variable in network.trainable_variables:  # Biases and the policy head start near zero.
        variable.assign_add(rng.normal(scale=0.05, size=variable.shape))
    logits = rng.normal(size=(BATCH, NUM_LOGITS)).astype(np.float32)
    return network, inputs, [logits, rng.normal(size=BATCH).astype(np.float32)]


def compiled_vjp(network):
    @tf.function
    def function(inputs, activations, output_gradients):
        outputs, vjp = backprop.vjp_from_activations(network, inputs, activations)
        return outputs, vjp(output_gradients)

    return function


@pytest.mark.parametrize('activation', ['relu', 'elu'])
@pytest.mark.parametrize(
    'name, space',
    [
        *((name, None) for name in policy_value.NETWORKS),
        *((name, BOTH) for name in policy_value.PICTURE_NETWORKS),
    ],
    ids=[
        *policy_value.NETWORKS,
        *(f'{name} with variables' for name in policy_value.PICTURE_NETWORKS),
    ],
)
def test_outputs_and_gradients_are_those_of_the_plain_way(name, space, activation):
    network, inputs, output_gradients = make(name, activation=activation, space=space)
    outputs, activations = backprop.forward(network, inputs)
    with tf.GradientTape() as tape:
        plain_outputs = network(inputs if space else inputs[0])
    plain = tape.gradient(plain_outputs, network.trainable_variables, output_gradients)
    again, gradients = compiled_vjp(network)(inputs, activations, output_gradients)
    for one, other in ((outputs, plain_outputs), (again, plain_outputs), (gradients, plain)):
        for ours, expected in zip(one, other, strict=True):
            scale = np.abs(expected).max()
            np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5 * scale)


@pytest.mark.parametrize('activation', ['relu', 'elu'])
@pytest.mark.parametrize('name', ['nature', 'a3c'])
def test_no_convolution_is_computed_again(name, activation):
    network, inputs, output_gradients = make(name, activation=activation)
    _, activations = backprop.forward(network, inputs)
    function = compiled_vjp(network).get_concrete_function(
        [tf.constant(inputs[0])], activations, output_gradients
    )
    kinds, waiting, seen = [], [tensor.op for tensor in function.outputs], set()
    while waiting:
        op = waiting.pop()
        if op.name not in seen:
            seen.add(op.name)
            kinds.append(op.type)
            waiting += [tensor.op for tensor in op.inputs]
    convolutions = sum(isinstance(layer, keras.layers.Conv2D) for layer in network.layers)
    assert kinds.count('Conv2D') == 0
    assert kinds.count('Conv2DBackpropFilter') == convolutions
    assert kinds.count('Conv2DBackpropInput') == convolutions - 1  # Pictures need no gradient.


def test_what_is_used_twice_gets_both_gradients():
    inputs = keras.Input((4,))
    shared = keras.layers.ReLU()(keras.layers.Dense(6)(inputs))
    both = keras.layers.Add()([shared, keras.layers.Dense(6)(shared)])
    network = keras.Model(inputs, (both, keras.layers.Dense(2)(shared)))
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    _, activations = backprop.forward(network, [x])
    output_gradients = [np.ones((3, 6), np.float32), np.full((3, 2), 0.5, np.float32)]
    _, gradients = compiled_vjp(network)([x], activations, output_gradients)
    with tf.GradientTape() as tape:
        outputs = network(x)
    expected = tape.gradient(outputs, network.trainable_variables, output_gradients)
    for one, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('change', [lambda a: a[:-1], lambda a: [*a, a[0]]])
def test_the_wrong_number_of_activations_is_refused(change):
    network, inputs, _ = make('a3c')
    _, activations = backprop.forward(network, inputs)
    with pytest.raises(ValueError, match='3 activations'):
        backprop.vjp_from_activations(network, inputs, change(activations))
