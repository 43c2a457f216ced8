"""Skipped updates of A2C and A3C as trees to study: rollouts, weights and configuration.

`agents.storage.dumps` writes them.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import gymnasium
import keras
import numpy as np
import tensorflow as tf

from agents.actor_critic.train_model import TrainModel
from agents.configs.actor_critic import ActorCriticConfig
from agents.distributions import factory
from agents.experience.actor import Memory
from agents.experience.runner import ForwardPass, Rollout
from agents.experience.step_model import Weights
from agents.learning.metrics import Metrics, TrainMetrics
from agents.networks import backprop
from agents.storage import checkpoints, migrations
from envs.observations import Observation

_LOSSES = TrainMetrics._fields[:3]


class Batch(NamedTuple):
    """The data of a gradient."""

    rollout: Rollout
    memories: Sequence[Memory]  # Of its `ForwardPass`, whose activations follow from the rest
    weights: Weights  # Empty for those that the network has
    entropy_cost: float
    batch_fraction: float  # Part of the update's samples that is in this rollout


def of_rollouts(
    config: ActorCriticConfig,
    network: keras.Model,
    action_space: gymnasium.Space,
    batches: Sequence[Batch],
    metrics: Metrics,
) -> checkpoints.Tree:
    """The dump of an update from these batches: everything that it follows from."""
    own = network.get_weights()
    names = [field.name for field in dataclasses.fields(ActorCriticConfig)]
    return {
        'format': migrations.DUMP_FORMAT,
        'config': {name: getattr(config, name) for name in names},
        'network': network.to_json(),
        'actions': _describe(action_space),
        'metrics': metrics._asdict(),
        'weights': [np.asarray(weight) for weight in batches[0].weights] or own,
        'batches': [
            {
                'rollout': tf.nest.map_structure(
                    np.asarray, {**batch.rollout._asdict(), 'memories': batch.memories}
                ),
                'entropy_cost': batch.entropy_cost,
                'batch_fraction': batch.batch_fraction,
            }
            for batch in batches
        ],
    }


def recompute(dump: checkpoints.Tree) -> dict[str, np.ndarray]:
    """The quantities of a dumped update, computed again but not applied.

    Returns:
        Arrays by name, in the order in which one follows from the other: weights, observations,
        memories, rewards, values, logits, new values, losses, gradients and their norm.

    Raises:
        UsageError: The dump is of a newer version.
    """
    dump = migrations.dump(dump)
    network = keras.models.model_from_json(dump['network'])
    network.set_weights(dump['weights'])
    config: dict[str, Any] = {  # Checkpoints know no tuples.
        name: tuple(value) if isinstance(value, list) else value
        for name, value in dump['config'].items()
    }
    algorithm = ActorCriticConfig(**config)
    distribution = factory.for_training(algorithm, _action_space(*dump['actions']), network)
    model = TrainModel(network, distribution, algorithm)
    names = [variable.path for variable in network.trainable_variables]
    found: dict[str, list[Any]] = {}
    for variable, weight in zip(network.weights, dump['weights'], strict=True):
        found[f'weights {variable.path}'] = [weight]
    for batch in dump['batches']:
        for name, array in _quantities(model, network, batch, names):
            found.setdefault(name, []).append(array)
    arrays = {name: _joined(name, parts) for name, parts in found.items()}
    gradients = [array for name, array in arrays.items() if name.startswith('gradient ')]
    return {**arrays, 'grad_norm': tf.linalg.global_norm(gradients).numpy()}


def _quantities(
    model: TrainModel, network: keras.Model, batch: Mapping[str, Any], names: Sequence[str]
) -> list[tuple[str, Any]]:
    """Quantities of one batch; losses are weighted with its `batch_fraction`."""
    fraction, content = batch['batch_fraction'], batch['rollout']
    rollout = Rollout(*(content[name] for name in Rollout._fields))
    memories = [np.concatenate(arrays) for arrays in zip(*content['memories'], strict=True)]
    shape = rollout.rewards.shape
    seen = [np.concatenate(part) for part in tf.nest.flatten(rollout.observations)]
    (logits, values, *_), activations = backprop.forward(network, [*seen, *memories])
    forward_pass = ForwardPass([memories], [activations])  # As if it were a single step.
    part = model.compute_gradients((), rollout, forward_pass, batch['entropy_cost'], fraction)
    taken = ('rewards', 'discounts', 'values', 'bootstrap_value')
    return [
        *_observed(rollout.observations),
        *((f'memory {i}', array.reshape(*shape, -1)) for i, array in enumerate(memories)),
        *((name, getattr(rollout, name)) for name in taken),
        ('logits', tf.reshape(logits, [*shape, -1])),
        ('new values', tf.reshape(values, shape)),
        *((name, fraction * loss) for name, loss in zip(_LOSSES, part.losses[1:], strict=True)),
        *((f'gradient {name}', g) for name, g in zip(names, part.gradients, strict=True)),
    ]


def _observed(observations: Observation) -> list[tuple[str, np.ndarray]]:
    if isinstance(observations, dict):
        return [(f'observations {name}', part) for name, part in observations.items()]
    return [('observations', observations)]


def _joined(name: str, parts: Sequence[Any]) -> np.ndarray:
    """Joins the batches: losses and gradients are summed, environments put beside each other."""
    arrays = [np.asarray(part) for part in parts]
    if name in _LOSSES or name.startswith('gradient '):
        return sum(arrays[1:], start=arrays[0])
    return np.concatenate(arrays, axis=min(1, arrays[0].ndim - 1)) if arrays[1:] else arrays[0]


def _describe(space: gymnasium.Space) -> list[Any]:
    """An action space as `[kind, sizes]`, or `['Box', shape, low, high]`."""
    sizes = {'Discrete': 'n', 'MultiDiscrete': 'nvec', 'MultiBinary': 'n', 'Box': 'shape'}
    kind = type(space).__name__
    bounds = [space.low, space.high] if isinstance(space, gymnasium.spaces.Box) else []
    return [kind, np.atleast_1d(getattr(space, sizes[kind])).tolist(), *bounds]


def _action_space(kind: str, sizes: list[int], *bounds: np.ndarray) -> gymnasium.Space:
    if kind == 'MultiDiscrete':
        return gymnasium.spaces.MultiDiscrete(sizes)
    if kind == 'Box':
        low, high = bounds
        return gymnasium.spaces.Box(low, high, dtype=low.dtype.type)
    return getattr(gymnasium.spaces, kind)(*sizes)
