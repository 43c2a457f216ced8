"""Networks for Q(s, a) of all n actions: Keras 3 models of built-in layers."""

from collections.abc import Sequence
from typing import NamedTuple

import gymnasium
import keras

from agents.networks import policy_value
from agents.networks.torsos import RELU_GAIN


class QNetworks(NamedTuple):
    """One network behind two models, which share their weights."""

    policy: keras.Model  # Observations to (Q(s, a) of all a, max_a Q(s, a)), [B, n] and [B]
    values: keras.Model  # Observations to Q(s, a) of all a


def build(
    name: str,
    observation_space: gymnasium.Space,
    num_actions: int,
    seed: int,
    hidden_units: Sequence[int],
) -> QNetworks:
    """Builds a network with new weights.

    Args:
        name: One of `policy_value.NETWORKS`. Those for pictures are A2C's without its critic; `mlp`
            has ReLU layers here.
        observation_space: Observation space of one environment.
        num_actions: Number of actions, n.
        seed: The same seed gives the same weights, bit for bit.
        hidden_units: Units of each hidden layer of `mlp`.

    Raises:
        UsageError: There is no such network, or it does not take these observations.
    """
    # A2C's policy head suits Q, too: its weights are small, so that no action leads at first.
    actor_critic = policy_value.build(name, observation_space, num_actions, seed)
    observations, values = actor_critic.inputs[0], actor_critic.outputs[0]
    if name == 'mlp':
        observations, values = _mlp(observation_space, num_actions, seed, hidden_units)
    best = keras.layers.Reshape((num_actions, 1), name='column')(values)
    best = keras.layers.GlobalMaxPooling1D(name='best')(best)
    best = keras.layers.Reshape((), name='squeeze')(best)  # [B, 1] to [B]
    return QNetworks(
        keras.Model(observations, (values, best), name='policy'),
        keras.Model(observations, values, name='values'),
    )


def _mlp(
    space: gymnasium.Space, num_actions: int, seed: int, hidden_units: Sequence[int]
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    observations = x = keras.Input(space.shape, dtype='float32', name='observations')
    for i, units in enumerate([*hidden_units, num_actions]):
        last = i == len(hidden_units)
        kernel = keras.initializers.Orthogonal(0.01 if last else RELU_GAIN, seed=seed + i)
        x = keras.layers.Dense(
            units,
            None if last else 'relu',
            kernel_initializer=kernel,
            name='values' if last else f'dense{i + 1}',
        )(x)
    return observations, x
