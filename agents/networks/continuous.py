"""Networks of actor and critic for continuous actions: Keras 3 models of built-in layers.

k is the number of real numbers in an action. Weights and biases are uniform in ±1/sqrt(f), where f
is the number of inputs of the layer; those of the last layers may have a smaller range. Lillicrap
et al. (2016), section 7, https://arxiv.org/abs/1509.02971.
"""

from collections.abc import Sequence
from typing import NamedTuple

import gymnasium
import keras
import numpy as np

from envs.errors import UsageError


class Networks(NamedTuple):
    """An actor and its critics; the actor and the first critic, as one model, are the policy."""

    policy: keras.Model  # Observations to (π(s), Q(s, π(s))), [B, k] and [B]
    actor: keras.Model  # Observations to π(s)
    critics: tuple[keras.Model, ...]  # [observations, actions] to Q(s, a)


class _Critic:
    """The layers of a critic, which can be applied to several pairs of observations and actions."""

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
    """Builds an actor and critics with new weights.

    Args:
        observation_space: Observation space of one environment, vectors `[D]`.
        action_space: A bounded row of k real numbers; π(s) is tanh, scaled to its bounds.
        hidden_units: Units of each ReLU layer of the actor, and of each critic.
        seed: The same seed gives the same weights, bit for bit.
        num_critics: Number of critics that learn side by side.
        action_layer: Layer of a critic, counted from 1, that takes the action as input.
        output_range: Bound of the weights and biases of the last layers; 0: 1/sqrt(f) as above.

    Raises:
        UsageError: The observations are not vectors.
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
    # The policy comes first: `backprop` takes the first use of a layer that is applied twice.
    values = critics[0](observations, actions)
    return Networks(
        keras.Model(observations, (actions, values), name='policy'),
        keras.Model(observations, actions, name='actor'),
        tuple(
            keras.Model([observations, taken], critic(observations, taken)) for critic in critics
        ),
    )


def ranges(space: gymnasium.spaces.Box) -> tuple[np.ndarray, np.ndarray]:
    """Returns half the range of each number of an action, and its middle, `float32[k]` each."""
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    return ((high - low) / 2).astype(np.float32), ((high + low) / 2).astype(np.float32)


def _check_vectors(observation_space: gymnasium.Space) -> int:
    """Returns the size of the observations, D.

    Raises:
        UsageError: The observations are not vectors.
    """
    shape = observation_space.shape or ()
    if len(shape) != 1:
        raise UsageError(f'this agent learns from vectors, not from observations of shape {shape}')
    return shape[0]


def _dense(
    name: str, units: int, activation: str | None, limit: float, rng: np.random.Generator
) -> keras.layers.Layer:
    """Makes a dense layer with weights and biases uniform in ±limit."""
    kernel, bias = (
        keras.initializers.RandomUniform(-limit, limit, seed=int(rng.integers(2**31)))
        for _ in range(2)
    )
    return keras.layers.Dense(
        units, activation, kernel_initializer=kernel, bias_initializer=bias, name=name
    )
