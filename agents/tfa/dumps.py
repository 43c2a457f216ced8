"""Skipped updates of the agents on TF-Agents as trees to study: networks and experience.

`agents.storage.dumps` writes them.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from agents.learning.metrics import Metrics
from agents.storage import checkpoints, migrations


def of_experience(
    config: Any, networks: Mapping[str, keras.Model], experience: Any, metrics: Metrics
) -> checkpoints.Tree:
    """The dump of an update: everything that it follows from but the noise of TD3's targets.

    Args:
        config: Of the algorithm.
        networks: Of `observations`, or of these and what is `taken`. Those whose name begins with
            `target` see what came next, and what a `target_actor` before them answers to it.
        experience: A named tuple: `Transitions`, or the steps of whole episodes.
        metrics: Of the update.
    """
    return {
        'format': migrations.DUMP_FORMAT,
        'config': dataclasses.asdict(config),
        'networks': {name: [one.to_json(), one.get_weights()] for name, one in networks.items()},
        'experience': {name: np.asarray(array) for name, array in experience._asdict().items()},
        'metrics': metrics._asdict(),
    }


def recompute(dump: checkpoints.Tree) -> dict[str, np.ndarray]:
    """The answers of all networks of a dump to its experience.

    Returns:
        Arrays by name, in the order in which one follows from the other: weights, experience, and
        the answer of each network to it.

    Raises:
        UsageError: The dump is of a newer version.
    """
    dump = migrations.dump(dump)
    networks, experience = {}, dump['experience']
    found: dict[str, np.ndarray] = {}
    for name, (description, weights) in dump['networks'].items():
        networks[name] = network = keras.models.model_from_json(description)
        network.set_weights(weights)
        for variable, weight in zip(network.weights, weights, strict=True):
            found[f'weights {name} {variable.path}'] = weight
    found.update(experience)
    now = {'observations': experience['observations'], 'taken': experience['actions']}
    after = {'observations': experience.get('next_observations')}
    for name, network in networks.items():
        known = after if name.startswith('target') else now
        inputs = [known[tensor.name] for tensor in network.inputs]
        answers = network(inputs if inputs[1:] else inputs[0])
        if isinstance(answers, (list, tuple)):  # Of REINFORCE
            found['logits'], found['values'] = (answer.numpy() for answer in answers)
        else:
            found[name] = answers.numpy()
        after['taken'] = found.get('target_actor')
    return found
