"""Networks of actor and critic for continuous actions: Keras 3 models of built-in layers.

k is the number of numbers in an action. Weights and biases are uniform in ±1/sqrt(f), f the inputs
of the layer, and the last layers' perhaps in a smaller range: Lillicrap et al. (2016), section 7,
https://arxiv.org/abs/1509.02971.
"""

from collections.abc import Sequence
from typing import NamedTuple

import gymnasium
import keras
import numpy as np

from envs.errors import UsageError


class Networks(NamedTuple):
    """An actor and its critics. The first critic and the actor, as one model, are the policy."""

    policy: keras.Model  # Observations to (π(s), Q(s, π(s))), [B, k] and [B]
    actor: keras.Model  # Observations to π(s)
    critics: tuple[keras.Model, ...]  # [observations, actions] to Q(s, a)


class _Critic:
    """The layers of a critic, to be applied to several pairs of observations and actions."""

    def __init__(
        self,
        name: str,
        num_observations: int,
        space: gymnasium.spaces.Box,
        hidden_units: Sequence[int],
        action_layer: int,
        output_range: float,
        rng: np.random.Generator,
    ) -> None:
        half, middle = ranges(space)
        num_actions, self._action_layer = space.shape[0], action_layer
        self._unscale = keras.layers.Rescaling(
            (1.0 / half).tolist(), (-middle / half).tolist(), name=f'{name}_unscale'
        )
        self._join = keras.layers.Concatenate(name=f'{name}_join')
        self._squeeze = keras.layers.Reshape((), name=f'{name}_squeeze')  # [B, 1] to [B]
        self._layers, fed = [], num_observations
        for i, units in enumerate([*hidden_units, 1], start=1):
            fed += num_actions if i == action_layer else 0
            last = i > len(hidden_units)
            self._layers.append(
                _dense(
                    f'{name}_value' if last else f'{name}_dense{i}',
                    units,
                    None if last else 'relu',
                    (output_range if last else 0.0) or fed**-0.5,
                    rng,
                )
            )
            fed = units

    def __call__(
        self, observations: keras.KerasTensor, actions: keras.KerasTensor
    ) -> keras.KerasTensor:
        x = observations
        for i, layer in enumerate(self._layers, start=1):
            if i == self._action_layer:
                x = self._join([x, self._unscale(actions)])
            x = layer(x)
        return self._squeeze(x)


def build(
    observation_space: gymnasium.Space,
    action_space: gymnasium.spaces.Box,
    hidden_units: Sequence[int],
    seed: int,
    *,
    num_critics: int = 1,
    action_layer: int = 1,
    output_range: float = 0.0,
) -> Networks:
    """An actor and critics with new weights.

    Args:
        observation_space: Vectors.
        action_space: A bounded row; π(s) is tanh, scaled to it.
        hidden_units: Sizes of the ReLU layers, of actor and critics.
        seed: The same seed gives the same weights, bit for bit.
        num_critics: That learn side by side.
        action_layer: At which of its layers, counted from 1, a critic takes the action.
        output_range: Of the last layers' weights; 0: as of the others.

    Raises:
        UsageError: The observations are no vectors.
    """
    rng = np.random.default_rng(seed)
    size, shape = _check_vectors(observation_space), action_space.shape
    observations, taken = (
        keras.Input((size,), name='observations'),
        keras.Input(shape, name='taken'),
    )
    half, middle = ranges(action_space)
    x, fed = observations, size
    for i, units in enumerate(hidden_units, start=1):
        x = _dense(f'actor_dense{i}', units, 'relu', fed**-0.5, rng)(x)
        fed = units
    x = _dense('actor', shape[0], 'tanh', output_range or fed**-0.5, rng)(x)
    actions = keras.layers.Rescaling(half.tolist(), middle.tolist(), name='scale')(x)
    critics = [
        _Critic(f'critic{i}', size, action_space, hidden_units, action_layer, output_range, rng)
        for i in range(1, num_critics + 1)
    ]
    # First the policy: where a layer is applied twice, what `backprop` asks of it is the first.
    values = critics[0](observations, actions)
    return Networks(
        keras.Model(observations, (actions, values), name='policy'),
        keras.Model(observations, actions, name='actor'),
        tuple(
            keras.Model([observations, taken], critic(observations, taken)) for critic in critics
        ),
    )


def ranges(space: gymnasium.spaces.Box) -> tuple[np.ndarray, np.ndarray]:
    """Half of the range of each number of an action, and the middle of it, `float32[k]`."""
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    return ((high - low) / 2).astype(np.float32), ((high + low) / 2).astype(np.float32)


def _check_vectors(observation_space: gymnasium.Space) -> int:
    """The size of the observations.

    Raises:
        UsageError: They are no vectors.
    """
    shape = observation_space.shape or ()
    if len(shape) != 1:
        raise UsageError(f'this agent learns from vectors, not from observations of shape {shape}')
    return shape[0]


def _dense(
    name: str, units: int, activation: str | None, limit: float, rng: np.random.Generator
) -> keras.layers.Layer:
    """Weights and biases uniform in ±limit."""
    kernel, bias = (
        keras.initializers.RandomUniform(-limit, limit, seed=int(rng.integers(2**31)))
        for _ in range(2)
    )
    return keras.layers.Dense(
        units, activation, kernel_initializer=kernel, bias_initializer=bias, name=name
    )
