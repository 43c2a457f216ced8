"""Networks of policy and value, as functional Keras models of built-in layers only.

So a saved `.keras` file loads with Keras alone, in safe mode. A model maps observations,
`uint8[B, H, W, C]` or `float32[B, D]`, to `(logits, values)`, `[B, num_logits]` and `[B]`.

One with an LSTM takes its memory, too, and returns what it becomes:

    (observations, hidden, cell[, last_action, last_reward]) to (logits, values, hidden, cell)

`hidden` and `cell` are `float32[B, lstm_units]`, zeros at the start of an episode. Then so are
`last_action`, `float32[B, num_codes]` as `Distribution.encode` has it, and `last_reward`,
`float32[B, 1]`.
"""

from collections.abc import Sequence

import gymnasium
import keras
import numpy as np

from agents import heads, normal_inputs
from envs.errors import UsageError

# Of each convolution the filters, the size of the kernel and the stride; then the dense units.
_CONVOLUTIONS = {
    'nature': (((32, 8, 4), (64, 4, 2), (64, 3, 1)), 512),
    'a3c': (((16, 8, 4), (32, 4, 2)), 256),
}
_IMPALA_CHANNELS = (16, 32, 32)
_RELU_GAIN = 2.0**0.5

PICTURE_NETWORKS = ('nature', 'a3c', 'impala')
VECTOR_NETWORKS = ('mlp',)
NETWORKS = PICTURE_NETWORKS + VECTOR_NETWORKS


def build(
    name: str,
    observation_space: gymnasium.Space,
    num_logits: int,
    seed: int,
    *,
    activation: str = 'relu',
    lstm_units: int = 0,
    feed_last_action_reward: bool = False,
    hidden_units: Sequence[int] = (64, 64),
    shared_torso: bool = False,
    gaussian: heads.GaussianHead | None = None,
    normalize_observations: bool = False,
) -> keras.Model:
    """The network of this name, with new weights.

    - `nature`: Mnih et al. (2015), https://doi.org/10.1038/nature14236.
    - `a3c`: the smaller one of Mnih et al. (2013, 2016), https://arxiv.org/abs/1602.01783.
    - `impala`: the residual one of Espeholt et al. (2018), fig. 3, without the LSTM,
      https://arxiv.org/abs/1802.01561.
    - `mlp`: two layers of 64 tanh units each for policy and value, which share nothing unless
      `shared_torso` says so, as in Schulman et al. (2017), https://arxiv.org/abs/1707.06347.

    An LSTM (Hochreiter and Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735) stands
    between these and the heads; `mlp` then has one branch for both.

    Weights are orthogonal (Saxe et al. 2013, https://arxiv.org/abs/1312.6120), biases zero but for
    the LSTM's forget gates, which start at one. A policy head of small gain starts all actions
    equally probable.

    Args:
        name: One of `NETWORKS`.
        observation_space: Of one environment: a picture, `[H, W, C]`, or a vector, `[D]`; uint8
            is divided by 255.
        num_logits: Of the policy's distribution.
        seed: The same seed gives the same weights, bit for bit.
        activation: Of the networks for pictures: `relu` or `elu`.
        lstm_units: Size of the LSTM; 0 for none.
        feed_last_action_reward: Whether the LSTM gets the last action and reward, too.
        hidden_units: Of the layers of `mlp`.
        shared_torso: Whether policy and value of `mlp` have one torso, as all other networks have.
        gaussian: The head of a `DiagonalGaussian`; None for choices.
        normalize_observations: Whether vectors are normalised: see `normalization`.

    Returns:
        A model as above.

    Raises:
        UsageError: There is no such network, or it does not take these observations.
    """
    shape = observation_space.shape or ()
    _check(name, shape)
    layers = _Layers(seed, activation)
    is_uint8 = observation_space.dtype == np.uint8
    observations = keras.Input(shape, dtype='uint8' if is_uint8 else 'float32', name='observations')
    x = keras.layers.Rescaling(1 / 255, name='scale')(observations) if is_uint8 else observations
    memory: list[keras.KerasTensor] = []
    if normalize_observations:
        x = normal_inputs.normalized(x)
    if name == 'mlp' and not (lstm_units or shared_torso):
        policy_features = _mlp(x, layers, hidden_units, 'policy')
        value_features = _mlp(x, layers, hidden_units, 'value')
    elif name == 'mlp':
        policy_features = value_features = _mlp(x, layers, hidden_units, 'features')
    else:
        torso = _impala(x, layers) if name == 'impala' else _convolutions(x, layers, name)
        policy_features = value_features = torso
    if lstm_units:
        num_codes = num_logits // 2 if gaussian else num_logits
        memory = _memory_inputs(lstm_units, num_codes if feed_last_action_reward else 0)
        features, state = layers.lstm(lstm_units)(
            _joined([policy_features, *memory[2:]]), memory[:2]
        )
        policy_features = value_features = features
    if gaussian:
        logits = heads.gaussian(policy_features, layers, num_logits // 2, gaussian)
    else:
        logits = layers.dense(num_logits, 0.01, 'policy')(policy_features)
    values = layers.dense(1, 1.0, 'value')(value_features)
    values = keras.layers.Reshape((), name='squeeze')(values)  # [B, 1] to [B]
    if lstm_units:
        return keras.Model([observations, *memory], (logits, values, *state), name=name)
    return keras.Model(observations, (logits, values), name=name)


def _memory_inputs(lstm_units: int, num_codes: int) -> list[keras.KerasTensor]:
    """`hidden` and `cell`, then `last_action` and `last_reward` unless `num_codes` is 0."""
    sizes = {'hidden': lstm_units, 'cell': lstm_units}
    if num_codes:
        sizes.update(last_action=num_codes, last_reward=1)
    return [keras.Input((size,), name=name) for name, size in sizes.items()]


def _joined(tensors: list[keras.KerasTensor]) -> keras.KerasTensor:
    return keras.layers.Concatenate(name='join')(tensors) if len(tensors) > 1 else tensors[0]


class _Layers:
    """Makes layers whose weights are orthogonal and follow from one seed."""

    def __init__(self, seed: int, activation: str) -> None:
        self._random = np.random.default_rng(seed)
        self._activation = {'relu': keras.layers.ReLU, 'elu': keras.layers.ELU}[activation]

    def activation(self, name: str) -> keras.layers.Layer:
        """A layer of its own, so that `backprop` can remember what it answered."""
        return self._activation(name=name)

    def lstm(self, units: int) -> keras.layers.Layer:
        return keras.layers.LSTMCell(
            units,
            kernel_initializer=self._orthogonal(1.0),
            recurrent_initializer=self._orthogonal(1.0),
            name='lstm',
        )

    def dense(
        self, units: int, gain: float, name: str, activation: str | None = None
    ) -> keras.layers.Layer:
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
        gain: float = _RELU_GAIN,
    ) -> keras.layers.Layer:
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


def _convolutions(x: keras.KerasTensor, layers: _Layers, name: str) -> keras.KerasTensor:
    """The convolutions of this name and a dense layer, each with the activation."""
    convolutions, units = _CONVOLUTIONS[name]
    for i, (filters, size, stride) in enumerate(convolutions, start=1):
        x = layers.convolution(filters, size, stride, f'conv{i}')(x)
        x = layers.activation(f'activation{i}')(x)
    return _features(x, layers, units)


def _features(x: keras.KerasTensor, layers: _Layers, units: int) -> keras.KerasTensor:
    """What policy and value share."""
    x = keras.layers.Flatten(name='flatten')(x)
    return layers.activation('features')(layers.dense(units, _RELU_GAIN, 'dense')(x))


def _impala(x: keras.KerasTensor, layers: _Layers) -> keras.KerasTensor:
    """Three times a convolution, a pool that halves the picture and two residual blocks."""
    for i, channels in enumerate(_IMPALA_CHANNELS, start=1):
        x = layers.convolution(channels, 3, 1, f'conv{i}', 'same', gain=1.0)(x)
        x = keras.layers.MaxPooling2D(3, 2, 'same', name=f'pool{i}')(x)
        for block in ('a', 'b'):
            x = _residual(x, layers, channels, f'residual{i}{block}')
    return _features(layers.activation('activation')(x), layers, 256)


def _residual(x: keras.KerasTensor, layers: _Layers, channels: int, name: str) -> keras.KerasTensor:
    """x + conv(f(conv(f(x)))), f the activation."""
    y = layers.activation(f'{name}_activation1')(x)
    y = layers.convolution(channels, 3, 1, f'{name}_conv1', 'same')(y)
    y = layers.activation(f'{name}_activation2')(y)
    y = layers.convolution(channels, 3, 1, f'{name}_conv2', 'same', gain=1.0)(y)
    return keras.layers.Add(name=f'{name}_add')([x, y])


def _mlp(
    x: keras.KerasTensor, layers: _Layers, hidden_units: Sequence[int], name: str
) -> keras.KerasTensor:
    """Dense layers with tanh."""
    for i, units in enumerate(hidden_units, start=1):
        x = layers.dense(units, _RELU_GAIN, f'{name}_dense{i}', 'tanh')(x)
    return x


def _check(name: str, shape: tuple[int, ...]) -> None:
    """Raises UsageError unless the network `name` takes observations of this shape."""
    if name not in NETWORKS:
        raise UsageError(f'unknown network {name!r}; there are: {", ".join(NETWORKS)}')
    fitting = {1: VECTOR_NETWORKS, 3: PICTURE_NETWORKS}.get(len(shape))
    if fitting is None:
        raise UsageError(f'no network takes observations of shape {shape}: only [H, W, C] and [D]')
    if name not in fitting:
        kind = 'pictures' if name in PICTURE_NETWORKS else 'vectors'
        raise UsageError(
            f'network {name!r} takes {kind}, but the observations have the shape {shape}; '
            f'right for these: {", ".join(fitting)}'
        )
    smallest = _smallest_side(name)
    if len(shape) == 3 and min(shape[:2]) < smallest:
        raise UsageError(
            f'network {name!r} needs pictures of at least {smallest} x {smallest} pixels, '
            f'not {shape[0]} x {shape[1]}'
        )


def _smallest_side(name: str) -> int:
    """Of a picture from which the last convolution still makes one number per filter."""
    side = 1
    for _, size, stride in reversed(_CONVOLUTIONS.get(name, ((), 0))[0]):
        side = (side - 1) * stride + size
    return side
