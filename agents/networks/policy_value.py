"""Networks of policy and value, as functional Keras models of built-in layers only.

So a saved `.keras` file loads with Keras alone, in safe mode. A model maps observations,
`uint8[B, H, W, C]` or `float32[B, D]`, to `(logits, values)`, `[B, num_logits]` and `[B]`.

If numbers are observed beside a picture, they are a second input after the picture, `variables`,
`float32[B, D]`. A dense layer makes features of them, which are joined with those of the picture.

A model with an LSTM also takes the memory of the LSTM, and returns the new one:

    (observations, hidden, cell[, last_action, last_reward]) to (logits, values, hidden, cell)

`hidden` and `cell` are `float32[B, lstm_units]`; `last_action` is `float32[B, num_codes]`, as
`Distribution.encode` makes it, and `last_reward` `float32[B, 1]`. All of them are zero at the start
of an episode.
"""

from collections.abc import Sequence

import gymnasium
import keras
import numpy as np

from agents.networks import heads, torsos
from agents.networks.inputs import normalized
from envs import observations as observation_parts
from envs.errors import UsageError

_VARIABLES, _VARIABLE_UNITS = 'variables', 64

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
    """Builds the network of this name, with new weights.

    - `nature`: Mnih et al. (2015), https://doi.org/10.1038/nature14236.
    - `a3c`: the smaller one of Mnih et al. (2013, 2016), https://arxiv.org/abs/1602.01783.
    - `impala`: the residual one of Espeholt et al. (2018), fig. 3, without the LSTM,
      https://arxiv.org/abs/1802.01561.
    - `mlp`: two layers of 64 tanh units each for policy and value, which share nothing unless
      `shared_torso` is true, as in Schulman et al. (2017), https://arxiv.org/abs/1707.06347.

    An LSTM (Hochreiter and Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735) comes
    between these and the heads; `mlp` then has one torso for both.

    Weights are orthogonal (Saxe et al. 2013, https://arxiv.org/abs/1312.6120) and biases zero,
    except those of the LSTM's forget gates, which start at one. The small gain of the policy head
    makes all actions almost equally probable at first.

    Args:
        name: One of `NETWORKS`.
        observation_space: Observation space of one environment: a picture, `[H, W, C]`, or a
            vector, `[D]`; uint8 is divided by 255. Or a Dict of a picture, `screen`, and a vector,
            `variables`.
        num_logits: Number of logits of the policy's distribution. With a Gaussian head it is twice
            the length of an action, even if the head has more outputs.
        seed: The same seed gives the same weights, bit for bit.
        activation: `relu` or `elu`, in the networks for pictures.
        lstm_units: Units of the LSTM; 0: no LSTM.
        feed_last_action_reward: Whether the LSTM also gets the last action and the last reward.
        hidden_units: Units of each layer of `mlp`.
        shared_torso: Whether policy and value of `mlp` have one torso, as all other networks have.
        gaussian: Options of the head of a `DiagonalGaussian`; None for choices.
        normalize_observations: Whether vectors are normalised; see `learning.normalization`.

    Returns:
        A model as above.

    Raises:
        UsageError: There is no such network, or it does not take these observations.
    """
    observation_space, beside = _split(observation_space)
    _check(name, observation_space.shape or ())
    layers = torsos.Layers(seed, activation)
    observations, x = _observation_input(observation_space, normalize_observations)
    one_torso = shared_torso or lstm_units > 0
    policy_features, value_features = _torsos(name, x, layers, hidden_units, one_torso)
    inputs = [observations, *(keras.Input(space.shape, name=_VARIABLES) for space in beside)]
    if beside:
        policy_features = value_features = _with_variables(policy_features, inputs[1], layers)
    if lstm_units:
        num_codes = num_logits // 2 if gaussian else num_logits
        memory = _memory_inputs(lstm_units, num_codes if feed_last_action_reward else 0)
        x = _joined([policy_features, *memory[2:]])
        policy_features, state = layers.lstm(lstm_units)(x, memory[:2])
        logits, values = _heads(policy_features, policy_features, layers, num_logits, gaussian)
        return keras.Model([*inputs, *memory], (logits, values, *state), name=name)
    outputs = _heads(policy_features, value_features, layers, num_logits, gaussian)
    return keras.Model(inputs if beside else observations, outputs, name=name)


def num_observations(network: keras.Model) -> int:
    """Counts the inputs that are the observation, the first ones: 1, or 2 with `variables`."""
    return 1 + any(tensor.name == _VARIABLES for tensor in network.inputs[1:2])


def _split(space: gymnasium.Space) -> tuple[gymnasium.Space, list[gymnasium.Space]]:
    """Returns the space of the picture or vector, and that of the numbers beside it, if any.

    Raises:
        UsageError: The space has other parts.
    """
    found = observation_parts.spaces_of(space)
    if not isinstance(found, dict):
        return space, []
    if set(found) != {'screen', _VARIABLES} or len(found['screen'].shape or ()) != 3:
        raise UsageError(f'no network takes observations of the kind {space}')
    return found['screen'], [found[_VARIABLES]]


def _observation_input(
    space: gymnasium.Space, normalize: bool
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Returns the input of the picture or vector, and the scaled tensor that the torso takes."""
    is_uint8 = space.dtype == np.uint8
    dtype = 'uint8' if is_uint8 else 'float32'
    observations = keras.Input(space.shape or (), dtype=dtype, name='observations')
    x = keras.layers.Rescaling(1 / 255, name='scale')(observations) if is_uint8 else observations
    return observations, normalized(x) if normalize else x


def _torsos(
    name: str,
    x: keras.KerasTensor,
    layers: torsos.Layers,
    hidden_units: Sequence[int],
    one_torso: bool,
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Builds the features of policy and value, which differ only for `mlp` with two torsos."""
    if name == 'mlp' and not one_torso:
        own = [torsos.mlp(x, layers, hidden_units, head) for head in ('policy', 'value')]
        return own[0], own[1]
    if name == 'mlp':
        features = torsos.mlp(x, layers, hidden_units, 'features')
    elif name == 'impala':
        features = torsos.impala(x, layers)
    else:
        features = torsos.convolutions(x, layers, name)
    return features, features


def _heads(
    policy_features: keras.KerasTensor,
    value_features: keras.KerasTensor,
    layers: torsos.Layers,
    num_logits: int,
    gaussian: heads.GaussianHead | None,
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Builds logits, `[B, ...]`, and values, `[B]`."""
    if gaussian:
        logits = heads.gaussian(policy_features, layers, num_logits // 2, gaussian)
    else:
        logits = layers.dense(num_logits, 0.01, 'policy')(policy_features)
    values = layers.dense(1, 1.0, 'value')(value_features)
    return logits, keras.layers.Reshape((), name='squeeze')(values)  # [B, 1] to [B]


def _with_variables(
    features: keras.KerasTensor, variables: keras.KerasTensor, layers: torsos.Layers
) -> keras.KerasTensor:
    """Appends features of the variables to those of the picture."""
    x = layers.dense(_VARIABLE_UNITS, torsos.RELU_GAIN, 'variables_dense')(variables)
    x = layers.activation('variables_features')(x)
    return keras.layers.Concatenate(name='join_variables')([features, x])


def _memory_inputs(lstm_units: int, num_codes: int) -> list[keras.KerasTensor]:
    """Makes `hidden` and `cell`, then `last_action` and `last_reward` unless `num_codes` is 0."""
    sizes = {'hidden': lstm_units, 'cell': lstm_units}
    if num_codes:
        sizes.update(last_action=num_codes, last_reward=1)
    return [keras.Input((size,), name=name) for name, size in sizes.items()]


def _joined(tensors: list[keras.KerasTensor]) -> keras.KerasTensor:
    return keras.layers.Concatenate(name='join')(tensors) if len(tensors) > 1 else tensors[0]


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
    smallest = torsos.smallest_side(name)
    if len(shape) == 3 and min(shape[:2]) < smallest:
        raise UsageError(
            f'network {name!r} needs pictures of at least {smallest} x {smallest} pixels, '
            f'not {shape[0]} x {shape[1]}'
        )
