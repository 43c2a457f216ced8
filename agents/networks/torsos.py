"""Torsos, the layers between observations and heads: convolutions or dense layers."""

from collections.abc import Sequence

import keras
import numpy as np

# (filters, kernel size in pixels, stride) of each convolution; then the units of the dense layer.
_CONVOLUTIONS = {
    'nature': (((32, 8, 4), (64, 4, 2), (64, 3, 1)), 512),
    'a3c': (((16, 8, 4), (32, 4, 2)), 256),
}
_IMPALA_CHANNELS = (16, 32, 32)
RELU_GAIN = 2.0**0.5


class Layers:
    """A maker of layers whose weights are orthogonal and follow from one seed."""

    def __init__(self, seed: int, activation: str) -> None:
        self._random = np.random.default_rng(seed)
        self._activation = {'relu': keras.layers.ReLU, 'elu': keras.layers.ELU}[activation]

    def activation(self, name: str) -> keras.layers.Layer:
        """Makes an activation layer, separate so that `backprop` can keep its output."""
        return self._activation(name=name)

    def lstm(self, units: int) -> keras.layers.Layer:
        """Makes the cell of an LSTM, which computes one step."""
        return keras.layers.LSTMCell(
            units,
            kernel_initializer=self._orthogonal(1.0),
            recurrent_initializer=self._orthogonal(1.0),
            name='lstm',
        )

    def dense(
        self, units: int, gain: float, name: str, activation: str | None = None
    ) -> keras.layers.Layer:
        """Makes a dense layer whose weights have this gain."""
        return keras.layers.Dense(
            units, activation, kernel_initializer=self._orthogonal(gain), name=name
        )

    def convolution(
        self,
        filters: int,
        size: int,
        stride: int,
        name: str,
        padding: str = 'valid',
        gain: float = RELU_GAIN,
    ) -> keras.layers.Layer:
        """Makes a convolution with a square kernel of `size` x `size` pixels."""
        return keras.layers.Conv2D(
            filters,
            size,
            stride,
            padding,
            kernel_initializer=self._orthogonal(gain),
            name=name,
        )

    def _orthogonal(self, gain: float) -> keras.initializers.Initializer:
        return keras.initializers.Orthogonal(gain, seed=int(self._random.integers(2**31)))


def convolutions(x: keras.KerasTensor, layers: Layers, name: str) -> keras.KerasTensor:
    """Builds the convolutions of this name and a dense layer, each followed by an activation."""
    sizes, units = _CONVOLUTIONS[name]
    for i, (filters, size, stride) in enumerate(sizes, start=1):
        x = layers.convolution(filters, size, stride, f'conv{i}')(x)
        x = layers.activation(f'activation{i}')(x)
    return _features(x, layers, units)


def _features(x: keras.KerasTensor, layers: Layers, units: int) -> keras.KerasTensor:
    """Builds the dense layer whose outputs policy and value share."""
    x = keras.layers.Flatten(name='flatten')(x)
    return layers.activation('features')(layers.dense(units, RELU_GAIN, 'dense')(x))


def impala(x: keras.KerasTensor, layers: Layers) -> keras.KerasTensor:
    """Builds three stages: a convolution, a pool that halves the picture, two residual blocks."""
    for i, channels in enumerate(_IMPALA_CHANNELS, start=1):
        x = layers.convolution(channels, 3, 1, f'conv{i}', 'same', gain=1.0)(x)
        x = keras.layers.MaxPooling2D(3, 2, 'same', name=f'pool{i}')(x)
        for block in ('a', 'b'):
            x = _residual(x, layers, channels, f'residual{i}{block}')
    return _features(layers.activation('activation')(x), layers, 256)


def _residual(x: keras.KerasTensor, layers: Layers, channels: int, name: str) -> keras.KerasTensor:
    """Builds x + conv(f(conv(f(x)))), where f is the activation."""
    y = layers.activation(f'{name}_activation1')(x)
    y = layers.convolution(channels, 3, 1, f'{name}_conv1', 'same')(y)
    y = layers.activation(f'{name}_activation2')(y)
    y = layers.convolution(channels, 3, 1, f'{name}_conv2', 'same', gain=1.0)(y)
    return keras.layers.Add(name=f'{name}_add')([x, y])


def mlp(
    x: keras.KerasTensor, layers: Layers, hidden_units: Sequence[int], name: str
) -> keras.KerasTensor:
    """Builds dense layers with tanh."""
    for i, units in enumerate(hidden_units, start=1):
        x = layers.dense(units, RELU_GAIN, f'{name}_dense{i}', 'tanh')(x)
    return x


def smallest_side(name: str) -> int:
    """Returns the smallest side of a picture, in pixels, that the convolutions can take.

    The last convolution then makes one number per filter.
    """
    side = 1
    for _, size, stride in reversed(_CONVOLUTIONS.get(name, ((), 0))[0]):
        side = (side - 1) * stride + size
    return side
