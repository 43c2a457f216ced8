"""Saved policies: a Keras model, and beside it the recipe of its environment.

DIR/model.keras   the network, of built-in layers only, so that it loads in Keras' safe mode
DIR/recipe.json   everything needed to build its environment again, and where it comes from
"""

import dataclasses
import math
import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras

from agents.networks import policy_value
from agents.storage import migrations, model_checks
from envs import files
from envs.config import EnvConfig
from envs.errors import UsageError

# Numbers of inputs beside the observation, and of outputs; see `networks.policy_value`.
_ENDS = ((0, 2), (2, 4), (4, 4))


class Policy(NamedTuple):
    """A network, and the environment that it was trained in."""

    network: keras.Model
    env_config: EnvConfig
    recipe: dict[str, Any]


def save(
    directory: str, network: keras.Model, env_config: EnvConfig, **about: str | int | float
) -> None:
    """Writes model and recipe; each file is complete or absent."""
    os.makedirs(directory, exist_ok=True)
    with files.replacing(os.path.join(directory, 'model.keras')) as partial:
        network.save(partial)
    recipe = {
        'format': migrations.RECIPE_FORMAT,
        **about,
        'environment': dataclasses.asdict(env_config),
    }
    files.write_json(os.path.join(directory, 'recipe.json'), recipe)


def load(directory: str) -> Policy:
    """Reads what `save` wrote, without executing anything of it.

    Raises:
        UsageError: There is no policy, or `model_checks` refuses something in its files.
    """
    env_config, recipe = model_checks.read_recipe(directory)
    model_checks.check_network(directory)
    path = os.path.join(directory, 'model.keras')
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
        num_memories = len(network.inputs) - policy_value.num_observations(network)
        if (num_memories, len(network.outputs)) not in _ENDS:
            raise ValueError('a policy maps observations, and a memory, to (logits, values)')
        if any(math.prod(size) > model_checks.MAX_WIDTH for size in _sizes(network)):
            raise ValueError('a layer makes too many numbers of an observation')
    except Exception as error:  # Keras raises whatever occurs to it.
        reason = (str(error).strip() or type(error).__name__).split('\n')[0]
        raise UsageError(f'{path}: no model that can be read: {reason}') from None
    return Policy(network, env_config, recipe)


def check_fit(
    network: keras.Model,
    observation: Sequence[tuple[int, ...]],
    num_logits: int,
    num_codes: int = 0,
) -> None:
    """Checks that a network fits a game, by the shapes of its inputs and outputs.

    Args:
        network: Model of the kind that `policy_value` describes.
        observation: Shapes of the parts of one observation, from `observations.shapes`.
        num_logits: Number of logits of the policy's distribution.
        num_codes: Length of an action that `Distribution.encode` has encoded; 0: `num_logits`.

    Raises:
        UsageError: The shapes are not those that the game needs.
    """
    takes = [tuple(tensor.shape[1:]) for tensor in network.inputs]
    gives = [tuple(tensor.shape[1:]) for tensor in network.outputs]
    others = takes[policy_value.num_observations(network) :]
    memory = [shape for shape in others[:1] if len(shape) == 1] * 2  # `hidden` and `cell`
    needs = [*observation, *[*memory, (num_codes or num_logits,), (1,)][: len(others)]]
    answers = [(num_logits,), (), *memory]
    if takes != needs or gives != answers:
        raise UsageError(
            f'the model is not for this game: it maps {_text(takes)} to {_text(gives)}, '
            f'but the game needs {_text(needs)} to {_text(answers)}'
        )


def _text(shapes: list[Any]) -> str:
    return ', '.join(map(str, shapes))


def _sizes(network: keras.Model) -> Iterator[tuple[int, ...]]:
    """Yields the shapes of all outputs of layers for one observation."""
    for layer in network.layers:
        for output in keras.tree.flatten(layer.output):
            yield output.shape[1:]
