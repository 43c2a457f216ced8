"""Networks of policy and value, as functional Keras models of built-in layers only.

So a saved `.keras` file loads with Keras alone, in safe mode. A model maps observations,
`uint8[B, H, W, C]` or `float32[B, D]`, to `(logits, values)`, `[B, num_logits]` and `[B]`.

Where numbers stand beside a picture, they are a second input of the name `variables`,
`float32[B, D]`, after the picture. A dense layer makes features of them, which join those of the
picture.

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
            is divided by 255. Or a Dict: a picture, `screen`, and a vector, `variables`.
        num_logits: Of the policy's distribution; with a Gaussian head twice the numbers of an
            action, whatever the head makes of it.
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
    observation_space, beside = _split(observation_space)
    shape = observation_space.shape or ()
    _check(name, shape)
    layers = torsos.Layers(seed, activation)
    is_uint8 = observation_space.dtype == np.uint8
    observations = keras.Input(shape, dtype='uint8' if is_uint8 else 'float32', name='observations')
    x = keras.layers.Rescaling(1 / 255, name='scale')(observations) if is_uint8 else observations
    if normalize_observations:
        x = normalized(x)
    one_torso = shared_torso or lstm_units > 0
    policy_features, value_features = _torsos(name, x, layers, hidden_units, one_torso)
    inputs = [observations, *(keras.Input(space.shape, name=_VARIABLES) for space in beside)]
    if beside:
        policy_features = value_features = _with_variables(policy_features, inputs[1], layers)
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
        return keras.Model([*inputs, *memory], (logits, values, *state), name=name)
    return keras.Model(inputs if beside else observations, (logits, values), name=name)


def num_observations(network: keras.Model) -> int:
    """How many of the inputs, the first ones, are the observation: 1, or 2 with `variables`."""
    return 1 + any(tensor.name == _VARIABLES for tensor in network.inputs[1:2])


def _split(space: gymnasium.Space) -> tuple[gymnasium.Space, list[gymnasium.Space]]:
    """The space of the picture or vector, and that of the numbers beside it, if there are any.

    Raises:
        UsageError: There are other things.
    """
    found = observation_parts.spaces_of(space)
    if not isinstance(found, dict):
        return space, []
    if set(found) != {'screen', _VARIABLES} or len(found['screen'].shape or ()) != 3:
        raise UsageError(f'no network takes observations of the kind {space}')
    return found['screen'], [found[_VARIABLES]]


def _torsos(
    name: str,
    x: keras.KerasTensor,
    layers: torsos.Layers,
    hidden_units: Sequence[int],
    one_torso: bool,
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Features for the policy and for the value; the same, but for `mlp` with two torsos."""
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


def _with_variables(
    features: keras.KerasTensor, variables: keras.KerasTensor, layers: torsos.Layers
) -> keras.KerasTensor:
    """Features of the variables behind those of the picture."""
    x = layers.dense(_VARIABLE_UNITS, torsos.RELU_GAIN, 'variables_dense')(variables)
    x = layers.activation('variables_features')(x)
    return keras.layers.Concatenate(name='join_variables')([features, x])


def _memory_inputs(lstm_units: int, num_codes: int) -> list[keras.KerasTensor]:
    """`hidden` and `cell`, then `last_action` and `last_reward` unless `num_codes` is 0."""
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
